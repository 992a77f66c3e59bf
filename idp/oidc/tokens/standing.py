"""Validity of authorizations: checked at every use of anything issued from them.

A token is valid only if its client is active and still registered for the scope, its session lives,
its account is usable, and nothing of it is revoked.
"""

from collections.abc import Callable
from dataclasses import dataclass

from idp.accounts.lifecycle import AccountUnusable
from idp.accounts.model import Account
from idp.audit.events import Event
from idp.core.clock import Clock
from idp.login.session import Session, session_key
from idp.oidc.clients.model import Client
from idp.oidc.clients.repository import ClientCache
from idp.oidc.tokens.authorization import Authorization
from idp.registry.model import Person
from idp.standing import subjects
from idp.standing.check import Ended, check
from idp.standing.end import Ends
from idp.standing.revocations import Revocations
from idp.storage.transient import Get, TransientStore, Value


@dataclass(frozen=True, slots=True)
class Holder:
    """The client of an authorization, and the citizen unless the client acts for itself."""

    client: Client
    account: Account | None = None
    person: Person | None = None


def revoked_key(flow: str) -> str:
    """Key of the mark of a revoked grant, besides the durable revocation."""
    return f"grant-revoked:{{{flow}}}"


@dataclass(frozen=True, slots=True)
class Standing:
    """Checks and revokes authorizations.

    ``usable`` checks an account. ``family_ttl`` (seconds) is the longest life of a grant, and so of
    its revocation.
    """

    clients: ClientCache
    transient: TransientStore
    revocations: Revocations
    ends: Ends
    clock: Clock
    usable: Callable[[str], tuple[Account, Person]]
    family_ttl: int

    def confirm(self, authorization: Authorization) -> Holder:
        """Who holds ``authorization``, read and checked in one round trip.

        Raises:
            Ended: it no longer stands.
        """
        session, mark = self.reads(authorization)
        self.transient.run(session, mark)
        return self.check(authorization, session.value, revoked=mark.value is not None)

    def allows(self, authorization: Authorization) -> Holder:
        """Who holds the access tokens of ``authorization``, judged without a store.

        A session's end is known here by its revocation, and by the mark that it leaves at each of
        its grants (:meth:`idp.oidc.logout.ending.Endings.end`), which whoever reads the token reads
        with it.

        Raises:
            Ended: it no longer stands.
        """
        client = self._granted(authorization)
        authority = authorization.authority(authorization.cards, flow=authorization.flow)
        check(self.revocations, authority)
        return self._held(client, authorization)

    def issue_time(self, account_id: str, session_id: str, client_id: str) -> int:
        """When an authorization is issued: now, or just after what the citizen ended before it."""
        after, now = self.revocations.after, self.clock()
        return max(
            after(subjects.consent(account_id, client_id), now),
            after(subjects.membership(session_id, client_id), now),
        )

    def end_grant(self, flow: str, *events: Event, peer: str = "") -> None:
        """End everything made from one authorization: durably first, then at once on every node.

        ``events`` say why; they are stored with it.

        Raises:
            Unavailable: it is not known to be ended.
        """
        now = self.clock()
        grant = subjects.grant(flow)
        self.ends.end(grant, *events, expires_at=now + self.family_ttl, peer=peer)
        self.transient.put(revoked_key(flow), {"at": now}, self.family_ttl)

    @staticmethod
    def reads(authorization: Authorization) -> tuple[Get[Session], Get[Value]]:
        """What :meth:`check` must be given the answers of: the session, the revocation mark."""
        session = session_key(authorization.session_id or authorization.flow)
        return Get(session, Session), Get(revoked_key(authorization.flow))

    def check(
        self,
        authorization: Authorization,
        session: Session | None,
        *,
        revoked: bool,
    ) -> Holder:
        """Who holds ``authorization``, which still stands.

        Raises:
            Ended: it does not.
        """
        if revoked or self.revocations.is_revoked(subjects.grant(authorization.flow), 0):
            raise Ended("grant_revoked")
        return self.holder(authorization, session)

    def holder(self, authorization: Authorization, session: Session | None) -> Holder:
        """Who holds ``authorization``, whether or not the grant itself was ended since.

        Raises:
            Ended: the time, the client, the session or the account no longer allows it.
        """
        client = self._granted(authorization)
        lives = session is not None and session.lives(self.clock())
        if authorization.account_id is not None and not lives:
            raise Ended("session_ended")
        check(self.revocations, authorization.authority(session.cards if session else ()))
        return self._held(client, authorization)

    def _granted(self, authorization: Authorization) -> Client:
        if self.clock() >= authorization.expires_at:
            raise Ended("grant_expired")
        return self._client(authorization)

    def _held(self, client: Client, authorization: Authorization) -> Holder:
        if authorization.account_id is None:
            return Holder(client)
        try:
            account, person = self.usable(authorization.account_id)
        except AccountUnusable as error:
            raise Ended(f"account_{error.reason}") from error
        return Holder(client, account, person)

    def _client(self, authorization: Authorization) -> Client:
        client = self.clients.get(authorization.client_id)
        if client is None or not client.active:
            raise Ended("client_disabled")
        if not set(authorization.scope) <= set(client.scope):
            raise Ended("scope_no_longer_registered")
        return client
