"""Registration shared by the endpoints of RFC 7591 and RFC 7592: limits, policy, responses."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from idp.core.handles import random_token
from idp.login.throttle import address
from idp.oidc.client_auth.secret import secret_digest
from idp.oidc.clients.metadata import describe
from idp.oidc.clients.model import Client, Secret
from idp.oidc.clients.repository import Clients
from idp.oidc.clients.rules import Rules
from idp.oidc.clients.sector import InvalidSector, fetch_sector
from idp.oidc.errors import OAuthError, too_many
from idp.oidc.registration.model import Registration
from idp.oidc.registration.repository import Registrations
from idp.oidc.registration.request import admit, refused
from idp.oidc.registration.statement import Stated, with_statement
from idp.oidc.services import Services
from idp.oidc.settings import RegistrationSettings
from idp.oidc.vocabulary import SECRET_METHODS
from idp.storage.processes import await_all
from idp.web.http import HttpError, Request

REGISTER = "/register"
_REALM = 'Bearer realm="register"'


@dataclass(frozen=True, slots=True)
class RegistrationService:
    """Dynamic registration: the client register, and the records of registered clients."""

    services: Services
    clients: Clients
    registrations: Registrations

    @classmethod
    def of(cls, services: Services) -> "RegistrationService":
        """The registration service of a provider."""
        database, clock = services.database, services.clock
        return cls(services, Clients(database, clock), Registrations(database, clock))

    @property
    def settings(self) -> RegistrationSettings:
        """The registration policy."""
        return self.services.settings.registration

    def count(self, request: Request) -> None:
        """Count a call from this address.

        Raises:
            OAuthError: 429, too many calls.
        """
        limit = self.settings.calls
        (count,) = self.services.transient.run(limit.hit(address(request.peer)))
        if limit.exceeded(count):
            raise too_many(limit, "too many calls from this address")

    def admit(self, raw: Mapping[str, Any], client_id: str, scope: tuple[str, ...]) -> Client:
        """The client described by ``raw``, once its sector document is verified.

        Raises:
            OAuthError: see :func:`~idp.oidc.registration.request.admit`.
        """
        rules = Rules(
            methods=[each.name for each in self.services.desk.methods],
            loopback=self.services.outbound.allow_loopback,
        )
        client = admit(raw, client_id, scope, self.settings, rules)
        uri = client.sector_identifier_uri
        if uri:
            try:
                fetch_sector(self.services.outbound, uri, client.redirect_uris)
            except InvalidSector as error:
                raise refused((f"sector_identifier_uri: {error}",)) from error
        return client

    def end_everywhere(self) -> None:
        """Refresh the client register in every process, then return."""
        self.services.clients.refresh()
        await_all(self.services.transient)

    def stated(self, raw: Mapping[str, Any]) -> Stated:
        """The request, with the members of its software statement applied.

        Raises:
            OAuthError: see :func:`~idp.oidc.registration.statement.with_statement`.
        """
        return with_statement(raw, self.settings, now=self.services.clock())

    def with_secret(self, client: Client, held: tuple[Secret, ...] = ()) -> tuple[Client, str]:
        """The client with the secrets ``held``, or with a new one if its method needs one.

        Also returns the new secret's text, ``""`` if there is none.
        """
        if client.token_endpoint_auth_method not in SECRET_METHODS:
            return replace(client, secrets=()), ""
        if held:
            return replace(client, secrets=held), ""
        secret = random_token()
        stored = secret_digest(self.services.keys.derive("client"), client.client_id, secret)
        return replace(client, secrets=(Secret(stored),)), secret

    def information(
        self, client: Client, registration: Registration, token: str, secret: str = ""
    ) -> dict[str, Any]:
        """The client information response (RFC 7591 §3.2.1, RFC 7592 §3).

        Includes ``secret`` only if it is new or the caller has just presented it.
        """
        known: dict[str, Any] = {
            "client_id": client.client_id,
            "client_id_issued_at": client.created_at,
            "registration_access_token": token,
            "registration_client_uri": self.services.settings.url(f"{REGISTER}/{client.client_id}"),
        }
        if secret:
            known |= {"client_secret": secret, "client_secret_expires_at": 0}
        if registration.software_statement:
            known["software_statement"] = registration.software_statement
        if not client.active:
            known["status"] = client.status.value
        return {**known, **describe(client)}


def read(request: Request) -> dict[str, Any]:
    """The client metadata in the request body.

    Raises:
        OAuthError: ``invalid_client_metadata``: the body is not one JSON object, or its content
            type is another (415).
    """
    try:
        return request.json()
    except HttpError as error:
        if error.status == 415:
            problem = "send the metadata as a body of type application/json"
            raise OAuthError("invalid_client_metadata", problem, status=415) from error
        problem = "the body is not one JSON object"
        raise OAuthError("invalid_client_metadata", problem, reason="not_json") from error


def shown_token(request: Request) -> str:
    """The request's bearer token, ``""`` if it has none (RFC 6750 §2.1)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def unauthorized(shown: str, reason: str) -> OAuthError:
    """Missing or invalid token. The answer does not reveal which, or whether the client exists."""
    challenge = f'{_REALM}, error="invalid_token"' if shown else _REALM
    return OAuthError(
        "invalid_token",
        "a valid access token is needed",
        status=401,
        reason=reason,
        headers={"WWW-Authenticate": challenge},
    )
