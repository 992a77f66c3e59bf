"""Chains of entries: ``mac[n] = HMAC(key, mac[n-1] ‖ entry[n])``, and what is wrong with one.

Each writer (one process's life) has a chain, begun from the writer's random name; a sealed head
says how long it is; a writer's first entry names the writer before it. :func:`verify` finds an
entry that was edited, moved, inserted or deleted, a chain cut short and a writer that is gone. It
cannot find: what a holder of the key rewrote, the whole log restored to an earlier state, or the
last writer removed with its head. Anchor :func:`idp.audit.repository.heads` on another machine for
those.
"""

import hmac
import json
from dataclasses import dataclass
from typing import Any

from idp.audit import repository
from idp.audit.repository import Head
from idp.core.handles import b64url
from idp.storage.database import Database

_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class End:
    """The end of a writer's chain."""

    writer: str
    number: int
    mac: str


def begin(key: bytes, writer: str) -> End:
    """The end of a chain that has no entry yet."""
    return End(writer, 0, b64url(mac(key, "writer", writer)))


def follow(key: bytes, end: End, entry: str) -> End:
    """The end after ``entry``."""
    return End(end.writer, end.number + 1, b64url(mac(key, "entry", end.mac + entry)))


def head_of(key: bytes, end: End) -> Head:
    """How long the chain is, sealed."""
    seal = mac(key, "head", f"{end.writer}:{end.number}:{end.mac}")
    return Head(end.writer, end.number, b64url(seal))


def mac(key: bytes, purpose: str, message: str) -> bytes:
    """The MAC of ``message``, for one purpose only."""
    return hmac.digest(key, f"{purpose}\x00{message}".encode(), "sha256")


def canonical(value: dict[str, Any]) -> str:
    """JSON with one spelling."""
    return _ENCODER.encode(value)


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


def _examine(database: Database, key: bytes, head: Head, known: dict[str, Head]) -> Finding | None:
    """The first thing wrong with one writer. Entries after its head were stored since."""
    end = begin(key, head.writer)
    sealed = False
    for record in repository.chain(database, head.writer):
        end = follow(key, end, record.entry)
        if record.number != end.number:
            return Finding(head.writer, end.number, "missing")
        if not hmac.compare_digest(record.mac, end.mac):
            return Finding(head.writer, end.number, "altered")
        if end.number == 1 and not _predecessor_is_there(json.loads(record.entry), known):
            return Finding(head.writer, 1, "writer-missing")
        if end.number == head.number:
            sealed = hmac.compare_digest(head_of(key, end).seal, head.seal)
    if end.number < head.number:
        return Finding(head.writer, end.number + 1, "truncated")
    return None if sealed else Finding(head.writer, head.number, "head")


def _predecessor_is_there(first: dict[str, Any], known: dict[str, Head]) -> bool:
    previous = first.get("previous")
    if previous is None:
        return True
    return previous in known and known[previous].number >= int(first["previous_number"])
