"""Token revocation: RFC 7009. Durable before the response, which does not depend on the token."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from idp.audit.events import TokenRevoked
from idp.oidc.client_auth.form import require_form
from idp.oidc.clients.cors import cross_origin
from idp.oidc.clients.model import Client
from idp.oidc.errors import answering, invalid_request
from idp.oidc.openapi import CLIENT_AUTHENTICATION, form
from idp.oidc.services import Endpoint, Part, Services, recording_client
from idp.oidc.settings import ProviderSettings
from idp.oidc.vocabulary import ASSERTION_ALGS, AUTH_METHODS
from idp.standing import subjects
from idp.standing.check import Ended
from idp.web.edge import Route
from idp.web.http import Request, Response
from idp.web.openapi import TEXT, Paths, operation


def revoke(services: Services, request: Request) -> Response:
    """Revoke an access token, or a refresh token with its family, of the calling client.

    Raises:
        OAuthError: ``invalid_client``, ``invalid_request``.
        Unavailable: the revocation is not stored.
    """
    require_form(request)
    client = services.client_authentication.authenticate(request)
    with recording_client(services, client, request):
        if "token" not in request.form:
            raise invalid_request("token is missing")
    text = request.form["token"]
    for end in (_access_token, _refresh_token):
        try:
            end(services, client, text, request.peer)
        except Ended:
            continue
        break
    return Response(200, b"", {"Cache-Control": "no-store"})


def _access_token(services: Services, client: Client, text: str, peer: str) -> None:
    token = services.presented.access_token(text)
    if token.authorization.client_id != client.client_id:
        raise Ended("foreign_access_token")
    flow = token.authorization.flow
    event = TokenRevoked(flow=flow, client_id=client.client_id, kind="access_token")
    ended = subjects.token(token.key)
    services.ends.end(ended, event, expires_at=token.expires_at, peer=peer)
    services.transient.delete(token.key)


def _refresh_token(services: Services, client: Client, text: str, peer: str) -> None:
    flow, client_id = services.presented.refresh_family(text)
    if client_id != client.client_id:
        raise Ended("foreign_refresh_token")
    event = TokenRevoked(flow=flow, client_id=client.client_id, kind="refresh_token")
    services.standing.end_grant(flow, event, peer=peer)


def _metadata(settings: ProviderSettings) -> Mapping[str, Any]:
    return {
        "revocation_endpoint": settings.url("/revoke"),
        "revocation_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "revocation_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGS),
    }


def _endpoints(services: Services) -> tuple[Endpoint, ...]:
    handler = answering(partial(revoke, services), candid=services.candid)
    shared = cross_origin(handler, services.clients.browser_origins, ("POST",))
    return (Endpoint("/revoke", Route(shared, ("POST", "OPTIONS"))),)


_PATHS: Paths = {
    "/revoke": {
        "post": operation(
            "Revoke a token and the tokens made from it (RFC 7009)",
            {"200": {"description": "The token is not or no longer valid"}},
            body=form({"token": TEXT, "token_type_hint": TEXT}, ("token",)),
            security=CLIENT_AUTHENTICATION,
        )
    }
}
PART = Part(_metadata, _endpoints, _PATHS)
