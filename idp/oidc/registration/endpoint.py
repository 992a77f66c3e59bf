"""The client registration endpoint: RFC 7591 §3, OpenID Connect Registration §3.

``registration.management`` reads, changes and deletes registered clients.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from idp.audit.events import ClientRegistered, RegistrationRefused
from idp.core.handles import digest, random_token
from idp.oidc.clients.model import Client, ClientStatus
from idp.oidc.errors import OAuthError, answering
from idp.oidc.registration.management import manage
from idp.oidc.registration.model import Invitation, Registration, new_client_id
from idp.oidc.registration.openapi import PATHS
from idp.oidc.registration.repository import NotOpen
from idp.oidc.registration.service import (
    REGISTER,
    RegistrationService,
    read,
    shown_token,
    unauthorized,
)
from idp.oidc.registration.statement import Stated, invalid
from idp.oidc.services import Endpoint, Part, Services
from idp.oidc.settings import ProviderSettings
from idp.storage.used import AlreadyUsed
from idp.web.edge import Route
from idp.web.http import Request, Response, json_response


def register(registrar: RegistrationService, request: Request) -> Response:
    """Register the client described by the request; 201 with its client information.

    Raises:
        OAuthError: 401 ``invalid_token``; ``invalid_redirect_uri``, ``invalid_client_metadata``,
            ``invalid_software_statement``, ``unapproved_software_statement``; 429.
    """
    registrar.count(request)
    try:
        invitation = _invitation(registrar, request)
        return _registered(registrar, request, invitation)
    except OAuthError as error:
        registrar.services.audit.write(RegistrationRefused(reason=error.reason), peer=request.peer)
        raise


def _registered(
    registrar: RegistrationService, request: Request, invitation: Invitation | None
) -> Response:
    stated = registrar.stated(read(request))
    raw = stated.members
    allowed = (invitation.scope if invitation else ()) or registrar.settings.scopes
    client, secret = registrar.with_secret(registrar.admit(raw, new_client_id(), allowed))
    _use_up(registrar, stated)
    now, waits = registrar.services.clock(), registrar.settings.reviewed
    status = ClientStatus.DISABLED if waits else ClientStatus.ACTIVE
    client = replace(client, status=status, created_at=now)
    token = random_token()
    registration = Registration(
        client_id=client.client_id,
        token_digest=digest(token),
        scope=allowed,
        invitation=invitation.name if invitation else "",
        software_statement=raw.get("software_statement", ""),
        decided_at=None if waits else now,
    )
    _keep(registrar, client, registration)
    event = ClientRegistered(client_id=client.client_id, invitation=registration.invitation)
    registrar.services.audit.write(event, peer=request.peer)
    return json_response(registrar.information(client, registration, token, secret), 201)


def _use_up(registrar: RegistrationService, stated: Stated) -> None:
    """Accept a software statement with a ``jti`` once."""
    if stated.use is None:
        return
    try:
        registrar.services.uses.use(stated.use)
    except AlreadyUsed as error:
        raise invalid("replayed") from error


def _keep(registrar: RegistrationService, client: Client, registration: Registration) -> None:
    try:
        registrar.registrations.create(client, registration, most=registrar.settings.most)
    except NotOpen as error:
        if registration.invitation:
            raise unauthorized("shown", "initial_token_used_up") from error
        problem = "the limit of registered clients is reached"
        raise OAuthError("access_denied", problem, status=403, reason="too_many_open") from error
    registrar.services.clients.refresh()


def _invitation(registrar: RegistrationService, request: Request) -> Invitation | None:
    """The invitation of the initial access token; None for open registration without a token.

    Raises:
        OAuthError: 401: the token is missing, or not valid.
    """
    token, policy = shown_token(request), registrar.settings.policy
    if policy == "open" and "authorization" not in request.headers:
        return None
    if policy == "closed" or not token:
        raise unauthorized(token, "registration_closed" if policy == "closed" else "no_token")
    found = registrar.registrations.invitation(digest(token))
    if found is None or not found.usable(registrar.services.clock()):
        raise unauthorized(token, "initial_token_used_up" if found else "initial_token_unknown")
    return found


def _metadata(settings: ProviderSettings) -> Mapping[str, Any]:
    if settings.registration.policy == "closed":
        return {}
    return {"registration_endpoint": settings.url(REGISTER)}


def _endpoints(services: Services) -> tuple[Endpoint, ...]:
    registrar = RegistrationService.of(services)

    def management(request: Request, client_id: str) -> Response:
        return answering(partial(manage, registrar, client_id))(request)

    return (
        Endpoint(REGISTER, Route(answering(partial(register, registrar)), ("POST",))),
        Endpoint(f"{REGISTER}/<client_id>", Route(management, ("GET", "PUT", "DELETE"))),
    )


PART = Part(_metadata, _endpoints, PATHS)
