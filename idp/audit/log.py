"""The audit log: durable before it returns, unless the events release nothing.

The process groups what waits: one transaction stores the entries of every call that waits for it,
and those that were let wait. See :mod:`idp.audit.chain` for how changing the past shows.
"""

import secrets
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import lru_cache
from ipaddress import ip_address, ip_network

from idp.audit import repository
from idp.audit.chain import End, begin, canonical, follow, head_of, mac
from idp.audit.events import Event, WriterStarted
from idp.audit.repository import Head, Record
from idp.core.clock import Clock
from idp.core.errors import Unavailable
from idp.core.handles import b64url
from idp.storage.beside import Beside
from idp.storage.database import Database
from idp.storage.direct import Transaction
from idp.storage.grouped import GroupCommit

LATER_SECONDS = 0.25
"""For how long an event that releases nothing waits at most."""
_MEMBERS: dict[type[Event], tuple[str, ...]] = {}


@dataclass(frozen=True, slots=True)
class _Write:
    """The entries of one call, and what is stored with them."""

    entries: Sequence[str] = ()
    beside: Sequence[Beside] = ()


class AuditLog:
    """Where events go. One for each process: open it after a fork."""

    def __init__(self, database: Database, key: bytes, clock: Clock) -> None:
        self._direct = database.direct()
        self._key = key
        self._clock = clock
        self._group = GroupCommit(self._store)
        self._end: End | None = None
        self._later: deque[str] = deque()
        self._timer: threading.Timer | None = None
        self._failing = False

    def write(self, *events: Event, peer: str = "", beside: Sequence[Beside] = ()) -> bool:
        """Store ``events``, together and durably. ``peer`` is the address they came from.

        Calls that wait at the same time share one transaction. Where every event may wait, they
        are stored with the next that may not, at the latest after :data:`LATER_SECONDS`; while the
        log cannot be written, none waits.

        ``beside`` are rows of other features: all of it is stored, or nothing. False: the first of
        these rows was there already.

        Raises:
            Unavailable: they are not known to be stored: release nothing that they stand for.
        """
        entries = [self._entry(each, peer) for each in events]
        if not beside and all(each.waits for each in events) and not self._failing:
            self._let_wait(entries)
            return True
        return self._carry_out(_Write(entries, beside))

    def flush(self) -> None:
        """Store what waits.

        Raises:
            Unavailable: it is not known to be stored, and waits on.
        """
        if self._later:
            self._carry_out(_Write())

    def close(self) -> None:
        """Store what waits, if that can be; the process is about to end."""
        with suppress(Unavailable):
            self.flush()
        self._direct.close()

    def _carry_out(self, write: _Write) -> bool:
        try:
            (stored,) = self._group.write((write,))
        except Unavailable as error:
            raise Unavailable("audit") from error
        return stored

    def _let_wait(self, entries: Sequence[str]) -> None:
        self._later.extend(entries)
        if entries and self._timer is None:
            self._timer = timer = threading.Timer(LATER_SECONDS, self._flush_later)
            timer.daemon = True
            timer.start()

    def _flush_later(self) -> None:
        self._timer = None
        try:
            self.flush()
        except Unavailable:
            self._let_wait(())  # the next write reports it, and stores these too

    def pseudonym(self, account_id: str) -> str:
        """How this year's entries name an account."""
        return pseudonym(self._key, account_id, time.gmtime(self._clock()).tm_year)

    def _entry(self, event: Event, peer: str) -> str:
        entry = {
            "id": secrets.token_hex(8),
            "at": self._clock(),
            "event": type(event).__name__,
            "pseudonym": self.pseudonym(event.account_id) if event.account_id else "",
            "source": source_prefix(peer),
        }
        for name in _members(event):
            entry[name] = getattr(event, name)
        return canonical({name: value for name, value in entry.items() if value not in ("", None)})

    def _store(self, writes: Sequence[_Write]) -> Sequence[bool]:
        later = [self._later.popleft() for _ in range(len(self._later))]
        # Unless it is known to be stored, what follows goes to a new chain.
        end, self._end, self._failing = self._end, None, True
        outcomes, entries = [], [*later]
        try:
            with self._direct.begin() as transaction:
                for each in writes:
                    outcomes.append(_stored(transaction, each.beside))
                    entries += each.entries if outcomes[-1] else ()
                if entries:
                    end = self._append(transaction, end, entries)
        except BaseException:
            self._later.extendleft(reversed(later))
            raise
        self._end, self._failing = end, False
        return outcomes

    def _append(self, transaction: Transaction, end: End | None, entries: list[str]) -> End:
        if end is None:
            entries = [self._first_entry(repository.latest_head(transaction)), *entries]
            end = begin(self._key, secrets.token_urlsafe(16))
        records = []
        for entry in entries:
            end = follow(self._key, end, entry)
            records.append(Record(end.writer, end.number, entry, end.mac))
        repository.append(transaction, records, head_of(self._key, end))
        return end

    def _first_entry(self, previous: Head | None) -> str:
        known = previous or Head("", 0, "")
        return self._entry(
            WriterStarted(previous=known.writer, previous_number=known.number), peer=""
        )


def pseudonym(key: bytes, account_id: str, year: int) -> str:
    """How the entries of ``year`` name an account: only a holder of the key can tell."""
    return b64url(mac(key, "pseudonym", f"{year}:{account_id}")[:16])


def _members(event: Event) -> tuple[str, ...]:
    """The members of an event that stand in its entry as they are."""
    kind = type(event)
    if kind not in _MEMBERS:
        named = (each.name for each in fields(event))
        _MEMBERS[kind] = tuple(name for name in named if name != "account_id")
    return _MEMBERS[kind]


def _stored(transaction: Transaction, rows: Sequence[Beside]) -> bool:
    """Store rows; False, and none of them, where the first was there."""
    return all(transaction.run(each.statement, **each.values) > 0 for each in rows)


@lru_cache(maxsize=4096)
def source_prefix(peer: str) -> str:
    """The network an address is in, /24 or /56; empty when it is no address."""
    try:
        address = ip_address(peer)
    except ValueError:
        return ""
    return str(ip_network((address, 24 if address.version == 4 else 56), strict=False))
