"""The one way to end something: its revocation, its record and its messages in one transaction."""

from collections.abc import Iterable
from dataclasses import dataclass

from idp.audit.events import Event
from idp.audit.log import AuditLog
from idp.standing.revocations import Revocations
from idp.standing.subjects import Subject
from idp.storage.beside import Beside
from idp.storage.used import AlreadyUsed


@dataclass(frozen=True, slots=True)
class Ends:
    """Ends things for commands, pages, endpoints and jobs."""

    audit: AuditLog
    revocations: Revocations

    def end(
        self,
        subject: Subject,
        *events: Event,
        expires_at: int,
        peer: str = "",
        first: Beside | None = None,
        rows: Iterable[Beside] = (),
    ) -> None:
        """End what ``subject`` was given until now, with the ``events`` that say who and why.

        ``expires_at`` is when the last of it would have ended by itself. ``rows`` (logout messages)
        are stored with it. Where ``first`` is there already, or changes nothing, so is the end: it
        happens once. Durable when this returns;
        this process refuses ``subject`` at once, every other one after its next refresh.

        Raises:
            AlreadyUsed: it was ended before, as ``first`` tells; nothing was stored.
            Unavailable: it is not known to be ended: do not say that it is done.
        """
        revocation = self.revocations.row(subject, expires_at=expires_at)
        stored = (*((first,) if first else ()), revocation.beside, *rows)
        if not self.audit.write(*events, peer=peer, beside=stored):
            raise AlreadyUsed(subject.kind)
        self.revocations.learn(revocation)
