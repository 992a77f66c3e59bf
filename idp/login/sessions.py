"""The sessions of browsers: read by cookie, renewed at a change of privilege, ended everywhere."""

from contextlib import suppress
from dataclasses import dataclass, replace

from idp.core.clock import Clock
from idp.core.handles import Handle
from idp.login import whereabouts
from idp.login.authentication import Authentication
from idp.login.session import (
    COOKIE,
    Session,
    advance,
    session_key,
    sessions_of_key,
)
from idp.login.settings import LoginSettings
from idp.login.whereabouts import Whereabouts
from idp.standing.check import Ended, check
from idp.standing.revocations import Revocations
from idp.storage.transient import Get, Link, Operation, Put, TransientStore
from idp.web.http import Request, cookie, own_cookie


@dataclass(frozen=True, slots=True)
class Renewed:
    """A session as it is from now on: what stores it, and the cookies it needs."""

    session: Session
    cookies: tuple[str, ...]
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions in the transient store; ``secure`` as for every cookie of the issuer."""

    transient: TransientStore
    revocations: Revocations
    clock: Clock
    settings: LoginSettings
    secure: bool

    def handle(self, request: Request) -> Handle | None:
        """The session cookie, parsed."""
        return Handle.parse(own_cookie(request, COOKIE, secure=self.secure))

    def of(self, request: Request) -> Session | None:
        """The browser's session, when it is awake and not revoked."""
        handle = self.handle(request)
        if handle is None:
            return None
        kept = Get(session_key(handle.flow), Session)
        self.transient.run(kept)
        return self.awake(handle, kept.value)

    def awake(self, handle: Handle, session: Session | None) -> Session | None:
        """The session whose record was read for this cookie, when it may be used."""
        if session is None or not session.belongs_to(handle) or not session.awake(self.clock()):
            return None
        return session if self._stands(session) else None

    def moved(self, session: Session, here: Whereabouts) -> tuple[str, ...]:
        """What changed since the session was last used: see :func:`whereabouts.moved`."""
        return whereabouts.moved(session.whereabouts, here, seconds=self.clock() - session.seen_at)

    def trusted(self, session: Session | None, here: Whereabouts) -> Session | None:
        """The session, unless it moved in a way that asks for the step again."""
        if session is None or self.settings.asks_again.isdisjoint(self.moved(session, here)):
            return session
        return None

    def _stands(self, session: Session) -> bool:
        """Whether neither the session, nor its card, nor all of its account's were ended."""
        with suppress(Ended):
            check(self.revocations, session.authority)
            return True
        return False

    def renew(
        self, session: Session | None, proofs: tuple[Authentication, ...], here: Whereabouts
    ) -> Renewed:
        """The session after ``proofs``, used from ``here``; without any, only that moves.

        New proofs rotate the cookie: the privilege changed. Without a session there are some.
        """
        now = self.clock()
        if session is not None and not proofs:
            touched = replace(session, seen_at=now).at(here)
            return Renewed(touched, (), (_keep(touched, now),))
        fresh, handle = advance(session, proofs, now=now, lifetimes=self.settings.lifetimes)
        fresh = fresh.at(here)
        link = Link(sessions_of_key(fresh.account_id), fresh.id, fresh.expires_at - now)
        return Renewed(
            fresh,
            (cookie(COOKIE, str(handle), secure=self.secure),),
            (_keep(fresh, now), link),
        )

    def forget(self) -> tuple[str, ...]:
        """The cookies that clear the browser's, once its session was ended."""
        return (cookie(COOKIE, "", max_age=0, secure=self.secure),)


def _keep(session: Session, now: int) -> Put:
    return Put(session_key(session.id), session, max(1, session.expires_at - now))
