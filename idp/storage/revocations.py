"""Revocations: the database first, a cache in each process after it.

What is revoked stays revoked through every loss of the transient store. Another process learns of
a revocation within a second; one that could not ask the database for ten seconds answers nobody.
"""

import threading
import time
from collections.abc import Callable
from typing import Literal, TypeAlias

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, delete, insert, select

from idp.core.clock import NODE_SKEW, Clock
from idp.core.errors import Unavailable
from idp.storage.database import Beside, Database, metadata
from idp.storage.fresh import TRUSTED

Kind: TypeAlias = Literal["session", "account", "card", "client", "grant", "key"]

FRESH = 1.0
"""Seconds for which the cache is not asked to be newer."""
_SETTLED = 20.0
"""Seconds after which no transaction with a lower id can still be open (database timeouts)."""

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


class Revocations:
    """Asked on every request that stands on a session, a grant, a card, a client or a key."""

    def __init__(
        self, database: Database, clock: Clock, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._clock = clock
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], tuple[int, int]] = {}
        self._confirmed_at = -TRUSTED * 2
        self._tried_at = -TRUSTED * 2
        # Ids are given before they commit, so a lower one may appear after a higher: what is read
        # again each time begins at an id that was the highest some while ago.
        self._settled_id = self._highest_id = self._checkpoint_id = 0
        self._checkpoint_at = -TRUSTED * 2

    def revoke(
        self,
        kind: Kind,
        subject: str,
        *,
        expires_at: int,
        at: int | None = None,
        beside: Beside | None = None,
    ) -> None:
        """End what ``subject`` was given until ``at`` (now). Durable when this returns.

        ``expires_at`` is when the last thing it ends would have ended by itself. ``beside`` writes
        in the same transaction.

        Raises:
            Unavailable: it is not known to be stored: do not say that it is done.
        """
        moment = self._clock() if at is None else at
        row = {"kind": kind, "subject": subject, "at": moment, "expires_at": expires_at}
        with self._database.begin() as connection:
            connection.execute(insert(REVOCATIONS).values(row))
            if beside is not None:
                beside(connection)
        with self._lock:
            self._remember(kind, subject, moment, expires_at)

    def is_revoked(self, kind: Kind, subject: str, since: int) -> bool:
        """Whether what ``subject`` was given at ``since`` has been revoked.

        ``since`` may come from a node whose clock is ahead of the one that revoked.

        Raises:
            Unavailable: the database has not answered for too long to know.
        """
        with self._lock:
            self._refresh()
            known = self._known.get((kind, subject))
        return known is not None and since <= known[0] + NODE_SKEW

    def after(self, kind: Kind, subject: str, now: int) -> int:
        """A date from ``now`` on for what ``subject`` is given after every revocation so far.

        Raises:
            Unavailable: see :meth:`is_revoked`.
        """
        with self._lock:
            self._refresh()
            known = self._known.get((kind, subject))
        return now if known is None else max(now, known[0] + NODE_SKEW + 1)

    def refresh(self) -> None:
        """Learn what was revoked until now.

        Raises:
            Unavailable: the database does not answer.
        """
        with self._lock:
            self._read(self._monotonic())

    def purge(self) -> int:
        """Delete what would have ended by itself; how many."""
        ended = delete(REVOCATIONS).where(REVOCATIONS.c.expires_at <= self._clock())
        with self._database.begin() as connection:
            return connection.execute(ended).rowcount

    def _refresh(self) -> None:
        now = self._monotonic()
        if now - self._confirmed_at < FRESH:
            return
        if now - self._tried_at >= FRESH:
            self._tried_at = now
            try:
                self._read(now)
                return
            except Unavailable:
                if now - self._confirmed_at >= TRUSTED:
                    raise
        if now - self._confirmed_at >= TRUSTED:
            raise Unavailable("database")

    def _read(self, now: float) -> None:
        query = select(REVOCATIONS).where(
            REVOCATIONS.c.id > self._settled_id, REVOCATIONS.c.expires_at > self._clock()
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        for row in rows:
            self._highest_id = max(self._highest_id, row.id)
            self._remember(row.kind, row.subject, row.at, row.expires_at)
        self._confirmed_at = now
        if now - self._checkpoint_at >= _SETTLED:
            self._settled_id, self._checkpoint_id = self._checkpoint_id, self._highest_id
            self._checkpoint_at = now
            self._forget_ended()

    def _remember(self, kind: str, subject: str, at: int, expires_at: int) -> None:
        known_at, known_until = self._known.get((kind, subject), (at, expires_at))
        self._known[kind, subject] = max(at, known_at), max(expires_at, known_until)

    def _forget_ended(self) -> None:
        now = self._clock()
        self._known = {key: each for key, each in self._known.items() if each[1] > now}
