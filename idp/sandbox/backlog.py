"""What waits to be recorded, fairly: who sends much pushes out only what they sent themselves."""

import threading
from collections import deque
from typing import Generic, TypeVar

from idp.sandbox.exchange import MOST

T = TypeVar("T")


class Backlog(Generic[T]):
    """Items by owner: the newest 50 of each, ``most`` in all.

    Where there are more, the oldest of whoever has the most is forgotten.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._queues: dict[str, deque[tuple[int, T]]] = {}
        self._count = 0
        self._added = 0

    def add(self, owner: str, item: T) -> None:
        """Let an item wait."""
        with self._lock:
            queue = self._queues.setdefault(owner, deque())
            queue.append((self._added, item))
            self._added += 1
            self._count += 1
            if len(queue) > MOST:
                queue.popleft()
                self._count -= 1
            elif self._count > self._most:
                self._forget_one()

    def take(self) -> list[T]:
        """All that waits, in the order in which it came; from now on nothing waits."""
        with self._lock:
            queues, self._queues, self._count = self._queues, {}, 0
        waiting = (each for queue in queues.values() for each in queue)
        return [item for _, item in sorted(waiting, key=lambda each: each[0])]

    def _forget_one(self) -> None:
        owner = max(self._queues, key=lambda each: len(self._queues[each]))
        self._queues[owner].popleft()
        self._count -= 1
        if not self._queues[owner]:
            del self._queues[owner]
