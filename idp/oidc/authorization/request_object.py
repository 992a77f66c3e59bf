"""Request objects: RFC 9101, OIDC Core §6. An authorization request in a JWT of the client's.

What is inside comes out as plain parameters, to be judged like any others. Where the client must
sign its requests, pushed the object, or says itself that it is one of RFC 9101's, only what is
inside counts; else what stands beside it may add to it (OIDC Core §6.1).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from idp.jose import jwe
from idp.jose.jwt import (
    InvalidToken,
    UnverifiedJwt,
    audiences,
    check_algorithm,
    check_claims,
    check_signature,
    check_typ,
    parse_jwt,
)
from idp.oidc.client_auth.private_key_jwt import use_of
from idp.oidc.clients.model import Client
from idp.oidc.errors import OAuthError
from idp.oidc.services import Services
from idp.storage.used import AlreadyUsed, Use
from idp.web.http import Params

TYP = "oauth-authz-req+jwt"
NONE = "none"
REMEMBERED = 30 * 24 * 3600
"""Seconds for which a used object that never expires is known."""
_TYPS = ("", "JWT", TYP)
_OF_JWT = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti"})
_NESTED = frozenset({"request", "request_uri"})
_REPEATABLE = frozenset({"resource"})
"""Arrays of strings that stand for a parameter sent several times (RFC 8707 §2)."""


def must_sign(client: Client) -> bool:
    """Whether the client's requests come as signed objects or not at all (RFC 9101 §10.5)."""
    return client.profile.request_object_required or client.require_signed_request_object


@dataclass(frozen=True, slots=True)
class Unfolded:
    """What a request object says, and its one use where a ``jti`` tells it from others.

    One that was pushed works once. One that a browser carries may come again: its citizen may
    reload the page.
    """

    params: Params
    use: Use | None


def unfold(
    services: Services, client: Client, beside: Params, text: str, *, alone: bool
) -> Unfolded:
    """The request object ``text``; unless ``alone``, with the parameters ``beside`` it.

    Raises:
        OAuthError: ``invalid_request_object``.
        Unavailable: the client's keys cannot be asked for now.
    """
    try:
        jwt = parse_jwt(_decrypted(services, text))
        check_typ(jwt, _TYPS)
        _check_signature(services, client, jwt)
        strict = alone or must_sign(client) or jwt.header.get("typ", "").lower().endswith(TYP)
        _check_claims(services, client, jwt.claims, strict=strict)
        inside = tuple(_parameters(jwt.claims))
    except InvalidToken as error:
        raise invalid_object(error.reason, seen=error.seen, seconds=error.seconds) from error
    named = {name for name, _ in inside}
    added = () if strict else (each for each in beside.pairs() if each[0] not in named | _NESTED)
    params = Params((*inside, *added, *_client_id(client, named)))
    return Unfolded(params, _use(client, jwt.claims, services.clock()))


def use_up(services: Services, use: Use | None) -> None:
    """Use a pushed object up: the last check of its request.

    Raises:
        OAuthError: ``invalid_request_object``, it was used before.
    """
    if use is None:
        return
    try:
        services.uses.use(use)
    except AlreadyUsed as error:
        raise invalid_object("replayed") from error


def invalid_object(reason: str, *, seen: str = "", seconds: int | None = None) -> OAuthError:
    """The object is not good. It is the client's own, so that its developer may know why."""
    return OAuthError(
        "invalid_request_object",
        f"the request object is not valid ({reason})",
        reason=f"request_object_{reason}",
        seen=seen,
        seconds=seconds,
    )


def _client_id(client: Client, named: set[str]) -> tuple[tuple[str, str], ...]:
    return () if "client_id" in named else (("client_id", client.client_id),)


def _decrypted(services: Services, text: str) -> str:
    """The signed JWT inside an encrypted one (OIDC Core §6.1, RFC 9101 §6.1)."""
    if text.count(".") != jwe.PARTS - 1:
        return text
    return jwe.decrypt(text, services.keys.decryption())


def _algorithms(client: Client) -> tuple[str, ...]:
    """What the client's objects may be signed with: what it registered, else what is usual."""
    allowed = client.profile.request_object_algs
    if must_sign(client):
        allowed = tuple(each for each in allowed if each != NONE)
    registered = client.request_object_signing_alg
    return tuple(each for each in allowed if registered in {None, each})


def _check_signature(services: Services, client: Client, jwt: UnverifiedJwt) -> None:
    algorithms = _algorithms(client)
    check_algorithm(jwt, algorithms)
    if jwt.alg != NONE:
        check_signature(jwt, services.client_keys.find(client, jwt.kid), algorithms)
    elif jwt.signature:
        raise InvalidToken("signature")


def _check_claims(
    services: Services, client: Client, claims: Mapping[str, Any], *, strict: bool
) -> None:
    signer, issuer, now = claims.get("iss"), services.settings.issuer, services.clock()
    ttl = client.profile.request_object_ttl
    required = (*(("iss", "aud") if must_sign(client) else ()), *(("exp", "nbf") if ttl else ()))
    check_claims(claims, issuer=None, audience=None, now=now, required=required)
    if signer not in {None, client.client_id}:
        raise InvalidToken("iss")
    if "aud" in claims and issuer not in audiences(claims):
        raise InvalidToken("aud", seen=" ".join(audiences(claims)))
    if claims.get("sub") == client.client_id:
        raise InvalidToken("sub")  # so looks a client's assertion (RFC 9101 §10.8)
    if claims.get("client_id", None if strict else client.client_id) != client.client_id:
        raise InvalidToken("client_id")
    if not _NESTED.isdisjoint(claims):
        raise InvalidToken("nested")
    if ttl and (claims["exp"] - claims["nbf"] > ttl or now - claims["nbf"] > ttl):
        raise InvalidToken("lives_too_long")


def _use(client: Client, claims: Mapping[str, Any], now: int) -> Use | None:
    if "jti" not in claims:
        return None
    return use_of("request-object", client, {**claims, "exp": claims.get("exp", now + REMEMBERED)})


def _parameters(claims: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in claims.items():
        if name in _OF_JWT:
            continue
        repeated = name in _REPEATABLE and isinstance(value, list)
        for each in value if repeated else (value,):
            yield name, _text(name, each)


def _text(name: str, value: Any) -> str:
    """A member as it would stand in a query: JSON values in JSON (RFC 9101 §4, OIDC Core §6.1)."""
    match value:
        case str() if "\x00" not in value and "\x00" not in name:
            return value
        case bool() | float() | None | str():
            raise InvalidToken("parameter")
        case int():
            return str(value)
        case _:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
