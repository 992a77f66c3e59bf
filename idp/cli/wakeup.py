"""An event that a signal handler may set at any moment.

A :class:`threading.Event` has a lock that its own thread may hold just then: a handler that sets it
waits for ever. A pipe has none.
"""

import os
import select
from contextlib import suppress


class Wakeup:
    """What :class:`threading.Event` is to one thread that waits; set from anywhere."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        for each in (self._read, self._write):
            os.set_blocking(each, False)

    def set(self) -> None:
        """Wake who waits, now or when they come to wait."""
        with suppress(BlockingIOError):  # full of wishes to wake already
            os.write(self._write, b"\x00")

    def clear(self) -> None:
        """Forget what was set."""
        with suppress(BlockingIOError):
            while os.read(self._read, 4096):
                pass

    def wait(self, timeout: float | None = None) -> bool:
        """Whether it is set, at the latest after ``timeout`` seconds."""
        ready, _, _ = select.select([self._read], [], [], timeout)
        return bool(ready)
