"""Signed authentication requests: CIBA Core §7.1.1, FAPI-CIBA ID1 §5.2.2, Part 2 §5.2.2 clause 13.

The request object is a JWT of the client that holds all parameters. It is accepted once, within
its validity.
"""

from collections.abc import Mapping
from typing import Any

from idp.jose.jwt import (
    LEEWAY,
    InvalidToken,
    UnverifiedJwt,
    check_claims,
    check_signature,
    parse_jwt,
)
from idp.oidc.client_auth.private_key_jwt import use_of
from idp.oidc.clients.model import Client
from idp.oidc.consent.details import PARAMETER as DETAILS
from idp.oidc.errors import OAuthError, invalid_request
from idp.oidc.services import Services
from idp.oidc.tokens.resource import PARAMETER
from idp.storage.used import AlreadyUsed
from idp.web.http import Params, Request

MEMBERS = (
    "scope",
    "acr_values",
    "login_hint",
    "login_hint_token",
    "id_token_hint",
    "binding_message",
    "user_code",
    "client_notification_token",
    "requested_expiry",
)
"""The string parameters of an authentication request (§7.1)."""
REQUIRED = ("iss", "aud", "exp", "iat", "nbf", "jti")
LONGEST = 3600
"""Longest validity of a request object, and greatest age of its ``nbf``, in seconds."""


def parameters(services: Services, client: Client, request: Request) -> Params:
    """The parameters of an authentication request: from the form, or from its request object.

    Raises:
        OAuthError: ``invalid_request``: a required signature is missing, or it is not valid.
    """
    form, alg = request.form, client.backchannel_authentication_request_signing_alg
    if "request" not in form:
        if alg or client.profile.request_object_required:
            raise invalid_request("this client's requests must be signed")
        return form
    if not {*MEMBERS, PARAMETER, DETAILS}.isdisjoint(form):  # §7.1.1: none of them outside
        raise invalid_request("a signed request must have all parameters inside its request object")
    algorithms = (alg,) if alg else client.profile.assertion_algs
    claims = _verified(services, client, form["request"], algorithms)
    try:
        services.uses.use(use_of("ciba-request", client, claims))
    except AlreadyUsed as error:
        raise _bad("replayed") from error
    return _params(claims)


def _verified(
    services: Services, client: Client, text: str, algorithms: tuple[str, ...]
) -> Mapping[str, Any]:
    now, issuer = services.clock(), services.settings.issuer
    try:
        jwt: UnverifiedJwt = parse_jwt(text)
        keys = services.client_keys.find(client, jwt.kid)
        claims = check_signature(jwt, keys, algorithms)
        check_claims(claims, issuer=client.client_id, audience=issuer, now=now, required=REQUIRED)
        if claims["exp"] > now + LONGEST + LEEWAY:
            raise InvalidToken("exp_too_far")
        if claims["nbf"] < now - LONGEST - LEEWAY:
            raise InvalidToken("nbf_too_old")
    except InvalidToken as error:
        raise _bad(error.reason) from error
    return claims


def _bad(reason: str) -> OAuthError:
    return OAuthError(
        "invalid_request",
        "the signed request is not valid",
        reason=f"request_object_{reason}",
    )


def _params(claims: Mapping[str, Any]) -> Params:
    """The claims that are parameters.

    ``requested_expiry`` may be a number (§7.1.1), ``resource`` an array (RFC 8707 §2).
    """
    found = {name: claims[name] for name in MEMBERS if name in claims}
    expiry = found.get("requested_expiry")
    if isinstance(expiry, int) and not isinstance(expiry, bool):
        found["requested_expiry"] = str(expiry)
    for name, value in found.items():
        if not isinstance(value, str):
            raise invalid_request(f"{name} must be a string")
    return Params((*found.items(), *_resources(claims), *_details(claims)))


def _resources(claims: Mapping[str, Any]) -> list[tuple[str, str]]:
    asked = claims.get(PARAMETER, [])
    several = asked if isinstance(asked, list) else [asked]
    if not all(isinstance(each, str) for each in several):
        raise invalid_request("resource must be a string, or an array of them")
    return [(PARAMETER, each) for each in several]


def _details(claims: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(DETAILS, "[]")] if DETAILS in claims else []  # always refused later
