"""The audit log: durable before it returns, chained so that changing the past shows.

Each writer (one process's life) has a chain: ``mac[n] = HMAC(key, mac[n-1] ‖ entry[n])``, begun
from the writer's random name; a sealed head says how long it is; a writer's first entry names the
writer before it. :func:`verify` finds an entry that was edited, moved, inserted or deleted, a chain
cut short and a writer that is gone. It cannot find: what a holder of the key rewrote, the whole
log restored to an earlier state, or the last writer removed with its head. Anchor
:func:`idp.audit.repository.heads` on another machine for those.
"""

import hmac
import json
import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from ipaddress import ip_address, ip_network
from typing import Any, TextIO

from idp.audit import repository
from idp.audit.events import Event, WriterStarted
from idp.audit.repository import Head, Record
from idp.core.clock import Clock
from idp.core.errors import Unavailable
from idp.core.handles import b64url
from idp.storage.database import Database
from idp.storage.grouped import GroupCommit


class AuditLog:
    """Where events go. One for each process: open it after a fork."""

    def __init__(self, database: Database, key: bytes, clock: Clock) -> None:
        self._database = database
        self._key = key
        self._clock = clock
        self._group = GroupCommit(self._store)
        self._end: _End | None = None

    def write(self, *events: Event, peer: str = "") -> None:
        """Store ``events``, together and durably. ``peer`` is the address they came from.

        Calls that wait at the same time share one transaction.

        Raises:
            Unavailable: they are not known to be stored: release nothing that they stand for.
        """
        if not events:
            return
        try:
            self._group.write([self._entry(each, peer) for each in events])
        except Unavailable as error:
            raise Unavailable("audit") from error

    def pseudonym(self, account_id: str) -> str:
        """How this year's entries name an account."""
        return pseudonym(self._key, account_id, time.gmtime(self._clock()).tm_year)

    def _entry(self, event: Event, peer: str) -> str:
        said = asdict(event)
        account_id = said.pop("account_id")
        entry = {
            "id": secrets.token_hex(8),
            "at": self._clock(),
            "event": type(event).__name__,
            "pseudonym": self.pseudonym(account_id) if account_id else "",
            "source": source_prefix(peer),
            **said,
        }
        return _canonical({name: value for name, value in entry.items() if value not in ("", None)})

    def _store(self, entries: Sequence[str]) -> Sequence[None]:
        # Unless it is known to be stored, what follows goes to a new chain.
        end, self._end, outcomes = self._end, None, [None] * len(entries)
        with self._database.begin() as connection:
            if end is None:
                entries = [self._first_entry(repository.latest_head(connection)), *entries]
                end = _begin(self._key, secrets.token_urlsafe(16))
            records = []
            for entry in entries:
                end = _next(self._key, end, entry)
                records.append(Record(end.writer, end.number, entry, end.mac))
            repository.append(connection, records, _head(self._key, end))
        self._end = end
        return outcomes

    def _first_entry(self, previous: Head | None) -> str:
        known = previous or Head("", 0, "")
        return self._entry(
            WriterStarted(previous=known.writer, previous_number=known.number), peer=""
        )


def pseudonym(key: bytes, account_id: str, year: int) -> str:
    """How the entries of ``year`` name an account: only a holder of the key can tell."""
    return b64url(_mac(key, "pseudonym", f"{year}:{account_id}")[:16])


def source_prefix(peer: str) -> str:
    """The network an address is in, /24 or /56; empty when it is no address."""
    try:
        address = ip_address(peer)
    except ValueError:
        return ""
    return str(ip_network((address, 24 if address.version == 4 else 56), strict=False))


@dataclass(frozen=True, slots=True)
class Finding:
    """The first thing wrong with a writer's chain.

    ``problem`` is ``altered``, ``missing``, ``truncated``, ``head`` or ``writer-missing``.
    """

    writer: str
    number: int
    problem: str


def verify(database: Database, key: bytes) -> Finding | None:
    """Read the whole log: the first thing wrong, or None.

    Raises:
        Unavailable: the database does not answer.
    """
    writers = repository.writers(database)  # before the heads: a writer may begin meanwhile
    known = {each.writer: each for each in repository.heads(database)}
    for writer in writers:
        if writer not in known:
            return Finding(writer, 0, "head")
    for head in known.values():
        finding = _examine(database, key, head, known)
        if finding is not None:
            return finding
    return None


def tail(database: Database, count: int) -> list[dict[str, Any]]:
    """The last ``count`` entries, oldest first."""
    return [json.loads(each.entry) for each in repository.latest(database, count)]


def find(database: Database, reference: str) -> list[dict[str, Any]]:
    """The entries with this ``reference``, the last stored first. Reads the whole log."""
    return list(_with(database, "reference", reference, within=sys.maxsize))


def of_client(database: Database, client_id: str, *, within: int) -> list[dict[str, Any]]:
    """The entries of one client among the last ``within`` of all, oldest first."""
    return list(_with(database, "client_id", client_id, within=within))[::-1]


def _with(database: Database, name: str, value: str, *, within: int) -> Iterator[dict[str, Any]]:
    for record in repository.matching(database, name, value, within=within):
        entry: dict[str, Any] = json.loads(record.entry)
        if entry.get(name) == value:  # LIKE is blind to case in SQLite
            yield entry


def export(database: Database, stream: TextIO) -> int:
    """Write every entry with its place in its chain as one JSON object a line; how many."""
    count = 0
    for each in repository.every(database):
        line = {"writer": each.writer, "number": each.number, "mac": each.mac}
        stream.write(_canonical(line | {"entry": json.loads(each.entry)}) + "\n")
        count += 1
    return count


@dataclass(frozen=True, slots=True)
class _End:
    """The end of a writer's chain."""

    writer: str
    number: int
    mac: str


def _begin(key: bytes, writer: str) -> _End:
    return _End(writer, 0, b64url(_mac(key, "writer", writer)))


def _next(key: bytes, end: _End, entry: str) -> _End:
    return _End(end.writer, end.number + 1, b64url(_mac(key, "entry", end.mac + entry)))


def _head(key: bytes, end: _End) -> Head:
    seal = _mac(key, "head", f"{end.writer}:{end.number}:{end.mac}")
    return Head(end.writer, end.number, b64url(seal))


def _examine(database: Database, key: bytes, head: Head, known: dict[str, Head]) -> Finding | None:
    """The first thing wrong with one writer. Entries after its head were stored since."""
    end = _begin(key, head.writer)
    sealed = False
    for record in repository.chain(database, head.writer):
        end = _next(key, end, record.entry)
        if record.number != end.number:
            return Finding(head.writer, end.number, "missing")
        if not hmac.compare_digest(record.mac, end.mac):
            return Finding(head.writer, end.number, "altered")
        if end.number == 1 and not _predecessor_is_there(json.loads(record.entry), known):
            return Finding(head.writer, 1, "writer-missing")
        if end.number == head.number:
            sealed = hmac.compare_digest(_head(key, end).seal, head.seal)
    if end.number < head.number:
        return Finding(head.writer, end.number + 1, "truncated")
    return None if sealed else Finding(head.writer, head.number, "head")


def _predecessor_is_there(first: dict[str, Any], known: dict[str, Head]) -> bool:
    previous = first.get("previous")
    if previous is None:
        return True
    return previous in known and known[previous].number >= int(first["previous_number"])


def _mac(key: bytes, purpose: str, message: str) -> bytes:
    return hmac.digest(key, f"{purpose}\x00{message}".encode(), "sha256")


def _canonical(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
