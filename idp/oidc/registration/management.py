"""The client configuration endpoint: RFC 7592. Reads, changes and deletes one client.

A change issues a new registration access token and invalidates the old one. A change or deletion
takes effect in every process before the response is sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from idp.audit.events import ClientReregistered, ClientUnregistered, RegistrationRefused
from idp.core.handles import digest, random_token
from idp.oidc.client_auth.secret import verify_secret
from idp.oidc.clients.metadata import describe
from idp.oidc.clients.model import Client, ClientStatus
from idp.oidc.errors import OAuthError, invalid_request
from idp.oidc.registration.model import Registration
from idp.oidc.registration.repository import NotOpen
from idp.oidc.registration.service import RegistrationService, read, shown_token, unauthorized
from idp.web.http import Request, Response, json_response

_NOT_TO_BE_SENT = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)
_UNREVIEWED = frozenset({"jwks", "jwks_uri", "contacts", "software_version"})
"""Members that a client may change without another review by the operator."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A client authenticated by its registration access token."""

    client: Client
    registration: Registration
    token: str = field(repr=False)


def manage(registrar: RegistrationService, client_id: str, request: Request) -> Response:
    """Read, change or delete the client: GET, PUT, DELETE.

    Raises:
        OAuthError: 401 ``invalid_token``, also for an unknown client; 429; for a change also the
            errors of a registration.
    """
    registrar.count(request)
    try:
        caller = _caller(registrar, client_id, request)
        match request.method:
            case "PUT":
                return _change(registrar, caller, request)
            case "DELETE":
                return _delete(registrar, caller, request)
        return json_response(
            registrar.information(caller.client, caller.registration, caller.token)
        )
    except OAuthError as error:
        registrar.services.audit.write(RegistrationRefused(reason=error.reason), peer=request.peer)
        raise


def _caller(registrar: RegistrationService, client_id: str, request: Request) -> Caller:
    token = shown_token(request)
    registration, client = registrar.registrations.get(client_id), registrar.clients.get(client_id)
    if registration is None or client is None or not registration.opened_by(token):
        raise unauthorized(token, "registration_token")
    if not client.active and registration.decided_at is not None:  # an operator disabled it
        raise unauthorized(token, "client_disabled")
    return Caller(client, registration, token)


def _change(registrar: RegistrationService, caller: Caller, request: Request) -> Response:
    """Replace all metadata; omitted members are deleted (RFC 7592 §2.2)."""
    raw, old = read(request), caller.client
    shown = _check_identity(registrar, caller, raw)
    statement = raw.get("software_statement") or caller.registration.software_statement or None
    stated = registrar.stated({**raw, "software_statement": statement})
    fresh = registrar.admit(stated.members, old.client_id, caller.registration.scope)
    fresh, secret = registrar.with_secret(fresh, old.secrets)
    fresh = replace(fresh, status=_status(registrar, old, fresh), created_at=old.created_at)
    token = random_token()
    registration = replace(
        caller.registration,
        token_digest=digest(token),
        software_statement=statement or "",
        decided_at=caller.registration.decided_at if fresh.active else None,
    )
    try:
        registrar.registrations.change(fresh, caller.registration, registration)
    except NotOpen as error:
        raise unauthorized(caller.token, "registration_token") from error
    registrar.end_everywhere()
    event = ClientReregistered(client_id=old.client_id)
    registrar.services.audit.write(event, peer=request.peer)
    kept = shown if fresh.secrets else ""
    return json_response(registrar.information(fresh, registration, token, secret or kept))


def _check_identity(registrar: RegistrationService, caller: Caller, raw: Mapping[str, Any]) -> str:
    """The secret in the request, ``""`` for none. A client cannot change its id or secret.

    Raises:
        OAuthError: another id or secret, or a member that only the provider sets.
    """
    for name in _NOT_TO_BE_SENT:
        if name in raw:
            raise invalid_request(f"{name} must not be sent: only the provider sets it")
    client_id, secret = caller.client.client_id, raw.get("client_secret")
    if raw.get("client_id") != client_id:
        raise OAuthError("invalid_client_metadata", "client_id: must be this client's id")
    if secret is None:
        return ""
    try:
        if not isinstance(secret, str):
            raise OAuthError("invalid_client_metadata")
        pepper, now = registrar.services.keys.derive("client"), registrar.services.clock()
        verify_secret(caller.client, client_id, secret, pepper=pepper, now=now)
    except OAuthError as error:
        problem = "client_secret: must be this client's secret"
        raise OAuthError("invalid_client_metadata", problem) from error
    return secret


def _status(registrar: RegistrationService, old: Client, new: Client) -> ClientStatus:
    """The old status, or disabled if the change needs another review by the operator."""
    before, after = (
        {name: each for name, each in describe(client).items() if name not in _UNREVIEWED}
        for client in (old, new)
    )
    return ClientStatus.DISABLED if registrar.settings.reviewed and before != after else old.status


def _delete(registrar: RegistrationService, caller: Caller, request: Request) -> Response:
    """Delete the client; all its grants and tokens become invalid (RFC 7592 §2.3)."""
    try:
        registrar.registrations.delete(caller.registration)
    except NotOpen as error:
        raise unauthorized(caller.token, "registration_token") from error
    registrar.end_everywhere()
    event = ClientUnregistered(client_id=caller.client.client_id)
    registrar.services.audit.write(event, peer=request.peer)
    return Response(204, b"", {"Cache-Control": "no-store"})
