"""Ends sessions and notifies every relying party they were used at.

Back-Channel Logout 1.0 §2.5: the transaction that ends the session also writes the messages; the
courier delivers them later. Ending a session does not wait for a relying party.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from idp.audit.events import Event
from idp.core.clock import Clock
from idp.core.handles import digest
from idp.login.session import Session, session_key
from idp.oidc.clients.model import Client
from idp.oidc.clients.repository import ClientCache
from idp.oidc.logout.delivery import Message
from idp.oidc.logout.repository import Outbox
from idp.oidc.tokens.participants import clients_of_key, flows_of_key
from idp.oidc.tokens.standing import revoked_key
from idp.oidc.tokens.subject import Subjects
from idp.standing import subjects
from idp.standing.end import Ends
from idp.storage.transient import Members, Put, TransientStore, Unlink
from idp.storage.used import Use, use_beside


@dataclass(frozen=True, slots=True)
class Endings:
    """Ends sessions for the citizen, a relying party or an operator."""

    clock: Clock
    transient: TransientStore
    ends: Ends
    clients: ClientCache
    subjects: Subjects
    outbox: Outbox

    def participants(self, session_id: str) -> tuple[Client, ...]:
        """The active relying parties that a session was used at, by id."""
        (known,) = self.transient.run(Members(clients_of_key(session_id)))
        found = (self.clients.get(each) for each in sorted(known))
        return tuple(each for each in found if each is not None and each.active)

    def end(self, session: Session, *events: Event, peer: str = "") -> tuple[Client, ...]:
        """End a session everywhere; returns the relying parties it was used at.

        ``events`` say why; they are stored with the end.

        Raises:
            AlreadyUsed: it has ended or is ending; relying parties are notified once.
            Unavailable: the end is not stored, and nobody is notified.
        """
        clients = self.participants(session.id)
        self.ends.end(
            subjects.session(session.id),
            *events,
            expires_at=session.expires_at,
            peer=peer,
            first=use_beside(Use("session-end", session.id, "", session.expires_at)),
            rows=self.outbox.rows(self._messages(session, clients)),
        )
        self.transient.delete(session_key(session.id))
        self._mark_grants(session)
        return clients

    def end_account(
        self, account_id: str, sessions: Iterable[Session], *events: Event, until: int
    ) -> None:
        """End every present session of an account, also those that are no longer listed.

        ``until`` is when the last of them expires.

        Raises:
            Unavailable: see :meth:`end`.
        """
        messages = [
            message
            for session in sessions
            for message in self._messages(session, self.participants(session.id))
        ]
        rows = self.outbox.rows(messages)
        self.ends.end(subjects.account(account_id), *events, expires_at=until, rows=rows)

    def leave(
        self, session: Session, client: Client, confirmation: str, *events: Event, peer: str
    ) -> None:
        """End one relying party's grants in a session; the session continues.

        ``confirmation`` identifies the confirmation form, so that the citizen can return to the
        relying party and leave it again.

        Raises:
            AlreadyUsed: the same form was sent before.
            Unavailable: see :meth:`end`.
        """
        self.ends.end(
            subjects.membership(session.id, client.client_id),
            *events,
            expires_at=session.expires_at,
            peer=peer,
            first=use_beside(Use("session-leave", session.id, confirmation, session.expires_at)),
            rows=self.outbox.rows(self._messages(session, (client,))),
        )
        self.transient.run(Unlink(clients_of_key(session.id), client.client_id))

    def _mark_grants(self, session: Session) -> None:
        """Mark every grant of the session; every node checks access tokens against the mark.

        Runs after the session is deleted: a grant that can still issue tokens joined before that.
        """
        flows, now = Members(flows_of_key(session.id)), self.clock()
        self.transient.run(flows)
        ttl = max(1, session.expires_at - now)
        marks = (Put(revoked_key(each), {"at": now}, ttl) for each in sorted(flows.value))
        self.transient.run(*marks)

    def _messages(self, session: Session, clients: Iterable[Client]) -> list[Message]:
        return [
            Message(
                client_id=client.client_id,
                session=digest(session.id),
                sub=self.subjects.sub(client, session.account_id),
                sid=self.subjects.sid(client, session.id),
            )
            for client in clients
            if client.backchannel_logout_uri
        ]
