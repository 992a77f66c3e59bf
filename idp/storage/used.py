"""What may be used once, whatever becomes of the transient store: RFC 7523 §3, RFC 9449 §11.1.

The database remembers each use until the thing has expired, so that a proof that was used before
Redis lost its last seconds stays used. A use is the last check of a request: only somebody whose
signature and bindings are good can cause the write.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, String, Table, delete

from idp.core.clock import Clock
from idp.core.handles import digest
from idp.storage.beside import Beside
from idp.storage.database import Database, metadata
from idp.storage.grouped import GroupCommit
from idp.storage.statements import Statement, upsert

USES = Table(
    "uses",
    metadata,
    Column("digest", String(43), primary_key=True),
    Column("expires_at", BigInteger, nullable=False, index=True),
)
_USE = Statement(
    lambda dialect: upsert(USES, dialect).on_conflict_do_nothing().inline(),
    ("digest", "expires_at"),
)


class AlreadyUsed(Exception):
    """It was used before."""


@dataclass(frozen=True, slots=True)
class Use:
    """One thing that may be used once: its ``kind``, who owns it, and its own id.

    ``expires_at`` (epoch seconds): from then on its expiry refuses it, so the memory may forget it.
    """

    kind: str
    owner: str
    id: str
    expires_at: int

    @property
    def key(self) -> str:
        """What is stored of it: a digest in which the three parts cannot run into each other."""
        return digest(f"{self.kind}\x00{digest(self.owner)}\x00{digest(self.id)}")


class Uses:
    """The memory of used things, shared by every process on the database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._direct = database.direct()
        self._clock = clock
        self._group = GroupCommit(self._store)

    def use(self, use: Use) -> None:
        """Use it up. Durable when this returns; of many at the same time one succeeds.

        Raises:
            AlreadyUsed: it was used before.
            Unavailable: the database does not answer: it is not known whether it was used.
        """
        (first,) = self._group.write((use,))
        if not first:
            raise AlreadyUsed(use.kind)

    def purge(self) -> int:
        """Forget what has expired; how many."""
        expired = delete(USES).where(USES.c.expires_at <= self._clock())
        with self._database.begin() as connection:
            return connection.execute(expired).rowcount

    def _store(self, uses: Sequence[Use]) -> list[bool]:
        # In the order of their keys: two nodes that wait for each other's rows would be a deadlock.
        outcomes = dict[int, bool]()
        with self._direct.begin() as transaction:
            for place in sorted(range(len(uses)), key=lambda each: uses[each].key):
                row = use_beside(uses[place])
                outcomes[place] = transaction.run(row.statement, **row.values) == 1
        return [outcomes[place] for place in range(len(uses))]


def use_beside(use: Use) -> Beside:
    """What uses it up in a transaction of another feature; no row where it was used before."""
    return Beside(_USE, {"digest": use.key, "expires_at": use.expires_at})
