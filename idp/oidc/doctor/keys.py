"""Checks of a client's published keys: RFC 7517, and the uses that the client registered."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from idp.core.strict_json import loads_object
from idp.jose.jwk import PRIVATE_MEMBERS, InvalidKey, JwkSet, UnknownKey, parse_jwk, parse_jwk_set
from idp.oidc.clients.keys import MAX_KEYS
from idp.oidc.clients.model import Client
from idp.oidc.doctor.model import Finding, ok, problem, warning
from idp.oidc.errors import printable

_ENCRYPTED = (
    "id_token_encrypted_response_alg",
    "userinfo_encrypted_response_alg",
    "introspection_encrypted_response_alg",
    "authorization_encrypted_response_alg",
)


def examine(check: str, subject: str, body: bytes, client: Client) -> Iterator[Finding]:
    """Findings about the client's JWK set ``body``; one ``ok`` if nothing is wrong."""
    try:
        document = loads_object(body)
    except ValueError as error:
        yield problem(check, subject, f"is not one JSON object ({error}): publish a JWK set")
        return
    listed = document.get("keys")
    if not isinstance(listed, list):
        yield problem(check, subject, "has no array named keys: publish a JWK set (RFC 7517 §5)")
        return
    found = list(_of_keys(check, subject, listed))
    found += _of_set(check, subject, document, client)
    yield from found or [ok(check, subject, f"holds {len(listed)} usable keys")]


def _of_keys(check: str, subject: str, listed: list[Any]) -> Iterator[Finding]:
    """Findings about single keys."""
    for number, each in enumerate(listed, 1):
        yield from _of_key(check, subject, each, number)
    for kid, count in Counter(_kids(listed)).items():
        if count > 1:
            yield problem(
                check, subject, f"has {count} keys with the kid {kid}: give each key its own kid"
            )


def _of_key(check: str, subject: str, jwk: object, number: int) -> Iterator[Finding]:
    name = _name(jwk, number)
    leaked = PRIVATE_MEMBERS & set(jwk) if isinstance(jwk, Mapping) else set()
    if leaked:
        yield problem(
            check,
            subject,
            f"publishes the private key {name} (members {', '.join(sorted(leaked))}): anybody can"
            " sign as this client. Generate a new key now, publish only its public members, and"
            " never use this key again",
        )
        return
    try:
        parse_jwk(jwk)
    except UnknownKey as error:
        yield warning(check, subject, f"has the key {name}, which is ignored: {error}")
    except InvalidKey as error:
        yield problem(
            check, subject, f"has the key {name}, which makes the whole set invalid: {error}"
        )
    else:
        if isinstance(jwk, Mapping) and "kid" not in jwk:
            yield warning(check, subject, f"has the key {name} without a kid: give it one")


def _kids(listed: list[Any]) -> Iterator[str]:
    for each in listed:
        if isinstance(each, Mapping) and "kid" in each:
            yield printable(str(each["kid"]))


def _of_set(
    check: str, subject: str, document: Mapping[str, Any], client: Client
) -> Iterator[Finding]:
    """Findings about the registered uses that need a key."""
    try:
        keys = parse_jwk_set(document, most=MAX_KEYS)
    except InvalidKey as error:
        yield problem(check, subject, f"is not usable: {error}")
        return
    for member, algorithms in _signing(client).items():
        if not any(each.verifies(alg) for each in keys.keys for alg in algorithms):
            needed = " or ".join(algorithms)
            yield problem(
                check, subject, f"has no key for {member}: publish a signing key for {needed}"
            )
        yield from _ambiguous(check, subject, member, keys, algorithms)
    for member in _ENCRYPTED:
        alg = getattr(client, member)
        if alg and keys.encryption_key(alg) is None:
            yield problem(
                check, subject, f"has no key for {member}: publish an encryption key for {alg}"
            )


def _ambiguous(
    check: str, subject: str, member: str, keys: JwkSet, algorithms: tuple[str, ...]
) -> Iterator[Finding]:
    """Several keys for one algorithm: each JWT must name its key (OIDC Core §10.1)."""
    for alg in algorithms:
        fitting = [each.kid for each in keys.keys if each.verifies(alg)]
        if len(fitting) > 1:
            yield warning(
                check,
                subject,
                f"has {len(fitting)} keys for {alg} ({member}): the header of each JWT must have"
                " the kid of its key, or it is refused",
            )
            return


def _signing(client: Client) -> dict[str, tuple[str, ...]]:
    """The registered uses that need a signing key, with the accepted algorithms."""
    uses: dict[str, tuple[str, ...]] = {}
    if client.token_endpoint_auth_method == "private_key_jwt":  # noqa: S105 (a method's name)
        registered = client.token_endpoint_auth_signing_alg
        uses["token_endpoint_auth_method"] = (
            (registered,) if registered else client.profile.assertion_algs
        )
    signed = client.require_signed_request_object or client.profile.request_object_required
    alg = client.request_object_signing_alg
    if alg not in (None, "none") or signed:
        algorithms = (alg,) if alg else client.profile.request_object_algs
        uses["request_object_signing_alg"] = tuple(each for each in algorithms if each != "none")
    if client.backchannel_authentication_request_signing_alg:
        member = "backchannel_authentication_request_signing_alg"
        uses[member] = (client.backchannel_authentication_request_signing_alg,)
    return uses


def needed(client: Client) -> bool:
    """Whether a registered use needs published keys."""
    return (
        client.token_endpoint_auth_method == "self_signed_tls_client_auth"  # noqa: S105
        or bool(_signing(client))
        or any(getattr(client, each) for each in _ENCRYPTED)
    )


def _name(jwk: object, number: int) -> str:
    kid = jwk.get("kid") if isinstance(jwk, Mapping) else None
    return printable(kid) if isinstance(kid, str) and kid else f"number {number}"
