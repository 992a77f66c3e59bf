"""Who may be inside the application: so many at a time, so many that wait, no more."""

import threading
from collections import deque

from idp.serving.connection import Connection
from idp.serving.limits import Limits


class Admission:
    """Permits for ``limits.threads`` connections; up to ``limits.waiting`` wait, in order."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._inside = 0
        self._queue: deque[Connection] = deque()

    def ask(self, connection: Connection) -> bool | None:
        """Whether it may enter now, with a permit; None: it waits, False: too many wait already."""
        with self._lock:
            if self._inside < self._limits.threads:
                self._inside += 1
                connection.permit = True
                return True
            if len(self._queue) >= self._limits.waiting:
                return False
            connection.waiting = True
            self._queue.append(connection)
            return None

    def pass_on(self) -> Connection | None:
        """Give a permit back: the connection that waited longest has it now, if any waits."""
        with self._lock:
            if self._queue:
                waited = self._queue.popleft()
                waited.permit = True
                return waited
            self._inside -= 1
            return None
