"""The citizen's decision on a decoupled request: login, consent, allow or deny.

The login and the consent are those of /authorize (:mod:`idp.oidc.authorization.walk`); the
answer is stored for the client to poll.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import urlencode

from idp.audit.events import LoginRefused
from idp.core.errors import Unavailable
from idp.login.errors import Notice
from idp.login.ticket import Ticket
from idp.login.transaction import transaction_key
from idp.login.visit import Settled, Visit
from idp.oidc.authorization import walk
from idp.oidc.authorization.destination import Destination
from idp.oidc.authorization.request import AuthorizationRequest
from idp.oidc.authorization.respond import granted
from idp.oidc.authorization.walk import AuthorizationContext
from idp.oidc.clients.model import Client
from idp.oidc.clients.view import home
from idp.oidc.decoupled import outcomes
from idp.oidc.decoupled.waiting import PendingRequest, Reference, find
from idp.oidc.errors import OAuthError
from idp.oidc.services import Services
from idp.oidc.tokens.authorization import Authorization
from idp.oidc.tokens.participants import join
from idp.storage.transient import Operation, Put, Take, Value
from idp.web.http import Request, Response, redirect

OUTCOMES = ("allowed", "denied", "mismatch", "unmet", "late", "other")
"""Outcomes for the citizen's page (``decoupled.<outcome>``)."""


@dataclass(frozen=True, slots=True)
class Approval:
    """One kind of request. Its pages are under ``path``.

    ``forget(request, allowed)`` returns operations to run with the decision, in the same round
    trip; ``notify`` is called after it.
    """

    services: Services
    kind: str
    path: str
    forget: Callable[[PendingRequest, bool], tuple[Operation, ...]]
    notify: Callable[[PendingRequest, Client], None]

    @property
    def return_path(self) -> str:
        """Path to which its logins return."""
        return f"{self.path}/resume"

    def start(self, request: Request, waiting: PendingRequest) -> Response:
        """Allow at once if the citizen's session suffices, else begin a login.

        Raises:
            Notice: too many logins were begun.
        """
        client = _client(self.services, waiting.asked)
        try:
            return walk.start(self._context(request, waiting, client, waiting.asked), "")
        except OAuthError as error:
            return self._refuse(request, waiting, client, error)

    def resume(self, request: Request) -> Response:
        """Continue after the login or the consent page.

        Raises:
            Notice: the login has ended, or its account may not be used.
        """
        visit, _ = self.services.desk.visit(request, request.query.get("t", ""))
        return self.finish(visit)

    def finish(self, visit: Visit) -> Response:
        """Continue a visit whose last step is done, without a redirect to :meth:`resume`.

        Raises:
            Notice: see :meth:`resume`.
        """
        services, request = self.services, visit.request
        asked = AuthorizationRequest.load(visit.transaction.payload)
        client = _client(services, asked)
        reference = Reference.parse(asked.state or "")
        waiting = find(services, self.kind, reference)
        if waiting is None or not waiting.open(services.clock()):
            services.transient.delete(transaction_key(visit.ticket.flow))
            return self.over(request, reference)
        try:
            return walk.resume(self._context(request, waiting, client, asked), visit)
        except OAuthError as error:
            taken = services.transient.take(transaction_key(visit.ticket.flow))
            if taken.value is None:
                raise Notice("over", status=409, onward=home(client)) from error
            return self._refuse(request, waiting, client, error, flow=visit.ticket.flow)

    def deny(
        self, request: Request, waiting: PendingRequest, *, reason: str, outcome: str = "denied"
    ) -> Response:
        """Deny the request, by the citizen or by a rule.

        Raises:
            Notice: the client was disabled.
        """
        services, client = self.services, _client(self.services, waiting.asked)
        self._record_refusal(request, client, reason, flow=waiting.reference.flow)
        deny = waiting.deny(services.clock(), self._outcome(request, waiting, outcome))
        services.transient.run(deny, *self.forget(waiting, False))
        if deny.value.value is None:
            return self.over(request, waiting.reference)
        self.notify(waiting, client)
        return self.end(outcome)

    def allow(
        self,
        request: Request,
        waiting: PendingRequest,
        client: Client,
        authorization: Authorization,
        settled: Settled,
        *,
        ticket: Ticket | None = None,
    ) -> bool:
        """Store ``authorization`` for the client; False if the request was already decided.

        The login of ``ticket`` is used up either way.

        Raises:
            Unavailable: a store or the audit log does not answer; nothing is stored.
        """
        services = self.services
        remembered = self._outcome(request, waiting, "allowed")
        allow = waiting.allow(authorization, services.clock(), remembered)
        used: tuple[Take[Value], ...] = (Take(transaction_key(ticket.flow)),) if ticket else ()
        services.transient.run(
            allow,
            *used,
            *self.forget(waiting, True),
            *settled.renewed.operations,
            *join(authorization, now=services.clock()),
            *services.subjects.remember(client, authorization.account_id),
        )
        if allow.value.value is None:
            return False
        try:
            services.audit.write(*settled.events, granted(authorization), peer=request.peer)
        except Unavailable:
            for each in allow.put:  # no answer without its audit entry
                services.transient.delete(each.key)
            raise
        self.notify(waiting, client)
        return True

    def over(self, request: Request, reference: Reference | None) -> Response:
        """Redirect to this browser's outcome of a request that is decided or expired."""
        browser = self.services.forms.browser(request)
        return self.end(outcomes.find(self.services.transient, self.kind, reference, browser))

    def _outcome(self, request: Request, waiting: PendingRequest, outcome: str) -> Put:
        browser = self.services.forms.browser(request)
        return outcomes.keep(self.kind, waiting.reference, browser, outcome)

    def end(self, outcome: str) -> Response:
        """303 to the page of the outcome."""
        return redirect(f"{self.path}/done?{urlencode({'outcome': outcome})}")

    def _context(
        self, request: Request, waiting: PendingRequest, client: Client, asked: AuthorizationRequest
    ) -> AuthorizationContext:
        return AuthorizationContext(
            self.services,
            request,
            Destination(client, asked.redirect_uri, asked.state),
            asked,
            return_path=self.return_path,
            grant=partial(self._grant, waiting),
        )

    def _grant(
        self,
        waiting: PendingRequest,
        context: AuthorizationContext,
        authorization: Authorization,
        settled: Settled,
        ticket: Ticket | None,
    ) -> Response:
        client = context.destination.client
        allowed = self.allow(
            context.request, waiting, client, authorization, settled, ticket=ticket
        )
        answer = self.end("allowed") if allowed else self.over(context.request, waiting.reference)
        return replace(answer, cookies=(*answer.cookies, *settled.renewed.cookies))

    def _refuse(
        self,
        request: Request,
        waiting: PendingRequest,
        client: Client,
        error: OAuthError,
        *,
        flow: str = "",
    ) -> Response:
        """Deny a request that cannot be allowed; a login as another person decides nothing."""
        match error.error:
            case "access_denied":
                return self.deny(request, waiting, reason=error.reason)
            case "unmet_authentication_requirements":
                return self.deny(request, waiting, reason=error.reason, outcome="unmet")
        self._record_refusal(request, client, error.reason, flow=flow)
        return self.end("other")

    def _record_refusal(self, request: Request, client: Client, reason: str, *, flow: str) -> None:
        event = LoginRefused(flow=flow, client_id=client.client_id, reason=reason)
        self.services.audit.write(event, peer=request.peer)


def _client(services: Services, asked: AuthorizationRequest) -> Client:
    """The client of the request.

    Raises:
        Notice: it was disabled since the request.
    """
    client = services.clients.get(asked.client_id)
    if client is None or not client.active:
        raise Notice("over", status=409, reason="client_disabled")
    return client
