"""Revocations: the database first, a view in each process after it.

What is revoked stays revoked through every loss of the transient store. Another process learns of
a revocation when its refresher has asked, twice a second; one that could not ask the database for
ten seconds answers nobody. How the view is read and held: ADR 0014.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
)

from idp.core.clock import NODE_SKEW, Clock
from idp.standing.revoked import Revoked
from idp.standing.subjects import Subject
from idp.storage.beside import Beside
from idp.storage.database import Database, metadata
from idp.storage.fresh import Fresh
from idp.storage.statements import Statement

PAGE = 10_000
"""Rows of one statement, which must end within the database's time limit."""
_SETTLED = 20.0
"""Seconds after which no transaction with a lower id can still be open (database timeouts)."""
_REACH = 10_000
"""Ids that may have been given, at the first reading, to transactions that are still open."""

REVOCATIONS = Table(
    "revocations",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index(None, "expires_at"),
)


_ID = REVOCATIONS.c.id
_NEWEST = Statement(select(func.max(_ID).label("id")))
_NUMBER = Statement(
    select(func.count().label("number")).where(REVOCATIONS.c.expires_at > bindparam("now")),
    ("now",),
)
_AFTER = Statement(
    select(
        _ID,
        REVOCATIONS.c.kind,
        REVOCATIONS.c.subject,
        REVOCATIONS.c.at,
        REVOCATIONS.c.expires_at,
    )
    .where(bindparam("after") < _ID, REVOCATIONS.c.expires_at > bindparam("now"))
    .order_by(_ID)
    .limit(PAGE),
    ("after", "now"),
)
_REVOKE = Statement(insert(REVOCATIONS).inline(), ("kind", "subject", "at", "expires_at"))


@dataclass(frozen=True, slots=True)
class Revocation:
    """That ``subject`` is ended: what it was given until ``at``. Times are epoch seconds."""

    subject: Subject
    at: int
    expires_at: int

    @property
    def beside(self) -> Beside:
        """Its row, to be stored with the record of it."""
        kind, name = self.subject
        row = {"kind": kind, "subject": name, "at": self.at, "expires_at": self.expires_at}
        return Beside(_REVOKE, row)


class Revocations:
    """Asked on every request that stands on a session, a grant, a card, a client or a key."""

    def __init__(
        self, database: Database, clock: Clock, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._clock = clock
        self._monotonic = monotonic
        self._writing = threading.Lock()
        self._view = Fresh(self._load, Revoked(clock), monotonic=monotonic)
        # Ids are given before they commit, so a lower one may appear after a higher: what is read
        # again each time begins at an id that was the highest some while ago.
        self._settled_id = self._highest_id = self._checkpoint_id = 0
        self._checkpoint_at = float("-inf")

    def row(self, subject: Subject, *, expires_at: int, at: int | None = None) -> Revocation:
        """The revocation of ``subject`` at ``at`` (now): to be stored, then :meth:`learn` it.

        ``expires_at`` is when the last thing it ends would have ended by itself.
        """
        return Revocation(subject, self._clock() if at is None else at, expires_at)

    def learn(self, revocation: Revocation) -> None:
        """Refuse here at once what was just stored as ended."""
        kind, name = revocation.subject
        with self._writing:
            self._view.value.add([(0, kind, name, revocation.at, revocation.expires_at)])

    def revoke(self, subject: Subject, *, expires_at: int, at: int | None = None) -> None:
        """Store a revocation that has no record of its own; see :class:`idp.standing.end.Ends`.

        Raises:
            Unavailable: it is not known to be stored: do not say that it is done.
        """
        revocation = self.row(subject, expires_at=expires_at, at=at)
        with self._database.begin() as connection:
            connection.execute(insert(REVOCATIONS).values(revocation.beside.values))
        self.learn(revocation)

    def is_revoked(self, subject: Subject, since: int) -> bool:
        """Whether what ``subject`` was given at ``since`` has been revoked.

        ``since`` may come from a node whose clock is ahead of the one that revoked. Asked about six
        times a request: one comparison of an age, one look into the table.

        Raises:
            Unavailable: the database has not answered for too long to know.
        """
        view = self._view
        if self._monotonic() >= view.trusted_until:
            view.get()
        key = hash(subject) or 1  # from here on Revoked.at, without the calls
        keys, mask, dates, ends = view.value.slots
        place = key & mask
        while found := keys[place]:
            if found == key:
                return since <= dates[place] + NODE_SKEW and ends[place] > self._clock()
            place = (place + 1) & mask
        return False

    def after(self, subject: Subject, now: int) -> int:
        """A date from ``now`` on for what ``subject`` is given after every revocation so far.

        Raises:
            Unavailable: see :meth:`is_revoked`.
        """
        at = self._view.get().at(*subject)
        return now if at is None else max(now, at + NODE_SKEW + 1)

    def refresh(self) -> None:
        """Learn what was revoked until now.

        Raises:
            Unavailable: the database does not answer.
        """
        self._view.refresh()

    def purge(self) -> int:
        """Delete what would have ended by itself; how many.

        The newest row stays: SQLite would give its id again, which every process has read.
        """
        newest = select(func.max(_ID)).scalar_subquery()
        some = select(_ID).where(REVOCATIONS.c.expires_at <= self._clock(), newest > _ID)
        ended = delete(REVOCATIONS).where(_ID.in_(some.limit(PAGE)))
        purged = 0
        while True:
            with self._database.begin() as connection:
                purged += (found := connection.execute(ended).rowcount)
            if found < PAGE:
                return purged

    def _load(self, revoked: Revoked) -> Revoked:
        asked = self._monotonic()
        if (self._database.rows(_NEWEST)[0].id or 0) < self._highest_id:
            # A backup was restored, or an older release purged the newest row: ids come again.
            self._settled_id = self._highest_id = 0
            self._checkpoint_at = float("-inf")
        first = self._checkpoint_at == float("-inf")
        if first:
            revoked.reserve(self._database.rows(_NUMBER, now=self._clock())[0].number)
        self._read(revoked)
        if asked - self._checkpoint_at >= _SETTLED:
            passed = max(0, self._highest_id - _REACH) if first else self._checkpoint_id
            self._settled_id, self._checkpoint_id = passed, self._highest_id
            self._checkpoint_at = asked
        return revoked

    def _read(self, revoked: Revoked) -> None:
        """Remember what came after the settled id, some rows at a time."""
        after = self._settled_id
        while rows := self._database.rows(_AFTER, after=after, now=self._clock()):
            with self._writing:
                revoked.add(rows)
            after = rows[-1].id
            self._highest_id = max(self._highest_id, after)
            if len(rows) < PAGE:
                return
