"""One value that one thread keeps fresh while every other thread reads it.

It does not own the thread: :class:`idp.storage.processes.Refresher` calls :meth:`Fresh.refresh` of
every view of a process at every tick.
"""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from idp.core.errors import Unavailable

TRUSTED = 10.0
"""Seconds after which no process serves from a view that it could not refresh."""
PAUSE = 1.0

T = TypeVar("T")


class Fresh(Generic[T]):
    """A copy of what a store or a folder says, trusted for ``trusted`` seconds.

    ``load`` makes the next value from the last one and raises Unavailable when it cannot. Only one
    thread is in it at a time.
    """

    def __init__(
        self,
        load: Callable[[T], T],
        first: T,
        *,
        known: bool = False,
        trusted: float = TRUSTED,
        pause: float = PAUSE,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``first``: what the first load makes its value from; ``known``: it was read just now.

        ``pause``: seconds after a load that failed in which readers do not try again.
        """
        self._loader = load
        self._trusted = trusted
        self._pause = pause
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._begun = self._done = 0
        self._failed: str | None = None
        self._pause_until = float("-inf")
        self.value = first
        """The newest value, however old. Readers that look at it themselves see to its age."""
        self.trusted_until = monotonic() + trusted if known else float("-inf")
        """The time, as ``monotonic`` tells it, from which ``value`` is too old."""

    def get(self) -> T:
        """The value. While it is not too old, nobody waits.

        Who finds it too old waits for the load that is under way, or loads it.

        Raises:
            Unavailable: it is too old, and cannot be loaded.
        """
        if self._monotonic() < self.trusted_until:
            return self.value
        return self._newer_than(self._done, patient=False)

    def refresh(self) -> T:
        """The value of a load that began after this call; those who call together share one.

        Raises:
            Unavailable: it cannot be loaded. The last value is kept for as long as it is trusted.
        """
        return self._newer_than(self._begun, patient=True)

    def _newer_than(self, load: int, *, patient: bool) -> T:
        """The value of a load with a higher number than ``load``."""
        with self._lock:  # held for a whole load: here all that begun are done
            if self._done <= load and (patient or self._monotonic() >= self._pause_until):
                self._load()
            if self._failed is not None:
                raise Unavailable(self._failed)
            return self.value

    def _load(self) -> None:
        asked = self._monotonic()
        self._begun += 1
        self._failed = "views"  # what the others learn when the load ends by an error of its own
        try:
            self.value = self._loader(self.value)
        except Unavailable as error:
            self._failed = error.dependency
            self._pause_until = self._monotonic() + self._pause
            raise
        else:
            self._failed, self._pause_until = None, float("-inf")
            self.trusted_until = asked + self._trusted
        finally:
            self._done += 1
