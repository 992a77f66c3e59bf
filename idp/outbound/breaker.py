"""A circuit breaker: a service that is down is not waited for by everybody in turn."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from idp.core.errors import Unavailable


class Breaker:
    """Opens after ``failures`` in a row; after ``pause`` seconds lets one call try, and so on.

    Only ``Unavailable`` is a failure: an answer that says no is an answer.
    """

    def __init__(
        self,
        dependency: str,
        *,
        failures: int = 5,
        pause: float = 10.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._dependency = dependency
        self._failures = failures
        self._pause = pause
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._failed = 0
        self._retry_at = 0.0

    def check(self) -> None:
        """Return when a call would be let through; it is not counted.

        Raises:
            Unavailable: the breaker is open.
        """
        with self._lock:
            self._require_closed()

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Make a call in this block.

        Raises:
            Unavailable: the breaker is open and the block did not run; or the block raised it.
        """
        with self._lock:
            self._require_closed()
            if self._failed >= self._failures:
                self._wait()  # this call tries for all; the others wait another pause
        try:
            yield
        except Unavailable:
            with self._lock:
                self._failed += 1
                self._wait()
            raise
        with self._lock:
            self._failed = 0

    def _require_closed(self) -> None:
        left = self._retry_at - self._monotonic()
        if self._failed >= self._failures and left > 0:
            raise Unavailable(self._dependency, retry_after=max(1, round(left)))

    def _wait(self) -> None:
        self._retry_at = self._monotonic() + self._pause
