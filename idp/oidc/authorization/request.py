"""The authorization request, checked once: RFC 6749 §4.1.1, OIDC Core §3.1.2.1.

:func:`parse` is the order of the checks, a line each. Behind it nobody sees a raw parameter.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from idp.core.records import Record
from idp.oidc.authorization import claims_request, pkce
from idp.oidc.authorization.acr import minimum_level
from idp.oidc.authorization.claims_request import ClaimsRequest
from idp.oidc.authorization.destination import Destination
from idp.oidc.authorization.response_type import ID_TOKEN, QUERY, check_mode, read_type
from idp.oidc.clients.model import Client
from idp.oidc.consent import details
from idp.oidc.consent.details import Detail
from idp.oidc.consent.model import RequestedClaims
from idp.oidc.errors import OAuthError, invalid_request, invalid_scope
from idp.oidc.tokens.resource import narrowed
from idp.oidc.vocabulary import (
    ACCOUNT_LEVEL,
    CODE,
    OFFLINE_ACCESS,
    OPENID,
    claims_of,
    known_scope,
    released_by,
)
from idp.web.http import Params

PROMPTS = frozenset({"none", "login", "consent", "select_account"})
UNSUPPORTED = ("registration",)
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")
MAX_LENGTHS: Mapping[str, int] = {
    "response_type": 100,
    "response_mode": 100,
    "nonce": 1_024,
    "code_challenge": 128,
    "code_challenge_method": 16,
    "dpop_jkt": 43,
    "prompt": 100,
    "max_age": 10,
    "display": 100,
    "ui_locales": 1_000,
    "claims_locales": 1_000,
    "acr_values": 1_000,
    "login_hint": 1_000,
    "id_token_hint": 16 * 1024,
    "claims": 8 * 1024,
    "authorization_details": 8 * 1024,
}
"""What is read of a request beside its destination and scope, and how long it may be."""


@dataclass(frozen=True, slots=True)
class AuthorizationRequest(Record):
    """An authorization request that this provider can answer.

    ``code_challenge`` is ``""`` without PKCE; ``level`` the least that will do; ``claims`` and
    ``id_token_claims`` the claims asked for at UserInfo and in the ID token, ``asked``
    both together as the citizen sees them; ``subject`` the only ``sub`` that will do; ``details``
    the transactions to approve (RFC 9396). ``pushed``: where the request was kept, if it was
    pushed, until it is answered. ``response_type`` and ``response_mode``: what the answer holds,
    and how it travels. ``resource``: what the tokens are for (RFC 8707); ``dpop_jkt``: the one key
    that may redeem the code, ``""`` for any (RFC 9449 §10).
    """

    client_id: str
    redirect_uri: str
    state: str | None
    scope: tuple[str, ...]
    nonce: str | None
    code_challenge: str
    prompt: tuple[str, ...]
    max_age: int | None
    level: int
    claims: tuple[str, ...]
    id_token_claims: tuple[str, ...]
    asked: RequestedClaims
    subject: str | None
    details: tuple[Detail, ...] = ()
    pushed: str = ""
    response_type: str = CODE
    response_mode: str = QUERY
    resource: str = ""
    dpop_jkt: str = ""


def parse(
    params: Params, destination: Destination, read_hint: Callable[[str, Client], str]
) -> AuthorizationRequest:
    """The request that ``params`` spell; ``read_hint`` gives the ``sub`` of an ``id_token_hint``.

    Raises:
        OAuthError: for a redirect to the destination.
    """
    client = destination.client
    _refuse_repeated_or_long(params)
    _refuse_unsupported(params)
    _require_scope(params)
    asked_type = read_type(params, client)
    check_mode(params, asked_type, client)
    scope = registered_scope(params, client)
    _check_id_token(params, asked_type, scope, client)
    challenge = pkce.code_challenge(params, client) if CODE in asked_type.split() else ""
    prompt = _prompt(params)
    max_age = _max_age(params, client)
    claims = claims_request.parse(params.get("claims", ""), client)
    level = minimum_level(params.get("acr_values", ""), claims.acr, client)
    return AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri=destination.redirect_uri,
        state=destination.state,
        scope=scope,
        nonce=params.get("nonce"),
        code_challenge=challenge,
        prompt=prompt,
        max_age=max_age,
        level=level,
        claims=tuple(sorted(_at_userinfo(asked_type, scope, claims))),
        id_token_claims=tuple(sorted(_in_id_token(asked_type, scope, claims))),
        asked=_asked(scope, claims, prompt, client),
        subject=_subject(params, claims, client, read_hint),
        details=details.parse(params.get("authorization_details", ""), client),
        response_type=asked_type,
        response_mode=destination.mode,
        resource=narrowed(params, client.resource),
        dpop_jkt=_dpop_jkt(params),
    )


def _refuse_repeated_or_long(params: Params) -> None:
    # RFC 6749 §3.1 and §3.3. Unknown parameters are ignored, repeated ones too.
    for name in params.repeated():
        if name in MAX_LENGTHS or name in (*UNSUPPORTED, "scope"):
            raise invalid_request(f"{name} is repeated")
    for name, longest in MAX_LENGTHS.items():
        if len(params.get(name, "")) > longest:
            raise invalid_request(f"{name} is too long")


def _refuse_unsupported(params: Params) -> None:
    for name in UNSUPPORTED:
        if name in params:
            raise OAuthError(f"{name}_not_supported", f"{name} is not supported")


def _require_scope(params: Params) -> None:
    if "scope" not in params:  # a required parameter here (OIDC Core §3.1.2.1)
        raise invalid_request("scope is missing")


def _check_id_token(
    params: Params, asked_type: str, scope: tuple[str, ...], client: Client
) -> None:
    """An ID token in the answer needs ``openid`` and a nonce (OIDC Core §3.2.2.1, §3.3.2.11)."""
    answered = ID_TOKEN in asked_type.split()
    if answered and OPENID not in scope:
        raise invalid_scope("scope must contain openid")
    later = client.profile.nonce_required and OPENID in scope
    if (answered or later) and "nonce" not in params:
        raise invalid_request("nonce is required")


def registered_scope(params: Params, client: Client) -> tuple[str, ...]:
    """The scope of a request, within what the client registered (RFC 6749 §3.3).

    Scopes that mean nothing here are ignored; one of ours that is not registered is an error.

    Raises:
        OAuthError: ``invalid_scope``.
    """
    try:
        scope = known_scope(params.get("scope", ""), client.scope)
    except ValueError as error:
        raise invalid_scope("scope is missing, malformed or unknown") from error
    if not {*client.scope, OFFLINE_ACCESS}.issuperset(scope):
        raise invalid_scope(
            "a scope is not registered for the client",
            reason="scope_not_registered",
            seen=" ".join(each for each in scope if each not in (*client.scope, OFFLINE_ACCESS)),
        )
    if OPENID in client.scope and OPENID not in scope:
        raise invalid_scope("scope must contain openid")
    return scope


def _prompt(params: Params) -> tuple[str, ...]:
    prompt = tuple(sorted(set(params.get("prompt", "").split())))
    if not PROMPTS.issuperset(prompt):
        raise invalid_request("prompt has an unknown value")
    if "none" in prompt and len(prompt) > 1:
        raise invalid_request("prompt none stands alone")
    return prompt


def _max_age(params: Params, client: Client) -> int | None:
    max_age = params.get("max_age")
    if max_age is None:
        return client.default_max_age
    if not (max_age.isascii() and max_age.isdigit()):
        raise invalid_request("max_age is a number of seconds")
    return int(max_age)


def _at_userinfo(asked_type: str, scope: tuple[str, ...], claims: ClaimsRequest) -> frozenset[str]:
    """Claims for UserInfo; where no access token is given there is none (OIDC Core §5.4, §5.5)."""
    if asked_type != ID_TOKEN:
        return claims.userinfo | released_by(scope)
    if claims.userinfo:
        raise invalid_request("claims.userinfo needs a response_type that gives an access token")
    return frozenset()


def _in_id_token(asked_type: str, scope: tuple[str, ...], claims: ClaimsRequest) -> frozenset[str]:
    """Claims for the ID token: those of the scope too where it is all there is (§5.4)."""
    alone = asked_type == ID_TOKEN
    return claims.id_token | (released_by(scope) if alone else frozenset())


def _dpop_jkt(params: Params) -> str:
    jkt = params.get("dpop_jkt", "")
    if jkt and not _THUMBPRINT.fullmatch(jkt):
        raise invalid_request("dpop_jkt is not a thumbprint")
    return jkt


def _asked(
    scope: tuple[str, ...], claims: ClaimsRequest, prompt: tuple[str, ...], client: Client
) -> RequestedClaims:
    return RequestedClaims.of(
        (claims_of(scope) | claims.userinfo | claims.id_token) - {ACCOUNT_LEVEL},
        claims.essential | frozenset(client.required_claims),
        anew="consent" in prompt,
    )


def _subject(
    params: Params,
    claims: ClaimsRequest,
    client: Client,
    read_hint: Callable[[str, Client], str],
) -> str | None:
    hint = params.get("id_token_hint")
    if hint is None:
        return claims.subject
    subject = read_hint(hint, client)
    if claims.subject not in {None, subject}:
        raise invalid_request("id_token_hint and claims ask for two subjects")
    return subject
