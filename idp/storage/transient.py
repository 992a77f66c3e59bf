"""The transient store: short-lived facts behind four atomic operations and a counter.

:meth:`TransientStore.run` carries out several operations in **one round trip**, in order, each
atomic by itself (all that share a hash tag ``{flow}`` live in one Redis Cluster slot). An operation
is the handle of its own answer: keep it, run it, read its ``value``. Values are JSON objects; every
key has a lifetime. The shipped implementations are ``storage.memory`` and ``storage.redis``; one
contract suite holds them to the same answers.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from idp.core.records import Record

T = TypeVar("T")
Value: TypeAlias = Mapping[str, Any]
Content: TypeAlias = Value | Record
"""What can be stored: a JSON object, or a record, which becomes one."""


@dataclass(slots=True, eq=False)
class TypedOperation(Generic[T]):
    """One atomic operation on one key. After the run that carried it out, ``value`` is its answer.

    ``kind`` is the :class:`Record` that a stored object is read as; without it the answer is the
    object itself.
    """

    key: str
    value: T = field(init=False, repr=False)


Operation: TypeAlias = TypedOperation[Any]


@dataclass(slots=True, eq=False)
class Put(TypedOperation[bool]):
    """Store ``content`` for ``ttl`` seconds, whatever was there. Answers True."""

    content: Content = field(repr=False)
    ttl: int


@dataclass(slots=True, eq=False)
class Get(TypedOperation[T | None]):
    """Read. Answers the value; None when there is none, or none that can be read as ``kind``."""

    kind: type[T] | None = None


@dataclass(slots=True, eq=False)
class Add(TypedOperation[bool]):
    """Store unless the key is there: the first caller wins. Answers True or False."""

    content: Content = field(repr=False)
    ttl: int


@dataclass(slots=True, eq=False)
class Delete(TypedOperation[bool]):
    """Remove. Answers whether it was there."""


@dataclass(frozen=True, slots=True)
class Taken(Generic[T]):
    """The answer to :class:`Take`: a value, or why there is none."""

    value: T | None = None
    mismatch: bool = False
    tries_left: int | None = field(default=None)
    """After a mismatch under ``tries``: how many are left; 0 means the value is gone."""


@dataclass(slots=True, eq=False)
class Take(TypedOperation[Taken[T]]):
    """Consume: read and remove, once, and on success store ``put`` in the same atomic step.

    The value is taken only if its member ``binding`` equals ``binding`` (None: no condition), so
    that whoever does not hold every bound thing cannot use it up. With ``tries``, each mismatch
    counts and the last one removes the value. ``into`` keeps the value itself under another key
    for ``into_ttl`` seconds. ``put`` and ``into`` keys share the taken key's hash tag. Answers
    :class:`Taken`. Where Redis has replicas the answer waits for their acknowledgement.
    """

    binding: str | None = None
    tries: int | None = None
    put: tuple[Put, ...] = ()
    into: str = ""
    into_ttl: int = 0
    kind: type[T] | None = None


@dataclass(slots=True, eq=False)
class Hit(TypedOperation[int]):
    """Count one event in a window of ``ttl`` seconds that starts with the first.

    Answers the count after this one: compare with the limit.
    """

    ttl: int


@dataclass(slots=True, eq=False)
class Link(TypedOperation[bool]):
    """Remember ``member`` under ``key`` (a set) for at least ``ttl`` more seconds. True."""

    member: str
    ttl: int


@dataclass(slots=True, eq=False)
class Unlink(TypedOperation[bool]):
    """Forget ``member`` under ``key``. Answers whether it was there."""

    member: str


@dataclass(slots=True, eq=False)
class Members(TypedOperation[frozenset[str]]):
    """The members linked under ``key``. Answers a frozenset of str."""


class TransientStore(Protocol):
    """Raises :class:`idp.core.errors.Unavailable` when the store cannot answer."""

    def run(self, *operations: Operation) -> tuple[Any, ...]:
        """Carry out ``operations`` in one round trip; their answers in the same order.

        Each answer is the ``value`` of its operation as well.
        """
        ...

    def get(self, key: str) -> Value | None: ...

    def put(self, key: str, content: Content, ttl: int) -> None: ...

    def add(self, key: str, content: Content, ttl: int) -> bool: ...

    def take(
        self,
        key: str,
        *,
        binding: str | None = None,
        tries: int | None = None,
        put: tuple[Put, ...] = (),
    ) -> Taken[Any]: ...

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

    def put(self, key: str, content: Content, ttl: int) -> None:
        self.run(Put(key, content, ttl))

    def add(self, key: str, content: Content, ttl: int) -> bool:
        return bool(self.run(Add(key, content, ttl))[0])

    def take(
        self,
        key: str,
        *,
        binding: str | None = None,
        tries: int | None = None,
        put: tuple[Put, ...] = (),
    ) -> Taken[Any]:
        taken: Taken[Any] = self.run(Take(key, binding, tries, put))[0]
        return taken

    def delete(self, key: str) -> bool:
        return bool(self.run(Delete(key))[0])
