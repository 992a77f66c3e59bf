"""The end of sessions, told to every relying party they were used at.

Back-Channel Logout 1.0 §2.5: the messages are written in the very transaction that ends the
session, and told by the courier afterwards. Nobody who ends a session waits for a relying party.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from idp.core.clock import Clock
from idp.core.handles import digest
from idp.login.session import Session
from idp.login.sessions import end_session
from idp.oidc.clients.model import Client
from idp.oidc.clients.repository import ClientCache
from idp.oidc.logout.delivery import Message
from idp.oidc.logout.repository import Outbox
from idp.oidc.tokens.authorization import session_subject
from idp.oidc.tokens.participants import clients_of_key, flows_of_key
from idp.oidc.tokens.standing import revoked_key
from idp.oidc.tokens.subject import Subjects
from idp.storage.revocations import Revocations
from idp.storage.transient import Members, Put, TransientStore, Unlink
from idp.storage.used import Use, once


@dataclass(frozen=True, slots=True)
class Endings:
    """Ends sessions, whoever asks for it: the citizen, a relying party, an operator."""

    clock: Clock
    transient: TransientStore
    revocations: Revocations
    clients: ClientCache
    subjects: Subjects
    outbox: Outbox

    def participants(self, session_id: str) -> tuple[Client, ...]:
        """The relying parties that a session was used at, those that are still active, by id."""
        (known,) = self.transient.run(Members(clients_of_key(session_id)))
        found = (self.clients.get(each) for each in sorted(known))
        return tuple(each for each in found if each is not None and each.active)

    def end(self, session: Session) -> tuple[Client, ...]:
        """End a session everywhere; the relying parties it was used at.

        Raises:
            AlreadyUsed: it was ended before, or is being ended: they are told once.
            Unavailable: it is not known to be ended, and nobody will be told.
        """
        clients = self.participants(session.id)
        end = Use("session-end", session.id, "", session.expires_at)
        beside = once(end, self.outbox.beside(self._messages(session, clients)))
        end_session(session, self.revocations, self.transient, beside)
        self._mark_grants(session)
        return clients

    def end_account(self, account_id: str, sessions: Iterable[Session], *, until: int) -> None:
        """End every session an account has now, also those not known any more.

        ``until`` is when the last of them would have ended by itself.

        Raises:
            Unavailable: see :meth:`end`.
        """
        messages = [
            message
            for session in sessions
            for message in self._messages(session, self.participants(session.id))
        ]
        beside = self.outbox.beside(messages)
        self.revocations.revoke("account", account_id, expires_at=until, beside=beside)

    def leave(self, session: Session, client: Client, confirmation: str) -> None:
        """End what one relying party was given in a session; the session goes on.

        ``confirmation`` names the citizen's answer: the citizen may come back to the relying party
        and leave it again, by another one.

        Raises:
            AlreadyUsed: the same answer came before.
            Unavailable: see :meth:`end`.
        """
        answer = Use("session-leave", session.id, confirmation, session.expires_at)
        self.revocations.revoke(
            "session",
            session_subject(session.id, client.client_id),
            expires_at=session.expires_at,
            beside=once(answer, self.outbox.beside(self._messages(session, (client,)))),
        )
        self.transient.run(Unlink(clients_of_key(session.id), client.client_id))

    def _mark_grants(self, session: Session) -> None:
        """Mark every grant made in the session, which access tokens are judged by on every node.

        After the session is gone: whoever still makes tokens of a grant joined before that.
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
