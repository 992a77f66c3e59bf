"""The UserInfo endpoint: OpenID Connect Core §5.3. JSON, or a JWT if the client registered that."""

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import uuid4

from idp.jose.jwt import sign_jwt
from idp.oidc.clients.cors import cross_origin
from idp.oidc.clients.encryption import encrypts, sealed
from idp.oidc.clients.model import Client
from idp.oidc.errors import answering
from idp.oidc.openapi import JWT, members, taking_proofs
from idp.oidc.services import Endpoint, Part, Services, recording
from idp.oidc.settings import ProviderSettings
from idp.oidc.tokens.authorization import Authorization
from idp.oidc.tokens.claims import personal_claims
from idp.oidc.tokens.sender_constraint import offering_nonces
from idp.oidc.tokens.standing import Holder
from idp.oidc.userinfo.bearer import (
    PresentedToken,
    challenging,
    insufficient_scope,
    invalid_token,
    presented_token,
)
from idp.oidc.vocabulary import ENCRYPTION_ALGS, ENCRYPTION_ENCS, OPENID, SIGNING_ALGS
from idp.standing.check import Ended
from idp.web.edge import Route
from idp.web.http import FORM, Handler, Request, Response, json_response
from idp.web.openapi import ANY_TEXT, TEXT, Paths, an_object, answer, operation, parameter

METHODS = ("GET", "POST")
MEDIA_TYPE = "application/jwt"
INTERACTION = "X-FAPI-Interaction-ID"
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def userinfo(services: Services, request: Request) -> Response:
    """The citizen's claims: ``sub``, and those allowed to this client.

    Raises:
        OAuthError: ``invalid_token`` (401), ``insufficient_scope`` (403), ``invalid_request``.
    """
    shown = presented_token(request)
    with challenging(shown):
        authorization, holder = _authorized(services, request, shown)
    claims = personal_claims(authorization.claims, holder, now=services.clock())
    claims["sub"] = services.mint.subject(authorization, holder)
    return _answer(services, holder.client, claims)


def _answer(services: Services, client: Client, claims: Mapping[str, Any]) -> Response:
    """The claims in the registered form: plain, signed, encrypted, or both (§5.3.2)."""
    alg, encrypted = client.userinfo_signed_response_alg, encrypts(client, "userinfo")
    if alg is None and not encrypted:
        return json_response(claims)
    if alg is None:
        text, cty = json.dumps(claims, ensure_ascii=False), None
    else:
        addressed = {**claims, "iss": services.settings.issuer, "aud": client.client_id}
        text, cty = sign_jwt(services.keys.signer(alg), addressed), "JWT"
    body = sealed(services.client_keys, client, "userinfo", text, cty=cty).encode("ascii")
    headers = {"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store"}
    return Response(200, body, headers)


def _authorized(
    services: Services, request: Request, shown: PresentedToken
) -> tuple[Authorization, Holder]:
    """The token's authorization and holder, after the check of its key binding."""
    try:
        authorization = services.presented.access_token(shown.token).authorization
        holder = services.standing.allows(authorization)
    except Ended as error:
        raise invalid_token(error.reason) from error
    with recording(services, holder.client.client_id, request):
        services.sender_constraint.check(
            request, holder.client, shown.token, authorization.cnf, scheme=shown.scheme
        )
        if OPENID not in authorization.scope:
            raise insufficient_scope(OPENID)
    return authorization, holder


def interacting(handler: Handler) -> Handler:
    """Add the client's interaction id, or a new one (FAPI 1.0 Baseline §6.2.1)."""

    def named(request: Request) -> Response:
        given = request.headers.get(INTERACTION.lower(), "")
        interaction = given if given and _UUID.fullmatch(given) else str(uuid4())
        return handler(request).with_headers({INTERACTION: interaction})

    return named


def _metadata(settings: ProviderSettings) -> Mapping[str, Any]:
    return {
        "userinfo_endpoint": settings.url("/userinfo"),
        "userinfo_signing_alg_values_supported": list(SIGNING_ALGS),
        "userinfo_encryption_alg_values_supported": list(ENCRYPTION_ALGS),
        "userinfo_encryption_enc_values_supported": list(ENCRYPTION_ENCS),
    }


def _endpoints(services: Services) -> tuple[Endpoint, ...]:
    handler = offering_nonces(
        services.sender_constraint, answering(partial(userinfo, services), candid=services.candid)
    )
    shared = cross_origin(interacting(handler), services.clients.browser_origins, METHODS)
    return (Endpoint("/userinfo", Route(shared, (*METHODS, "OPTIONS"))),)


_NAMED = {INTERACTION: {"schema": {"type": "string", "pattern": f"^{_UUID.pattern}$"}}}
_ANSWER = answer(
    "The citizen's claims; a JWT if the client registered that (§5.3.2)",
    an_object({"sub": TEXT}, ("sub",), description="and the allowed claims"),
    also={MEDIA_TYPE: JWT},
    headers=_NAMED,
)
_SECURITY: tuple[Mapping[str, Any], ...] = (
    {"access_token": []},
    {"access_token": [], "mutual_tls": []},
    {"dpop": []},
)


def _operation(**more: Any) -> Mapping[str, Any]:
    return taking_proofs(
        operation(
            "The citizen's claims (OpenID Connect Core §5.3)",
            {"200": _ANSWER},
            parameters=(parameter(INTERACTION, "header", ANY_TEXT, "FAPI 1.0 Baseline §6.2.1"),),
            **more,
        )
    )


_BODY = {
    "description": "The token, if it is not in the header Authorization (RFC 6750 §2.2)",
    "content": {FORM: {"schema": members({"access_token": TEXT})}},
}
_PATHS: Paths = {
    "/userinfo": {
        "get": _operation(security=_SECURITY),
        "post": _operation(security=(*_SECURITY, {}), body=_BODY),
    }
}
PART = Part(_metadata, _endpoints, _PATHS)
