"""The front desk: one place that begins, resumes and ends the logins of a browser.

Views of a method open a step with :meth:`Desk.visit`, prove something, store the
:class:`~idp.login.authenticator.Authentication` and leave through :meth:`Desk.proceed`. Whoever
began the login answers it at the last step, by what it put into :attr:`Desk.endings` for its
``return_path``, and calls :meth:`Desk.settle` there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from idp.accounts import holder
from idp.accounts.lifecycle import AccountUnusable, require_usable
from idp.accounts.model import Account
from idp.accounts.repository import Accounts
from idp.audit.events import Event, LoginStarted, SessionStarted
from idp.audit.log import AuditLog
from idp.core import assurance
from idp.core.clock import Clock
from idp.core.handles import random_token
from idp.login import moves, replay, throttle, whereabouts
from idp.login.authenticator import Authentication, Method
from idp.login.dispatch import Authenticate, Finish, Step, next_step
from idp.login.errors import Notice
from idp.login.requirement import Requirement
from idp.login.session import Session, session_key
from idp.login.sessions import Sessions
from idp.login.settings import LoginSettings
from idp.login.ticket import Ticket, TicketRefused
from idp.login.transaction import Transaction, proof_key, transaction_key
from idp.login.visit import ClientView, Settled, Visit
from idp.login.whereabouts import NOWHERE, Whereabouts
from idp.registry.model import Person
from idp.registry.source import RegistrySource
from idp.storage.revocations import Revocations
from idp.storage.transient import Get, Operation, Put, TransientStore
from idp.web import csrf
from idp.web.http import Request, Response, cookie, cookie_name, own_cookie, redirect
from idp.web.i18n import negotiate
from idp.web.templates import LANGUAGE_COOKIE, Pages

BROWSER_COOKIE = "eid_login"


@dataclass(frozen=True, slots=True)
class Desk:
    """The login's services. ``key`` makes tickets, CSRF tokens and counter names.

    ``endings`` answer a login that came to its end, by the path that it returns to. Without one
    the browser is sent to that path.
    """

    transient: TransientStore
    accounts: Accounts
    registry: RegistrySource
    revocations: Revocations
    audit: AuditLog
    clock: Clock
    pages: Pages
    key: bytes
    settings: LoginSettings
    methods: tuple[Method, ...]
    describe: Callable[[str], ClientView | None]
    sessions: Sessions = field(init=False)
    endings: dict[str, Callable[[Visit], Response]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        sessions = Sessions(
            self.transient, self.revocations, self.clock, self.settings, self.secure
        )
        object.__setattr__(self, "sessions", sessions)

    # The browser

    @property
    def secure(self) -> bool:
        """Whether cookies are Secure and ``__Host-``: wherever the issuer is https."""
        return self.pages.site.secure

    def browser(self, request: Request) -> str:
        """The browser's login secret, ``""`` when it sends none."""
        return own_cookie(request, BROWSER_COOKIE, secure=self.secure)

    # A login

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
        now, browser = self.clock(), self.browser(request)
        request, cookies = self._in_language(request, ui_locales)
        browser = browser or random_token()
        if cookie_name(BROWSER_COOKIE, secure=self.secure) not in request.cookies:
            cookies = (*cookies, cookie(BROWSER_COOKIE, browser, secure=self.secure))
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
        known = {**request.cookies, cookie_name(BROWSER_COOKIE, secure=self.secure): browser}
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
        name = cookie_name(LANGUAGE_COOKIE, secure=self.secure)
        spoken = replace(request, cookies={**request.cookies, name: locale})
        return spoken, (cookie(LANGUAGE_COOKIE, locale, secure=self.secure),)

    def page(
        self,
        request: Request,
        ticket: Ticket,
        template: str,
        *,
        status: int = 200,
        slots: Mapping[str, str] | None = None,
        **context: Any,
    ) -> Response:
        """A page of a login: it names the relying party and its forms carry the token.

        ``slots`` as for :meth:`idp.web.templates.Pages.render`.
        """
        token = {"csrf_token": self.form_token(request, ticket)}
        if slots is None:
            context |= token
        else:
            slots = {**slots, **token}
        client = self.describe(ticket.client_tag) or ClientView({})
        return self.pages.render(
            request,
            template,
            status=status,
            form_action=client.origins,
            img_src=client.pictures,
            client_name=client.called(self.pages.locale(request)),
            client_domain=client.domain,
            client_logo=client.logo,
            client_policy=client.policy,
            client_terms=client.terms,
            slots=slots,
            **context,
        )

    def form_token(self, request: Request, ticket: Ticket) -> str:
        """The ``csrf_token`` of every form of a login."""
        return csrf.csrf_token(self.key, self.browser(request), ticket.text)

    def check_form(self, request: Request, ticket: Ticket) -> None:
        """Take a form only from our own page of this login in this browser.

        Raises:
            CsrfFailed: it is not.
        """
        csrf.check(
            request,
            key=self.key,
            browser=self.browser(request),
            form=ticket.text,
            origin=self.pages.site.origin,
        )

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
        browser = self.browser(request)
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
            browser=self.browser(request),
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
        replay.require_unanswered(self.key, self.browser(request), ticket.flow, self.transient)
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
        client = self.describe(ticket.client_tag)
        return client.home if client else ""

    def step(self, visit: Visit) -> Step:
        """What the dispatcher says comes next."""
        earlier = visit.session.authentications if visit.session else ()
        return next_step(visit.transaction.requirement, visit.proofs, earlier, self.methods)

    def proceed(self, visit: Visit) -> Response:
        """Leave a step: 303 to the next page, or the answer of whoever began the login."""
        step = self.step(visit)
        if visit.transaction.cancelled or not isinstance(step, Authenticate):
            return self._end(visit)
        if any(each.opens for each in self.methods if each.name in step.methods):
            return redirect(visit.url)
        return redirect(f"{visit.url}/{step.methods[0]}")

    def prove(self, visit: Visit, authentication: Authentication) -> tuple[Put, Visit]:
        """The operation that keeps a proof, and the visit as it is with it."""
        put = self.proof(visit.ticket.flow, authentication)
        return put, replace(visit, proofs=(*visit.proofs, authentication))

    def proof(self, flow: str, authentication: Authentication) -> Put:
        """The operation that keeps a proof in ``flow``."""
        key = proof_key(flow, authentication.method)
        return Put(key, authentication, self.settings.transaction_ttl)

    def cancel(self, visit: Visit, reason: str = "citizen") -> Response:
        """The login is given up: whoever began it answers for it."""
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

    # The end of a login

    def usable(self, account_id: str) -> tuple[Account, Person]:
        """The account and person behind an id, checked by the one rule.

        Raises:
            AccountUnusable: locked, deceased, cancelled, not activated, or gone.
        """
        found = holder.find(self.accounts, self.registry, account_id)
        if found is None:
            raise AccountUnusable("gone")
        require_usable(*found)
        return found

    def settle(
        self,
        session: Session | None,
        finish: Finish,
        here: Whereabouts = NOWHERE,
    ) -> Settled:
        """Turn a met requirement into a session, used from ``here``.

        Raises:
            AccountUnusable: see :meth:`usable`.
        """
        account, person = self.usable(finish.account_id)
        known = session.authentications if session else ()
        proofs = tuple(each for each in finish.authentications if each not in known)
        renewed = self.sessions.renew(session, proofs, here)
        reached = assurance.acr(renewed.session.level)
        started = SessionStarted(session_id=renewed.session.id, account_id=account.id, acr=reached)
        events: tuple[Event, ...] = (started,) if proofs else ()
        return Settled(renewed, account, person, events)
