"""Checks of client metadata at registration: RFC 7591 §2, OIDC Registration §2, RFC 9700.

All problems are reported at once.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from idp.core import assurance
from idp.core.shown_text import check_shown
from idp.jose.jwk import InvalidKey, JwkSet, parse_jwk_set
from idp.oidc.clients.certificate import SUBJECTS
from idp.oidc.clients.members import unknown_problems
from idp.oidc.clients.metadata import (
    Metadata,
    client_of,
    effective_response_types,
    effective_scope,
)
from idp.oidc.clients.model import Client
from idp.oidc.clients.profile import BASELINE, PROFILES
from idp.oidc.clients.uris import check_page_uri, check_redirect_uri, origin
from idp.oidc.vocabulary import (
    ASSERTION_ALGS,
    CIBA,
    CODE,
    DELIVERY_MODES,
    ENCRYPTION_ALGS,
    ENCRYPTION_ENCS,
    GRANT_TYPES,
    LOGIN_GRANTS,
    OPENID,
    PERSONAL_CLAIMS,
    SIGNING_ALGS,
    claims_of,
    scope_tuple,
)
from idp.outbound.addresses import check_target
from idp.outbound.errors import OutboundError
from idp.outbound.target import parse_target

MAX_NAME = 100
"""Characters of ``client_name``."""
_CLIENT_ID = re.compile(r"[\x21-\x7e]{1,200}")
_DETAILS_TYPE = re.compile(r"[a-z][a-z_]{0,50}")
_PAGE_URIS = (
    "client_uri",
    "policy_uri",
    "tos_uri",
    "logo_uri",
    "jwks_uri",
    "sector_identifier_uri",
    "initiate_login_uri",
    "backchannel_logout_uri",
    "frontchannel_logout_uri",
    "backchannel_client_notification_endpoint",
)
_CALLED = (
    "jwks_uri",
    "sector_identifier_uri",
    "request_uris",
    "backchannel_logout_uri",
    "backchannel_client_notification_endpoint",
)
"""URIs that the provider calls; the rules of the outbound client apply to them."""
NAMES = ("client_name", "client_name#vi", "client_name#en")
TEXTS = (*NAMES, "purpose", "purpose#vi", "purpose#en")
"""Members shown to citizens."""
_SHOWN = (*TEXTS, "purpose_version", "contacts", "software_id", "software_version")
_ANSWERS = ("id_token", "userinfo", "introspection", "authorization")
_SIGNING_ALGS = tuple(f"{each}_signed_response_alg" for each in _ANSWERS)
_ENCRYPTED = (*(f"{each}_encrypted_response" for each in _ANSWERS), "request_object_encryption")
_ENCRYPTION_ALGS = tuple(f"{each}_alg" for each in _ENCRYPTED)
_ENCRYPTION_ENCS = tuple(f"{each}_enc" for each in _ENCRYPTED)


class InvalidMetadata(ValueError):
    """Metadata that cannot be registered; ``problems`` are ``member: problem``."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules that depend on the deployment, or on who registers the client.

    ``methods`` are the available authentication methods. ``loopback``: the provider may call
    loopback addresses. ``unknown_members`` are ignored instead of refused. ``pkce`` is
    the default of ``require_pkce`` for confidential clients (RFC 9700 §2.1.1).
    """

    methods: Collection[str] = ()
    loopback: bool = False
    unknown_members: bool = False
    pkce: bool = True


STRICT = Rules()


def register(raw: Mapping[str, Any], *, client_id: str, rules: Rules = STRICT) -> Client:
    """The client described by ``raw``.

    Raises:
        InvalidMetadata: with every problem.
    """
    metadata, mistyped = _read(raw)
    problems = [*mistyped.values()]
    if not rules.unknown_members:
        problems += unknown_problems(raw)
    problems += [  # a mistyped member is reported once
        each for each in _problems(metadata, client_id, rules) if _member(each) not in mistyped
    ]
    if problems:
        raise InvalidMetadata(tuple(problems))
    return client_of(metadata, client_id, pkce=rules.pkce)


def _read(raw: Mapping[str, Any]) -> tuple[Metadata, dict[str, str]]:
    """The members of the right type, and a problem for each other one."""
    try:
        return Metadata.model_validate(dict(raw)), {}
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
    mistyped = {
        str(each["loc"][0]): f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in found
    }
    rest = {name: value for name, value in raw.items() if name not in mistyped}
    return Metadata.model_validate(rest), mistyped


def _member(problem: str) -> str:
    return problem.partition(":")[0]


def _problems(metadata: Metadata, client_id: str, rules: Rules) -> Iterator[str]:
    if not _CLIENT_ID.fullmatch(client_id):
        yield "client_id: must have 1 to 200 visible ASCII characters"
    yield from _text_problems(metadata)
    yield from _redirect_problems(metadata, client_id)
    yield from _page_problems(metadata)
    yield from _called_problems(metadata, loopback=rules.loopback)
    yield from _channel_problems(metadata)
    yield from _grant_problems(metadata)
    yield from _response_type_problems(metadata)
    yield from _authentication_problems(metadata)
    yield from _key_problems(metadata)
    yield from _claim_problems(metadata)
    yield from _algorithm_problems(metadata)
    yield from _protection_problems(metadata)
    yield from _method_problems(metadata, rules.methods)


def _values(metadata: Metadata, member: str) -> list[str]:
    """The values of a string or list member; empty if it is omitted."""
    value = getattr(metadata, member.replace("#", "_"))
    return [value] if isinstance(value, str) and value else list(value)


def _text_problems(metadata: Metadata) -> Iterator[str]:
    """Texts shown to people: required, short, and without hidden characters."""
    if not metadata.client_name.strip():
        yield "client_name: is required, since the login pages show it"
    for name in NAMES:
        if any(len(each) > MAX_NAME for each in _values(metadata, name)):
            yield f"{name}: must have at most {MAX_NAME} characters"
    for name in _SHOWN:
        try:
            for each in _values(metadata, name):
                check_shown(each)
        except ValueError as error:
            yield f"{name}: {error}"


def _called_problems(metadata: Metadata, *, loopback: bool) -> Iterator[str]:
    """Refuse URIs that the outbound client would not call, as far as the URI shows."""
    for name in _CALLED:
        for uri in _values(metadata, name):
            try:
                check_target(parse_target(uri), loopback=loopback)
            except OutboundError:
                yield (
                    f"{name}: {uri[:80]!r} cannot be called: it needs https,"
                    " and a host outside this machine and private networks"
                )


def _protection_problems(metadata: Metadata) -> Iterator[str]:
    """Protections required by the kind of client or its profile."""
    profile = PROFILES.get(metadata.profile, BASELINE)
    public = metadata.token_endpoint_auth_method == "none"  # noqa: S105
    if metadata.require_pkce is False and (public or profile.pkce_required):
        yield "require_pkce: cannot be false for a public client, nor under this profile"
    if metadata.refresh_token_repeat_seconds and not profile.refresh_repeat:
        yield "refresh_token_repeat_seconds: must be 0 under this profile"
    if metadata.client_assertion_max_seconds > profile.assertion_max_ahead:
        yield f"client_assertion_max_seconds: at most {profile.assertion_max_ahead} in this profile"


def _redirect_problems(metadata: Metadata, client_id: str) -> Iterator[str]:
    native = metadata.application_type == "native"
    for name in ("redirect_uris", "post_logout_redirect_uris"):
        for uri in getattr(metadata, name):
            try:
                check_redirect_uri(uri, native=native)
            except ValueError as error:
                yield f"{name}: {uri[:80]!r} {error}"


def _page_problems(metadata: Metadata) -> Iterator[str]:
    for name in _PAGE_URIS:
        try:
            check_page_uri(getattr(metadata, name) or "https://none")
        except ValueError as error:
            yield f"{name}: {error}"
    for uri in metadata.request_uris:
        try:
            check_page_uri(uri.partition("#")[0])  # the fragment may be the content's digest
        except ValueError as error:
            yield f"request_uris: {uri[:80]!r} {error}"
    if metadata.initiate_login_uri and not metadata.initiate_login_uri.startswith("https:"):
        yield "initiate_login_uri: must be https"


def _channel_problems(metadata: Metadata) -> Iterator[str]:
    """Front-Channel Logout §2: one of the client's origins. CIBA §4: delivery mode."""
    front = metadata.frontchannel_logout_uri
    try:
        elsewhere = bool(front) and origin(front) not in map(origin, metadata.redirect_uris)
    except ValueError:  # a malformed URI, reported where it is checked
        elsewhere = False
    if elsewhere:
        yield "frontchannel_logout_uri: must have the origin of a redirect URI"
    mode = metadata.backchannel_token_delivery_mode
    if mode not in (None, *DELIVERY_MODES):
        yield f"backchannel_token_delivery_mode: must be one of {', '.join(DELIVERY_MODES)}"
    if (mode is None) is (CIBA in metadata.grant_types):
        yield "backchannel_token_delivery_mode: is required with the CIBA grant, and only with it"
    if (mode == "ping") is not bool(metadata.backchannel_client_notification_endpoint):
        yield "backchannel_client_notification_endpoint: is required in ping mode, and only in it"


def _grant_problems(metadata: Metadata) -> Iterator[str]:
    grants = set(metadata.grant_types)
    if not grants or not grants <= set(GRANT_TYPES):
        yield f"grant_types: each must be one of {', '.join(GRANT_TYPES)}"
    if grants & {"authorization_code", "implicit"} and not metadata.redirect_uris:
        yield "redirect_uris: the authorization_code and implicit grants need at least one"
    if "refresh_token" in grants and grants.isdisjoint(set(LOGIN_GRANTS) - {"implicit"}):
        yield "grant_types: refresh_token also needs a grant that issues refresh tokens"
    if metadata.token_endpoint_auth_method == "none":  # noqa: S105
        for each in grants & {"client_credentials", CIBA}:
            yield f"grant_types: {each} needs a client that authenticates"
    try:
        scope_tuple(metadata.scope or OPENID)
    except ValueError:
        yield "scope: must be a list of scope tokens, separated by spaces"


def _response_type_problems(metadata: Metadata) -> Iterator[str]:
    """OIDC Registration §2: response types need their grant types, and the other way round."""
    allowed = PROFILES.get(metadata.profile, BASELINE).response_types
    types, grants = effective_response_types(metadata), set(metadata.grant_types)
    for each in types:
        if each not in allowed:
            yield f"response_types: {each[:40]!r} is not one of {', '.join(allowed)}"
    needed = {
        "authorization_code": any(CODE in each.split() for each in types),
        "implicit": any(each != CODE for each in types),
    }
    for grant, wanted in needed.items():
        if wanted is not (grant in grants):
            yield f"response_types: do not fit {grant} {'not being' if wanted else 'being'} granted"


def _authentication_problems(metadata: Metadata) -> Iterator[str]:
    profile = PROFILES.get(metadata.profile)
    if profile is None:
        yield f"profile: must be one of {', '.join(PROFILES)}"
        return
    method, alg = metadata.token_endpoint_auth_method, metadata.token_endpoint_auth_signing_alg
    if method not in profile.auth_methods:
        yield f"token_endpoint_auth_method: must be one of {', '.join(profile.auth_methods)}"
    if alg is not None and alg not in profile.assertion_algs:
        yield f"token_endpoint_auth_signing_alg: one of {', '.join(profile.assertion_algs)}"
    subjects = sum(bool(getattr(metadata, name)) for name in SUBJECTS)
    if subjects != (1 if method == "tls_client_auth" else 0):
        yield "tls_client_auth_subject_dn or _san_…: exactly one with tls_client_auth, else none"
    yield from _subject_problems(metadata)


def _subject_problems(metadata: Metadata) -> Iterator[str]:
    for name, subject in SUBJECTS.items():
        registered = getattr(metadata, name)
        try:
            _ = subject.parse(registered) if registered else None
        except ValueError:
            yield f"{name}: is malformed"


def _key_problems(metadata: Metadata) -> Iterator[str]:
    needs = metadata.token_endpoint_auth_method in {
        "private_key_jwt",
        "self_signed_tls_client_auth",
    }
    encrypted = any(getattr(metadata, name) for name in _ENCRYPTION_ALGS if "response" in name)
    if (needs or encrypted) and not (metadata.jwks or metadata.jwks_uri):
        yield "jwks: send the client's public keys here or at jwks_uri"
    if metadata.jwks is not None and metadata.jwks_uri:
        yield "jwks: send keys either here or at jwks_uri, not both"
    try:
        if metadata.jwks is not None:
            yield from _misfits(metadata, parse_jwk_set(metadata.jwks))
    except InvalidKey as error:
        yield f"jwks: {error}"


def _misfits(metadata: Metadata, keys: JwkSet) -> Iterator[str]:
    """Registered uses without a fitting key."""
    if not keys.keys:
        yield "jwks: has no usable key"
    for name in _ENCRYPTION_ALGS:
        alg = getattr(metadata, name)
        if "response" in name and alg in ENCRYPTION_ALGS and not keys.encryption_key(alg):
            yield f"jwks: has no key for {name} {alg}"


def _claim_problems(metadata: Metadata) -> Iterator[str]:
    registered = claims_of(effective_scope(metadata).split(" "))
    for name in set(metadata.required_claims) - registered:
        known = "its scope is not registered" if name in PERSONAL_CLAIMS else "no such claim"
        yield f"required_claims: {name[:40]!r}: {known}"
    for name, values in (
        ("minimum_acr", [metadata.minimum_acr]),
        ("default_acr_values", metadata.default_acr_values),
    ):
        if any(assurance.acr_level(each) is None for each in values):
            yield f"{name}: must be one of {', '.join(assurance.ACR_VALUES)}"
    if not all(_DETAILS_TYPE.fullmatch(each) for each in metadata.authorization_details_types):
        yield "authorization_details_types: must be names of types"
    if not all(_CLIENT_ID.fullmatch(each) for each in metadata.resource.split(" ") if each):
        yield "resource: must be client_ids of resource servers, separated by spaces"


def _method_problems(metadata: Metadata, known: Collection[str]) -> Iterator[str]:
    if not set(metadata.methods) <= set(known):
        yield f"methods: each must be one of {', '.join(known)}"


def _algorithm_problems(metadata: Metadata) -> Iterator[str]:
    profile = PROFILES.get(metadata.profile, BASELINE)
    for names, values in (
        (_SIGNING_ALGS, [each for each in SIGNING_ALGS if each in profile.assertion_algs]),
        (_ENCRYPTION_ALGS, ENCRYPTION_ALGS),
        (_ENCRYPTION_ENCS, ENCRYPTION_ENCS),
        (("request_object_signing_alg",), profile.request_object_algs),
        (("backchannel_authentication_request_signing_alg",), ASSERTION_ALGS),
    ):
        for name in names:
            if getattr(metadata, name) not in (None, *values):
                yield f"{name}: must be one of {', '.join(values)}"
    for alg, enc in zip(_ENCRYPTION_ALGS, _ENCRYPTION_ENCS, strict=True):
        if getattr(metadata, enc) and not getattr(metadata, alg):
            yield f"{enc}: needs {alg}"
