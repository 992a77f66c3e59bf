"""/device_authorization: RFC 8628 §3.1 and §3.2. The citizen's pages are in ``views``."""

import hmac
from collections.abc import Mapping
from functools import partial
from typing import Any

from idp.audit.events import DecoupledRequested
from idp.core.handles import Handle, b64url
from idp.core.sealing import seal
from idp.login.throttle import Limit, address
from idp.oidc.client_auth.form import counted_as, require_form
from idp.oidc.clients.cors import cross_origin
from idp.oidc.clients.model import Client
from idp.oidc.decoupled.waiting import PendingRequest, Reference, request_of
from idp.oidc.device import views
from idp.oidc.device.grant import KIND
from idp.oidc.device.user_code import UserCode
from idp.oidc.errors import OAuthError, answering, too_many, unauthorized_client
from idp.oidc.openapi import CLIENT_AUTHENTICATION, REPEATED, form
from idp.oidc.services import Endpoint, Part, Services, recording_client
from idp.oidc.settings import ProviderSettings
from idp.oidc.vocabulary import DEVICE_CODE
from idp.web.edge import Route
from idp.web.http import Request, Response, json_response
from idp.web.openapi import SECONDS, TEXT, URL, Paths, an_object, answer, operation

REQUESTS = Limit("device-requests", 600, 60)
"""Requests of one client in a minute; for a public client, from one source address."""
COLLISIONS = 5


def authorize(services: Services, request: Request) -> Response:
    """Begin a login that the citizen finishes on another device.

    Raises:
        OAuthError: the request is refused.
    """
    require_form(request)
    client = services.client_authentication.authenticate(request)
    handle = Handle.new()
    with recording_client(services, client, request):
        if DEVICE_CODE not in client.grant_types:
            raise unauthorized_client("the client is not registered for the device grant")
        asked = request_of(request.form, client, reference=Reference.of(handle))
    now, ttl = services.clock(), services.settings.device_code_ttl
    waiting = PendingRequest(
        kind=KIND,
        asked=asked,
        begun_at=now,
        expires_at=now + ttl,
        interval=services.settings.poll_interval,
        payload={"network": network(services, request)},
    )
    _check_rate(services, client, request)
    code = _keep(services, waiting, now)
    event = DecoupledRequested(client_id=client.client_id, flow=handle.flow, kind=KIND)
    services.audit.write(event, peer=request.peer)
    page = services.settings.url(views.PATH)
    codes = {
        "device_code": str(handle),
        "user_code": str(code),
        "verification_uri": page,
        "verification_uri_complete": f"{page}?user_code={code}",
        "expires_in": ttl,
        "interval": waiting.interval,
    }
    return json_response(codes)


def network(services: Services, request: Request) -> str:
    """A MAC of the request's network, for comparison only."""
    where = b"network\x00" + address(request.peer).encode()
    return b64url(hmac.digest(services.keys.derive("device"), where, "sha256")[:12])


def _check_rate(services: Services, client: Client, request: Request) -> None:
    (count,) = services.transient.run(REQUESTS.hit(counted_as(client, request)))
    if REQUESTS.exceeded(count):
        raise too_many(REQUESTS, "too many requests")


def _keep(services: Services, waiting: PendingRequest, now: int) -> UserCode:
    """Store the request under an unused user code."""
    key = services.keys.derive("device")
    for _ in range(COLLISIONS):
        code = UserCode.new()
        sealed = seal(services.pepper, KIND, waiting.reference.flow, str(code))
        named = waiting.with_payload(user_code=sealed)
        added, *_ = services.transient.run(
            code.add(key, waiting.reference, services.settings.device_code_ttl),
            *named.keep(now),
        )
        if added:
            return code
    raise OAuthError("temporarily_unavailable", "too many requests are pending", status=503)


def _metadata(settings: ProviderSettings) -> Mapping[str, Any]:
    return {"device_authorization_endpoint": settings.url("/device_authorization")}


def _endpoints(services: Services) -> tuple[Endpoint, ...]:
    handler = answering(partial(authorize, services), candid=services.candid)
    shared = cross_origin(handler, services.clients.browser_origins, ("POST",))
    return (
        Endpoint("/device_authorization", Route(shared, ("POST", "OPTIONS"))),
        *views.endpoints(services, network),
    )


_STARTED = an_object(
    {
        **dict.fromkeys(("device_code", "user_code"), TEXT),
        **dict.fromkeys(("verification_uri", "verification_uri_complete"), URL),
        **dict.fromkeys(("expires_in", "interval"), SECONDS),
    },
    (
        *("device_code", "user_code", "verification_uri", "verification_uri_complete"),
        *("expires_in", "interval"),
    ),
)
_PATHS: Paths = {
    "/device_authorization": {
        "post": operation(
            "Begin a login on another device (RFC 8628)",
            {"200": answer("Codes for the device and for the citizen", _STARTED)},
            body=form({"scope": TEXT, "acr_values": TEXT, "resource": REPEATED}, ("scope",)),
            security=CLIENT_AUTHENTICATION,
        )
    }
}
PART = Part(_metadata, _endpoints, _PATHS)
