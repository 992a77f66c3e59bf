"""Proofs of a login: stored until it ends, then turned into a session."""

from dataclasses import dataclass, replace

from idp.accounts import holder
from idp.accounts.lifecycle import AccountUnusable, require_usable
from idp.accounts.model import Account
from idp.accounts.repository import Accounts
from idp.audit.events import Event, SessionStarted
from idp.core import assurance
from idp.login.authentication import Authentication
from idp.login.dispatch import Finish
from idp.login.session import Session
from idp.login.sessions import Sessions
from idp.login.transaction import proof_key
from idp.login.visit import Settled, Visit
from idp.login.whereabouts import NOWHERE, Whereabouts
from idp.registry.model import Person
from idp.registry.source import RegistrySource
from idp.storage.transient import Put


@dataclass(frozen=True, slots=True)
class Proofs:
    """``ttl`` seconds a proof is kept: as long as its login."""

    accounts: Accounts
    registry: RegistrySource
    sessions: Sessions
    ttl: int

    def prove(self, visit: Visit, authentication: Authentication) -> tuple[Put, Visit]:
        """The operation that keeps a proof, and the visit as it is with it."""
        put = self.proof(visit.ticket.flow, authentication)
        return put, replace(visit, proofs=(*visit.proofs, authentication))

    def proof(self, flow: str, authentication: Authentication) -> Put:
        """The operation that keeps a proof in ``flow``."""
        key = proof_key(flow, authentication.method)
        return Put(key, authentication, self.ttl)

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
