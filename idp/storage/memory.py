"""The transient store in one process's memory: development, tests, and one worker's demos.

Lifetimes run by the injected clock, so a test moves time instead of sleeping. It is not for
several workers: each would have its own facts.
"""

import threading
from typing import Any

from idp.core.clock import Clock
from idp.core.records import decode, encode
from idp.storage.transient import (
    Add,
    Delete,
    Get,
    Hit,
    Link,
    Members,
    Operation,
    Operations,
    Put,
    Take,
    Taken,
    Unlink,
)

_SWEEP_EVERY = 1_000


class MemoryStore(Operations):
    """A :class:`idp.storage.transient.TransientStore`. ``round_trips`` counts the calls of run."""

    def __init__(self, clock: Clock) -> None:
        self.round_trips = 0
        self._clock = clock
        self._lock = threading.Lock()
        self.records: dict[str, _Record] = {}
        """All that is kept, by key; what has expired may still be here."""

    def run(self, *operations: Operation) -> tuple[Any, ...]:
        with self._lock:
            self.round_trips += 1
            if self.round_trips % _SWEEP_EVERY == 0:
                self._sweep()
            for each in operations:
                each.value = self._apply(each)
        return tuple(each.value for each in operations)

    def ping(self) -> None:
        """Memory always answers."""

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self.records.clear()

    def _apply(self, operation: Operation) -> Any:
        match operation:
            case Get(key=key, kind=kind):
                record = self._live(key)
                return None if record is None else decode(record.content, kind)
            case Put(key=key, content=content, ttl=ttl):
                self._store(key, encode(content), ttl)
                return True
            case Add(key=key, content=content, ttl=ttl):
                if self._live(key) is not None:
                    return False
                self._store(key, encode(content), ttl)
                return True
            case Delete(key=key):
                return self._live(key) is not None and bool(self.records.pop(key))
            case Take():
                return self._take(operation)
            case _:
                return self._count_or_link(operation)

    def _take(self, take: Take[Any]) -> Taken[Any]:
        record = self._live(take.key)
        if record is None:
            return Taken()
        if take.binding is not None and _binding(record.content) != take.binding:
            if take.tries is None:
                return Taken(mismatch=True)
            record.misses += 1
            left = max(take.tries - record.misses, 0)
            if not left:
                del self.records[take.key]
            return Taken(mismatch=True, tries_left=left)
        del self.records[take.key]
        for each in take.put:
            self._store(each.key, encode(each.content), each.ttl)
        if take.into:
            self._store(take.into, record.content, take.into_ttl)
        return Taken(decode(record.content, take.kind))

    def _count_or_link(self, operation: Operation) -> Any:
        match operation:
            case Hit(key=key, ttl=ttl):
                count = self._live(key) or self._store(key, 0, ttl)
                count.content += 1
                return count.content
            case Link(key=key, member=member, ttl=ttl):
                linked = self._live(key) or self._store(key, set(), ttl)
                linked.content.add(member)
                linked.expires_at = max(linked.expires_at, self._clock() + ttl)
                return True
            case Unlink(key=key, member=member):
                record = self._live(key)
                if record is None or member not in record.content:
                    return False
                record.content.remove(member)
                return True
            case Members(key=key):
                record = self._live(key)
                return frozenset() if record is None else frozenset(record.content)
        raise TypeError(f"not an operation: {type(operation).__name__}")

    def _live(self, key: str) -> "_Record | None":
        record = self.records.get(key)
        if record is not None and record.expires_at <= self._clock():
            del self.records[key]
            return None
        return record

    def _store(self, key: str, content: Any, ttl: int) -> "_Record":
        record = _Record(content, self._clock() + max(ttl, 1))
        self.records[key] = record
        return record

    def _sweep(self) -> None:
        now = self._clock()
        for key in [key for key, each in self.records.items() if each.expires_at <= now]:
            del self.records[key]


def _binding(content: bytes) -> Any:
    value: dict[str, Any] = decode(content, None) or {}
    return value.get("binding")


class _Record:
    """What one key holds: JSON text, a count or a set."""

    __slots__ = ("content", "expires_at", "misses")

    def __init__(self, content: Any, expires_at: int) -> None:
        self.content = content
        self.expires_at = expires_at
        self.misses = 0
