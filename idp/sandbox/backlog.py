"""What waits to be recorded, fairly: a busy sender displaces only its own items."""

import threading
from collections import deque
from typing import Generic, TypeVar

from idp.sandbox.exchange import MOST

T = TypeVar("T")


class Backlog(Generic[T]):
    """Items by owner: the newest 50 of each, ``most`` in all.

    Beyond that, the owner with the most items loses the oldest.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._added = 0
        self._start()

    def _start(self) -> None:
        self._count = 0
        self._queues: dict[str, deque[tuple[int, T]]] = {}
        # Owners by how many of theirs wait, so that the owner with the most is found at once.
        self._owners: list[dict[str, None]] = [{} for _ in range(MOST + 1)]
        self._longest = 0

    def add(self, owner: str, item: T) -> None:
        """Let an item wait."""
        with self._lock:
            queue = self._queues.setdefault(owner, deque(maxlen=MOST))
            before = len(queue)
            queue.append((self._added, item))
            self._added += 1
            if before == MOST:
                return  # it took the place of their oldest
            self._count += 1
            self._move(owner, before, before + 1)
            if self._count > self._most:
                self._forget_one()

    def take(self) -> list[T]:
        """All that waits, in the order in which it came; from now on nothing waits."""
        with self._lock:
            queues = self._queues
            self._start()
        waiting = (each for queue in queues.values() for each in queue)
        return [item for _, item in sorted(waiting, key=lambda each: each[0])]

    def _forget_one(self) -> None:
        owner = next(iter(self._owners[self._longest]))
        self._queues[owner].popleft()
        self._count -= 1
        self._move(owner, self._longest, self._longest - 1)
        if not self._queues[owner]:
            del self._queues[owner]

    def _move(self, owner: str, before: int, now: int) -> None:
        """The number of those that wait of an owner changed by one."""
        self._owners[before].pop(owner, None)
        if now:
            self._owners[now][owner] = None
        if now > self._longest or not self._owners[self._longest]:
            self._longest = now
