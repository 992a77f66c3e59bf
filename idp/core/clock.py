"""The clock: epoch seconds, injected so that lifetimes can be tested."""

import time
from typing import Protocol

NODE_SKEW = 6
"""Seconds by which the clocks of two nodes may differ: each within 3 s of the right time.

It holds for everything that nodes sign or date for each other: a ticket, token or nonce may be
from the future by so much, and what began up to so long after a revocation is ended with it.
"""


class Clock(Protocol):
    """Returns the time now in whole epoch seconds (UTC)."""

    def __call__(self) -> int: ...


def system_clock() -> int:
    """The machine's own clock."""
    return int(time.time())


class FixedClock:
    """A clock that stands where it is put: for tests and for ``--at``."""

    def __init__(self, at: int) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at

    def advance(self, seconds: int) -> None:
        """Move forward (or back, when negative) by ``seconds``."""
        self.at += seconds
