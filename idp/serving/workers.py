"""Worker processes: started, replaced when they end, renewed one by one, stopped in order.

The master holds the listening socket, which every worker inherits, so that connections that wait
to be accepted survive any worker. A worker that ends is replaced: at once, then ever more slowly
while replacements end soon after they began. The others serve on meanwhile.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

POLL_SECONDS = 0.05
SOON = 5.0
"""Seconds: a worker that ends earlier than this counts as one that cannot start."""
LONGEST_PAUSE = 5.0
READY = b"\x01"

_log = structlog.get_logger("idp.serving")


class WorkersFailed(Exception):
    """No worker could be started; ``status`` is the exit status of the last one."""

    def __init__(self, status: int) -> None:
        super().__init__(f"exit status {status}")
        self.status = status


@dataclass
class Worker:
    """One process; ``ready`` is the end of the pipe at which it says that it serves."""

    process: subprocess.Popen[bytes]
    ready: int
    began: float = field(default_factory=time.monotonic)
    serves: bool = False

    def check(self) -> None:
        """Learn whether it serves by now."""
        if not self.serves:
            try:
                self.serves = os.read(self.ready, 1) == READY
            except BlockingIOError:
                return

    def end(self) -> None:
        """Forget it, once it has ended."""
        os.close(self.ready)


class Workers:
    """``count`` processes of ``command``, which is given the number of its pipe as last argument.

    ``stop_seconds``: how long a worker may take to stop before it is killed.
    """

    def __init__(
        self,
        command: Sequence[str],
        count: int,
        *,
        listener: int,
        environment: Mapping[str, str],
        dies_with: Callable[[], None],
        stop_seconds: float,
    ) -> None:
        self._command = tuple(command)
        self._count = count
        self._listener = listener
        self._environment = dict(environment)
        self._dies_with = dies_with
        self._stop_seconds = stop_seconds
        self._workers: list[Worker] = []
        self._leaving: list[tuple[Worker, float]] = []
        self._pause, self._next_start = 0.0, 0.0
        self._stopping = self._renewing = False

    # Set by signal handlers, which do nothing else

    def stop(self) -> None:
        """Stop every worker, then return from :meth:`run`."""
        self._stopping = True

    def renew(self) -> None:
        """Put a new process in the place of each worker."""
        self._renewing = True

    def run(self) -> None:
        """Keep the workers running until :meth:`stop`.

        Raises:
            WorkersFailed: they ended before any of them ever served.
        """
        served, to_renew = False, list[Worker]()
        try:
            while not self._stopping:
                self._replace_ended(served)
                for each in self._workers:
                    each.check()
                served = served or any(each.serves for each in self._workers)
                if self._renewing:
                    self._renewing, to_renew = False, list(self._workers)
                self._renew_next(to_renew)
                self._kill_late()
                time.sleep(POLL_SECONDS)
        finally:
            self._stop_all()

    def _replace_ended(self, served: bool) -> None:
        now = time.monotonic()
        for each in [each for each in self._workers if each.process.poll() is not None]:
            self._workers.remove(each)
            each.end()
            status = each.process.returncode
            if not served and not self._workers:
                raise WorkersFailed(status)
            soon = now - each.began < SOON
            self._pause = min(max(0.1, self._pause * 2), LONGEST_PAUSE) if soon else 0.0
            self._next_start = now + self._pause
            _log.error("a worker ended", status=status, again_in=round(self._pause, 1))
        while len(self._workers) < self._count and now >= self._next_start:
            self._workers.append(self._start())

    def _renew_next(self, old: list[Worker]) -> None:
        """One step of a renewal: start a replacement, and stop the old one once that serves."""
        while old and old[0] not in self._workers:
            old.pop(0)  # it ended by itself, and was replaced
        if not old:
            return
        if len(self._workers) <= self._count:
            self._workers.append(self._start())
        elif self._workers[-1].serves:
            leaving = old.pop(0)
            self._workers.remove(leaving)
            self._let_go(leaving)

    def _start(self) -> Worker:
        read, write = os.pipe()
        os.set_blocking(read, False)
        process = subprocess.Popen(  # noqa: S603 -- our own arguments
            (*self._command, str(write)),
            pass_fds=(self._listener, write),
            env=self._environment,
            preexec_fn=self._dies_with,
        )
        os.close(write)
        return Worker(process, read)

    def _let_go(self, worker: Worker) -> None:
        worker.process.send_signal(signal.SIGTERM)
        self._leaving.append((worker, time.monotonic() + self._stop_seconds))

    def _kill_late(self) -> None:
        now = time.monotonic()
        for worker, until in tuple(self._leaving):
            if worker.process.poll() is None and now < until:
                continue
            worker.process.kill()
            worker.process.wait()
            worker.end()
            self._leaving.remove((worker, until))

    def _stop_all(self) -> None:
        for each in self._workers:
            self._let_go(each)
        self._workers.clear()
        while self._leaving:
            self._kill_late()
            time.sleep(POLL_SECONDS / 5)
