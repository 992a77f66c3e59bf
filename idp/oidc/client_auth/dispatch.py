"""Client authentication: exactly one method, the registered one (RFC 6749 §2.3).

Every failure has the same response, ``invalid_client``; the audit log has the reason. Failures are
counted by client and source address together, so that an attacker cannot lock a client out.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from idp.audit.events import ClientAuthenticationFailed
from idp.audit.log import AuditLog
from idp.core.clock import Clock
from idp.core.handles import digest
from idp.jose.jwt import UnverifiedJwt
from idp.login.throttle import address
from idp.oidc.client_auth.mtls import verify_issued, verify_registered
from idp.oidc.client_auth.private_key_jwt import (
    parse_assertion,
    verify_assertion,
)
from idp.oidc.client_auth.secret import parse_basic, verify_secret
from idp.oidc.clients.keys import ClientKeys
from idp.oidc.clients.model import Client
from idp.oidc.clients.repository import ClientCache
from idp.oidc.errors import OAuthError, invalid_client, invalid_request, slow_down
from idp.oidc.settings import ProviderSettings
from idp.oidc.vocabulary import ASSERTION_TYPE, TLS_METHODS
from idp.storage.transient import TransientStore
from idp.storage.used import Uses
from idp.web.http import Request

_MAX_BLOCKED = 10_000


@dataclass(frozen=True, slots=True)
class Credentials:
    """The client credentials of a request: the method, the claimed id, the proof."""

    method: str
    client_id: str
    secret: str = field(default="", repr=False)
    assertion: UnverifiedJwt | None = field(default=None, repr=False)
    certificate: bytes | None = field(default=None, repr=False)

    @property
    def basic(self) -> bool:
        """Whether they were in the Authorization header."""
        return self.method == "client_secret_basic"


def read_credentials(request: Request) -> Credentials:
    """The credentials of a request. Makes no store call.

    Raises:
        OAuthError: ``invalid_request`` for several methods at once; ``invalid_client`` for none,
            malformed ones, or two that name different clients.
    """
    form = request.form
    header = request.headers.get("authorization", "")
    shown = (bool(header), "client_secret" in form, "client_assertion" in form)
    if sum(shown) > 1:
        raise invalid_request("use only one client authentication method")
    client_id = form.get("client_id", "")
    if header:
        found = _from_header(header)
    elif "client_assertion" in form:
        found = _from_assertion(form["client_assertion"], form.get("client_assertion_type", ""))
    elif "client_secret" in form:
        found = Credentials("client_secret_post", client_id, form["client_secret"])
    else:
        found = Credentials("none", client_id, certificate=request.certificate)
    if not found.client_id:
        raise invalid_client("no_client_id", basic=found.basic)
    if client_id not in ("", found.client_id):
        raise invalid_client("two_client_ids", basic=found.basic)
    return found


def _from_header(header: str) -> Credentials:
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() != "basic":
        raise invalid_client("authorization_scheme", basic=True)
    return Credentials("client_secret_basic", *parse_basic(credentials.strip()))


def _from_assertion(assertion: str, assertion_type: str) -> Credentials:
    if assertion_type != ASSERTION_TYPE:
        raise invalid_request("client_assertion_type is missing or unknown")
    client_id, jwt = parse_assertion(assertion)
    return Credentials("private_key_jwt", client_id, assertion=jwt)


class ClientAuthentication:
    """Authenticates the clients of one provider.

    ``pepper`` keys the secrets' digests. Blocked callers are held in memory, so that a successful
    call needs no store; the count is shared, so another process blocks at its next failure.
    """

    def __init__(
        self,
        clients: ClientCache,
        transient: TransientStore,
        uses: Uses,
        clock: Clock,
        audit: AuditLog,
        *,
        pepper: bytes,
        settings: ProviderSettings,
        client_keys: ClientKeys,
    ) -> None:
        self._clients = clients
        self._transient = transient
        self._uses = uses
        self._clock = clock
        self._audit = audit
        self._pepper = pepper
        self._settings = settings
        self._client_keys = client_keys
        self._limit = settings.client_failures
        self._lock = threading.Lock()
        self._blocked: OrderedDict[str, int] = OrderedDict()

    def authenticate(self, request: Request) -> Client:
        """The active client that made the request.

        Raises:
            OAuthError: ``invalid_client`` (401; 429 after too many failures), ``invalid_request``.
            Unavailable: a store, or too many requests wait for clients' keys.
        """
        credentials = read_credentials(request)
        who = f"{digest(credentials.client_id)}:{address(request.peer)}"
        self._refuse_blocked(who)
        try:
            return self._verify(credentials, request.path)
        except OAuthError as error:
            self._count_failure(who)
            refusal = self._refusal(credentials, error)
            # An unknown id could be anything, even a secret.
            known = credentials.client_id if self._clients.get(credentials.client_id) else ""
            event = ClientAuthenticationFailed(
                client_id=known, method=credentials.method, **refusal.recorded()
            )
            self._audit.write(event, peer=request.peer)
            raise refusal from error

    def _refusal(self, credentials: Credentials, error: OAuthError) -> OAuthError:
        """The same response for every failure; the reason is for the audit log."""
        found, reason = self._clients.get(credentials.client_id), error.reason
        if found and not found.active:
            reason = "client_disabled"
        elif found and reason in ("unknown_client", "not_authenticated"):
            reason = "other_method"
        return invalid_client(
            reason, basic=credentials.basic, seen=error.seen, seconds=error.seconds
        )

    def _verify(self, credentials: Credentials, path: str) -> Client:
        found, now = self._clients.get(credentials.client_id), self._clock()
        client = found if found and found.active else None
        registered = client.token_endpoint_auth_method if client else ""
        if client and credentials.method == "none" and registered in TLS_METHODS:
            return self._verify_certificate(client, credentials.certificate, now)
        if registered != credentials.method:
            client = None
        if credentials.assertion:
            return verify_assertion(
                client,
                credentials.assertion,
                client_keys=self._client_keys,
                issuer=self._settings.issuer,
                # RFC 7523 §3; RFC 9126 §2 and CIBA Core §7.1: also the called endpoint.
                endpoints=tuple(map(self._settings.url, ("/token", path))),
                uses=self._uses,
                now=now,
            )
        if credentials.method == "none":
            if client is None:
                raise invalid_client("not_authenticated")
            return client
        return verify_secret(
            client, credentials.client_id, credentials.secret, pepper=self._pepper, now=now
        )

    def _verify_certificate(self, client: Client, certificate: bytes | None, now: int) -> Client:
        if client.token_endpoint_auth_method == "tls_client_auth":  # noqa: S105 (a method's name)
            authorities = self._settings.client_authorities
            return verify_issued(client, certificate, authorities, now=now)
        return verify_registered(client, certificate, self._client_keys.of(client))

    def _refuse_blocked(self, who: str) -> None:
        now = self._clock()
        until = self._blocked.get(who, 0)
        if now < until:
            raise slow_down("invalid_client", until - now)

    def _count_failure(self, who: str) -> None:
        (count,) = self._transient.run(self._limit.hit(who))
        if self._limit.exceeded(count):
            with self._lock:
                self._blocked[who] = self._clock() + self._limit.window
                self._blocked.move_to_end(who)
                while len(self._blocked) > _MAX_BLOCKED:
                    self._blocked.popitem(last=False)
