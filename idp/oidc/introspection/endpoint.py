"""Token introspection: RFC 7662, signed answers RFC 9701.

A client may introspect its own tokens, a resource server those for it. A resource server is
registered as a client whose ``client_id`` is the ``resource`` of others. For other callers a token
is not active, as an unknown one.
"""

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from idp.jose.jwt import sign_jwt
from idp.oidc.client_auth.form import require_form
from idp.oidc.clients.encryption import sealed
from idp.oidc.clients.model import Client
from idp.oidc.errors import answering, invalid_client, invalid_request
from idp.oidc.openapi import CLIENT_AUTHENTICATION, DETAILS, JWT, form
from idp.oidc.services import Endpoint, Part, Services, recording_client
from idp.oidc.settings import ProviderSettings
from idp.oidc.tokens.authorization import Authorization
from idp.oidc.tokens.sender_constraint import token_type
from idp.oidc.tokens.standing import Holder
from idp.oidc.vocabulary import (
    ASSERTION_ALGS,
    AUTH_METHODS,
    ENCRYPTION_ALGS,
    ENCRYPTION_ENCS,
    SIGNING_ALGS,
)
from idp.standing.check import Ended
from idp.web.edge import Route
from idp.web.http import Request, Response, json_response
from idp.web.openapi import SECONDS, TEXT, Paths, a_list, an_object, answer, one_of, operation

INACTIVE: Mapping[str, Any] = {"active": False}
TYP = "token-introspection+jwt"
MEDIA_TYPE = f"application/{TYP}"
DEFAULT_ALG = "RS256"
"""For a client without a registered algorithm (RFC 9701 §6)."""


def introspect(services: Services, request: Request) -> Response:
    """The state of a token, for its client or resource server.

    Raises:
        OAuthError: ``invalid_client``, ``invalid_request``.
    """
    require_form(request)
    client = services.client_authentication.authenticate(request)
    with recording_client(services, client, request):
        if client.public:
            raise invalid_client("public_client")
        if "token" not in request.form:
            raise invalid_request("token is missing")
    found = _found(services, client, request.form["token"])
    if _wants_jwt(request):
        return _signed(services, client, found)
    return json_response(found)


def _found(services: Services, client: Client, text: str) -> Mapping[str, Any]:
    for kind in (_access_token, _refresh_token):
        with suppress(Ended):
            return kind(services, client, text)
    return INACTIVE


def _wants_jwt(request: Request) -> bool:
    """Whether the caller accepts a signed response (RFC 9701 §4)."""
    types = (each.partition(";")[0] for each in request.headers.get("accept", "").split(","))
    return MEDIA_TYPE in {each.strip().lower() for each in types}


def _signed(services: Services, client: Client, found: Mapping[str, Any]) -> Response:
    """The response in a JWT for the caller, inside the claim ``token_introspection`` (§5)."""
    claims = {
        "iss": services.settings.issuer,
        "aud": client.client_id,
        "iat": services.clock(),
        "token_introspection": found,
    }
    signer = services.keys.signer(client.introspection_signed_response_alg or DEFAULT_ALG)
    text = sealed(services.client_keys, client, "introspection", sign_jwt(signer, claims, typ=TYP))
    headers = {"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store"}
    return Response(200, text.encode("ascii"), headers)


def _access_token(services: Services, client: Client, text: str) -> dict[str, Any]:
    token = services.presented.access_token(text)
    authorization = token.authorization
    audience = token.audience or (services.settings.issuer,)
    if client.client_id not in (authorization.client_id, *token.audience):
        raise Ended("not_for_this_client")
    return _described(services, authorization, services.standing.allows(authorization)) | {
        "token_type": token_type(authorization.cnf),
        "aud": audience[0] if len(audience) == 1 else list(audience),
        "iat": token.issued_at,
        "exp": token.expires_at,
    }


def _refresh_token(services: Services, client: Client, text: str) -> dict[str, Any]:
    authorization = services.presented.refresh_token(text)
    if client.client_id != authorization.client_id:
        raise Ended("not_for_this_client")
    described = _described(services, authorization, services.standing.confirm(authorization))
    return described | {"iat": authorization.issued_at, "exp": authorization.expires_at}


def _described(services: Services, authorization: Authorization, holder: Holder) -> dict[str, Any]:
    described: dict[str, Any] = {
        "active": True,
        "iss": services.settings.issuer,
        "sub": services.mint.subject(authorization, holder),
        "client_id": authorization.client_id,
        "scope": " ".join(authorization.scope),
    }
    if authorization.account_id is not None:
        described |= {"acr": authorization.acr, "auth_time": authorization.auth_time}
    if authorization.details:
        described["authorization_details"] = list(authorization.details)
    if authorization.cnf:
        described["cnf"] = dict(authorization.cnf)
    return described


def _metadata(settings: ProviderSettings) -> Mapping[str, Any]:
    methods = [each for each in AUTH_METHODS if each != "none"]
    return {
        "introspection_endpoint": settings.url("/introspect"),
        "introspection_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGS),
        "introspection_signing_alg_values_supported": list(SIGNING_ALGS),
        "introspection_encryption_alg_values_supported": list(ENCRYPTION_ALGS),
        "introspection_encryption_enc_values_supported": list(ENCRYPTION_ENCS),
    }


def _endpoints(services: Services) -> tuple[Endpoint, ...]:
    handler = answering(partial(introspect, services), candid=services.candid)
    return (Endpoint("/introspect", Route(handler, ("POST",))),)


_STATE = answer(
    "The token's state; a JWT if the caller accepts one (RFC 9701)",
    an_object(
        {
            "active": {"type": "boolean"},
            **dict.fromkeys(("iss", "sub", "client_id", "acr"), TEXT),
            "scope": {"type": "string"},
            "token_type": one_of(("Bearer", "DPoP")),
            "aud": {"anyOf": [TEXT, a_list(TEXT)]},
            **dict.fromkeys(("iat", "exp", "auth_time"), SECONDS),
            "cnf": an_object({}),
            "authorization_details": DETAILS,
        },
        ("active",),
    ),
    also={MEDIA_TYPE: JWT},
)
_PATHS: Paths = {
    "/introspect": {
        "post": operation(
            "Introspect a token (RFC 7662)",
            {"200": _STATE},
            body=form(
                {"token": TEXT, "token_type_hint": TEXT},
                ("token",),
                f"Accept {MEDIA_TYPE} for a signed response. Public clients are refused.",
            ),
            security=CLIENT_AUTHENTICATION,
        )
    }
}
PART = Part(_metadata, _endpoints, _PATHS)
