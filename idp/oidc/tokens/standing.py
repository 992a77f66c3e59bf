"""Whether what was granted still stands: asked at every use of anything made from it.

A token is never good by itself: its client must be active and still registered for the scope, its
session must live, its account must be usable by the one rule, and nothing of it be revoked.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from idp.accounts.lifecycle import AccountUnusable
from idp.accounts.model import Account
from idp.core.clock import Clock
from idp.login.session import Session, session_key
from idp.oidc.clients.model import Client
from idp.oidc.clients.repository import ClientCache
from idp.oidc.tokens.authorization import Authorization, consent_subject, session_subject
from idp.registry.model import Person
from idp.storage.revocations import Revocations
from idp.storage.transient import Get, TransientStore, Value


class Ended(Exception):
    """The authorization no longer stands; ``reason`` is for the audit log only."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose authorization it is: the client, and the citizen unless it acts for itself."""

    client: Client
    account: Account | None = None
    person: Person | None = None


def revoked_key(flow: str) -> str:
    """Where a revoked grant is marked, beside the durable revocation."""
    return f"grant-revoked:{{{flow}}}"


@dataclass(frozen=True, slots=True)
class Standing:
    """Judges authorizations, and ends them.

    ``usable`` is the login desk's one rule about accounts. ``family_ttl`` (seconds): no grant
    lives longer, so no longer need its end be remembered.
    """

    clients: ClientCache
    transient: TransientStore
    revocations: Revocations
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
        if self.revocations.is_revoked("grant", authorization.flow, 0):
            raise Ended("grant_revoked")
        self._check_cards(authorization.cards)
        return self._held(client, authorization)

    def issue_time(self, account_id: str, session_id: str, client_id: str) -> int:
        """When an authorization is issued: now, or just after what the citizen ended before it."""
        after, now = self.revocations.after, self.clock()
        return max(
            after("grant", consent_subject(account_id, client_id), now),
            after("session", session_subject(session_id, client_id), now),
        )

    def end_grant(self, flow: str) -> None:
        """End everything made from one authorization: durably first, then at once on every node.

        Raises:
            Unavailable: it is not known to be ended.
        """
        now = self.clock()
        self.revocations.revoke("grant", flow, expires_at=now + self.family_ttl)
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
        # Flows are never used again, so any revocation of one counts.
        if revoked or self.revocations.is_revoked("grant", authorization.flow, 0):
            raise Ended("grant_revoked")
        return self.holder(authorization, session)

    def holder(self, authorization: Authorization, session: Session | None) -> Holder:
        """Who holds ``authorization``, whether or not the grant itself was ended since.

        Raises:
            Ended: the time, the client, the session or the account no longer allows it.
        """
        client = self._granted(authorization)
        if authorization.account_id is not None:
            if session is None or not session.lives(self.clock()):
                raise Ended("session_ended")
            self._check_cards(session.cards)
        return self._held(client, authorization)

    def _granted(self, authorization: Authorization) -> Client:
        if self.clock() >= authorization.expires_at:
            raise Ended("grant_expired")
        client = self._client(authorization)
        self._check_revocations(authorization)
        return client

    def _held(self, client: Client, authorization: Authorization) -> Holder:
        if authorization.account_id is None:
            return Holder(client)
        try:
            account, person = self.usable(authorization.account_id)
        except AccountUnusable as error:
            raise Ended(f"account_{error.reason}") from error
        return Holder(client, account, person)

    def _check_cards(self, cards: Iterable[str]) -> None:
        if any(self.revocations.is_revoked("card", each, 0) for each in cards):
            raise Ended("card_revoked")

    def _client(self, authorization: Authorization) -> Client:
        client = self.clients.get(authorization.client_id)
        if client is None or not client.active:
            raise Ended("client_disabled")
        if not set(authorization.scope) <= set(client.scope):
            raise Ended("scope_no_longer_registered")
        return client

    def _check_revocations(self, authorization: Authorization) -> None:
        revoked, account_id = self.revocations.is_revoked, authorization.account_id
        if account_id is None:
            return
        consent = consent_subject(account_id, authorization.client_id)
        if revoked("grant", consent, authorization.issued_at):
            raise Ended("consent_withdrawn")
        if revoked("session", authorization.session_id or "", 0):  # ids are never used again
            raise Ended("session_revoked")
        left = session_subject(authorization.session_id or "", authorization.client_id)
        if revoked("session", left, authorization.issued_at):
            raise Ended("left_this_client")
        if revoked("account", account_id, authorization.auth_time or 0):
            raise Ended("account_revoked")
