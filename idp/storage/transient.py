"""The transient store: short-lived facts behind four atomic operations and a counter.

An operation is a frozen value; :meth:`TransientStore.run` carries out several in **one round
trip**, in order, each atomic by itself (all that share a hash tag ``{flow}`` live in one Redis
Cluster slot). Values are JSON objects; every key has a lifetime. The shipped implementations are
``storage.memory`` and ``storage.redis``; one contract suite holds them to the same answers.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

Value: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Put:
    """Store ``value`` for ``ttl`` seconds, whatever was there. Answers True."""

    key: str
    value: Value
    ttl: int


@dataclass(frozen=True, slots=True)
class Get:
    """Read. Answers the value, or None."""

    key: str


@dataclass(frozen=True, slots=True)
class Add:
    """Store unless the key is there: the first caller wins. Answers True or False."""

    key: str
    value: Value
    ttl: int


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove. Answers whether it was there."""

    key: str


@dataclass(frozen=True, slots=True)
class Take:
    """Consume: read and remove, once, and on success store ``put`` in the same atomic step.

    The value is taken only if its member ``binding`` equals ``binding`` (None: no condition), so
    that whoever does not hold every bound thing cannot use it up. With ``tries``, each mismatch
    counts and the last one removes the value. ``into`` keeps the value itself under another key
    for ``into_ttl`` seconds. ``put`` and ``into`` keys share the taken key's hash tag. Answers
    :class:`Taken`. Where Redis has replicas the answer waits for their acknowledgement.
    """

    key: str
    binding: str | None = None
    tries: int | None = None
    put: tuple[Put, ...] = ()
    into: str = ""
    into_ttl: int = 0


@dataclass(frozen=True, slots=True)
class Hit:
    """Count one event in a window of ``ttl`` seconds that starts with the first.

    Answers the count after this one: compare with the limit.
    """

    key: str
    ttl: int


@dataclass(frozen=True, slots=True)
class Link:
    """Remember ``member`` under ``key`` (a set) for at least ``ttl`` more seconds. True."""

    key: str
    member: str
    ttl: int


@dataclass(frozen=True, slots=True)
class Unlink:
    """Forget ``member`` under ``key``. Answers whether it was there."""

    key: str
    member: str


@dataclass(frozen=True, slots=True)
class Members:
    """The members linked under ``key``. Answers a frozenset of str."""

    key: str


Operation: TypeAlias = Put | Get | Add | Delete | Take | Hit | Link | Unlink | Members


@dataclass(frozen=True, slots=True)
class Taken:
    """The answer to :class:`Take`: a value, or why there is none."""

    value: Value | None = None
    mismatch: bool = False
    tries_left: int | None = field(default=None)
    """After a mismatch under ``tries``: how many are left; 0 means the value is gone."""


class TransientStore(Protocol):
    """Raises :class:`idp.core.errors.Unavailable` when the store cannot answer."""

    def run(self, *operations: Operation) -> tuple[Any, ...]:
        """Carry out ``operations`` in one round trip; their answers in the same order."""
        ...

    def get(self, key: str) -> Value | None: ...

    def put(self, key: str, value: Value, ttl: int) -> None: ...

    def add(self, key: str, value: Value, ttl: int) -> bool: ...

    def take(
        self,
        key: str,
        *,
        binding: str | None = None,
        tries: int | None = None,
        put: tuple[Put, ...] = (),
    ) -> Taken: ...

    def delete(self, key: str) -> bool: ...

    def ping(self) -> None:
        """Return when the store answers."""
        ...

    def close(self) -> None: ...


class Operations(ABC):
    """The one-operation calls, each a :meth:`run` of one: shared by the implementations."""

    @abstractmethod
    def run(self, *operations: Operation) -> tuple[Any, ...]: ...

    def get(self, key: str) -> Value | None:
        value: Value | None = self.run(Get(key))[0]
        return value

    def put(self, key: str, value: Value, ttl: int) -> None:
        self.run(Put(key, value, ttl))

    def add(self, key: str, value: Value, ttl: int) -> bool:
        return bool(self.run(Add(key, value, ttl))[0])

    def take(
        self,
        key: str,
        *,
        binding: str | None = None,
        tries: int | None = None,
        put: tuple[Put, ...] = (),
    ) -> Taken:
        taken: Taken = self.run(Take(key, binding, tries, put))[0]
        return taken

    def delete(self, key: str) -> bool:
        return bool(self.run(Delete(key))[0])
