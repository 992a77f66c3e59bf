"""The front desk: one place that begins, resumes and ends the logins of a browser.

Views of a method open a step with :meth:`Desk.visit`, prove something, store the
:class:`~idp.login.authentication.Authentication` and leave through :meth:`Desk.proceed`. Whoever
began the login answers it at the last step, by :attr:`Desk.endings` for its ``return_path``.

Pages and forms: :mod:`idp.login.forms`. Proofs and the session: :mod:`idp.login.proofs`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from idp.accounts.lifecycle import AccountUnusable
from idp.audit.events import LoginStarted
from idp.audit.log import AuditLog
from idp.core.clock import Clock
from idp.core.handles import random_token
from idp.login import moves, replay, throttle, whereabouts
from idp.login.authentication import Authentication, Method
from idp.login.dispatch import Authenticate, Step, next_step
from idp.login.errors import Notice
from idp.login.forms import BROWSER_COOKIE, Forms
from idp.login.requirement import Requirement
from idp.login.session import Session, session_key
from idp.login.sessions import Sessions
from idp.login.settings import LoginSettings
from idp.login.ticket import Ticket, TicketRefused
from idp.login.transaction import Transaction, proof_key, transaction_key
from idp.login.visit import Visit
from idp.storage.transient import Get, Operation, Put, TransientStore
from idp.web.http import Request, Response, cookie, cookie_name, redirect
from idp.web.i18n import negotiate
from idp.web.templates import LANGUAGE_COOKIE

Ending = Callable[[Visit], Response]
"""What answers the last step of a login."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Logins under way. ``key`` makes tickets and hides what is kept of their answers.

    ``endings`` answer a login that came to its end, by the path that it returns to. Without one
    the browser is sent to that path.
    """

    forms: Forms
    sessions: Sessions
    transient: TransientStore
    audit: AuditLog
    clock: Clock
    settings: LoginSettings
    methods: tuple[Method, ...]
    endings: Mapping[str, Ending]
    key: bytes = field(repr=False)

    def begin(
        self,
        request: Request,
        *,
        client_id: str,
        requirement: Requirement,
        return_path: str,
        payload: Mapping[str, Any],
        ui_locales: str = "",
    ) -> tuple[Visit, tuple[str, ...]]:
        """Start a login: the visit to answer the first page of, and the cookies to set.

        Raises:
            Notice: too many logins were begun from this address.
        """
        now, browser = self.clock(), self.forms.browser(request)
        request, cookies = self._in_language(request, ui_locales)
        browser = browser or random_token()
        if cookie_name(BROWSER_COOKIE, secure=self.forms.secure) not in request.cookies:
            cookies = (*cookies, cookie(BROWSER_COOKIE, browser, secure=self.forms.secure))
        ticket = Ticket.issue(self.key, browser, client_id=client_id, now=now)
        transaction = Transaction(
            client_id=client_id,
            requirement=requirement,
            return_to=f"{return_path}?t={ticket.text}",
            begun_at=now,
            payload=payload,
        )
        toll = throttle.Toll(((self.settings.starts, throttle.address(request.peer)),))
        _, *counts = self.transient.run(
            Put(transaction_key(ticket.flow), transaction, self.settings.transaction_ttl),
            *toll.operations,
        )
        try:
            self.check(toll, tuple(counts), onward=self._home(ticket))
        except Notice:
            self.transient.delete(transaction_key(ticket.flow))  # what is refused takes no room
            raise
        self.audit.write(LoginStarted(client_id=client_id, flow=ticket.flow), peer=request.peer)
        known = {**request.cookies, cookie_name(BROWSER_COOKIE, secure=self.forms.secure): browser}
        request = replace(request, cookies=known)  # what the answer sets, its forms are bound to
        return Visit(request, browser, ticket, transaction, (), None), cookies

    def _in_language(self, request: Request, ui_locales: str) -> tuple[Request, tuple[str, ...]]:
        """The request in the language the relying party asks for, and the cookie to keep it.

        A cookie, because the pages that follow are answered without reading the transaction.
        """
        if not ui_locales:
            return request, ()
        locale = negotiate(
            ui_locales=ui_locales, accept_language=request.headers.get("accept-language", "")
        )
        name = cookie_name(LANGUAGE_COOKIE, secure=self.forms.secure)
        spoken = replace(request, cookies={**request.cookies, name: locale})
        return spoken, (cookie(LANGUAGE_COOKIE, locale, secure=self.forms.secure),)

    def check(self, toll: throttle.Toll, counts: tuple[int, ...], *, onward: str = "") -> None:
        """Raise the page that says to come back later when a limit is exceeded."""
        try:
            toll.check(counts)
        except throttle.Throttled as error:
            raise Notice(
                "throttled",
                status=429,
                onward=onward,
                retry_after=error.limit.window,
                reason=f"throttled-{error.limit.name}",
            ) from error

    def open(self, request: Request, text: str) -> Ticket:
        """Check a ``<t>`` against the browser that sends it. No store is asked.

        Raises:
            Notice: no cookie, another browser's ticket, or too late.
        """
        browser = self.forms.browser(request)
        try:
            return Ticket.open(
                self.key, browser, text, now=self.clock(), ttl=self.settings.transaction_ttl
            )
        except TicketRefused as error:
            # Without its cookie nothing proves the ticket: at worst it names another client's home.
            home = self._home(error.ticket) if error.ticket else ""
            if error.reason == "foreign" and browser:
                raise Notice("other_browser", onward=home) from error
            raise Notice("expired" if browser else "no_cookie", onward=home) from error

    def visit(
        self, request: Request, text: str, *operations: Operation
    ) -> tuple[Visit, tuple[Any, ...]]:
        """Open a step: the visit, and the answers of ``operations`` run in the same round trip.

        Raises:
            Notice: see :meth:`open`; or the login is over.
        """
        return self.read(request, self.open(request, text), *operations)

    def read(
        self, request: Request, ticket: Ticket, *operations: Operation
    ) -> tuple[Visit, tuple[Any, ...]]:
        """Like :meth:`visit` for a ticket that was opened already."""
        handle = self.sessions.handle(request)
        kept = Get(transaction_key(ticket.flow), Transaction)
        proofs = [Get(proof_key(ticket.flow, each.name), Authentication) for each in self.methods]
        session = Get(session_key(handle.flow), Session) if handle else None
        own = (session,) if session else ()
        self.transient.run(kept, *own, *proofs, *operations)
        transaction = kept.value
        if transaction is None:
            raise self.over(request, ticket)
        found = (each.value for each in proofs if each.value)
        awake = self.sessions.awake(handle, session.value) if handle and session else None
        visit = Visit(
            request=request,
            browser=self.forms.browser(request),
            ticket=ticket,
            transaction=transaction,
            proofs=tuple(sorted(found, key=lambda each: each.at)),
            session=self._where_trusted(request, awake, transaction.client_id),
        )
        return visit, tuple([each.value for each in operations])

    def over(self, request: Request, ticket: Ticket) -> Notice:
        """The page for a login that is over.

        Raises:
            Answered: it was answered in this browser just now: a form was sent twice.
        """
        browser = self.forms.browser(request)
        replay.require_unanswered(self.key, browser, ticket.flow, self.transient)
        return Notice("over", status=409, onward=self._home(ticket))

    def session(self, request: Request, client_id: str = "") -> Session | None:
        """The browser's session, where it may be used. A move is audited."""
        return self._where_trusted(request, self.sessions.of(request), client_id)

    def session_to_end(self, request: Request, client_id: str = "") -> Session | None:
        """The browser's session wherever it is used: anybody who has it may end it."""
        found = self.sessions.of(request)
        self._where_trusted(request, found, client_id)
        return found

    def _where_trusted(
        self, request: Request, session: Session | None, client_id: str
    ) -> Session | None:
        if session is None:
            return None
        moves.record(self.sessions, self.audit, request, session, client_id)
        return self.sessions.trusted(session, whereabouts.of(request))

    def _home(self, ticket: Ticket) -> str:
        client = self.forms.describe(ticket.client_tag)
        return client.home if client else ""

    def step(self, visit: Visit) -> Step:
        """What the dispatcher says comes next."""
        earlier = visit.session.authentications if visit.session else ()
        return next_step(visit.transaction.requirement, visit.proofs, earlier, self.methods)

    def proceed(self, visit: Visit) -> Response:
        """Leave a step: 303 to the next page, or the answer of the feature that began the login."""
        step = self.step(visit)
        if visit.transaction.cancelled or not isinstance(step, Authenticate):
            return self._end(visit)
        if len(step.methods) > 1 or self.opens(step):
            return redirect(visit.url)
        return redirect(f"{visit.url}/{step.methods[0]}")

    def opens(self, step: Authenticate) -> bool:
        """Whether a method that the step asks for needs a number."""
        return any(each.opens for each in self.methods if each.name in step.methods)

    def cancel(self, visit: Visit, reason: str = "citizen") -> Response:
        """Give the login up; the feature that began it answers."""
        ended = replace(visit.transaction, cancelled=reason)
        self.transient.put(transaction_key(visit.ticket.flow), ended, self.settings.transaction_ttl)
        return self._end(replace(visit, transaction=ended))

    def _end(self, visit: Visit) -> Response:
        path = visit.transaction.return_to.partition("?")[0]
        ending = self.endings.get(path)
        return ending(visit) if ending else redirect(visit.transaction.return_to)

    def dead_end(
        self, visit: Visit, kind: str, *, step: str = "", reason: str = "", retry_after: int = 0
    ) -> Notice:
        """The page for a login that cannot succeed, or not soon: its button gives up."""
        return Notice(
            kind,
            status=429 if retry_after else 403,
            retry_after=retry_after,
            cancel_url=f"{visit.url}{step}",
            ticket=visit.ticket,
            reason=reason,
        )

    def unusable(self, visit: Visit, error: AccountUnusable) -> Notice:
        """The page for somebody who proved who they are and whose account may not be used."""
        kind = "account_locked" if error.locked_by_holder else "account_unusable"
        return self.dead_end(visit, kind, reason=error.reason)
