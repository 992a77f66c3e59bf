"""Processes beside an import that read its lines, while it writes what they read before.

Each has one chunk at a time, by its standard input and output. One that dies costs time and nothing
else: its chunk is read here. It ends with its input, so with the import, however that ends.
"""

import gc
import os
import pickle
import select
import subprocess
import sys
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, TypeAlias, cast

from idp.registry.lines import Chunk, Parsed, parse

FROM = 4_000
"""Lines from which it pays to start them."""
MOST = 2
_READY = b"\n"

Said: TypeAlias = tuple[Chunk, Parsed]


def parsed(chunks: Iterable[Chunk], count: int | None = None) -> Generator[Said]:
    """Each chunk and what it says, in order; ``count`` workers, or as many as there is room for."""
    if count is None:
        count = min(MOST, len(os.sched_getaffinity(0)) - 1)
    crew: deque[Worker] = deque()  # whose turn it is, first
    with _started(count) as starting:
        for chunk in chunks:
            crew.extendleft(starting(chunk))
            if crew:
                worker = crew.popleft()
                crew.append(worker)
                yield from worker.exchange(chunk)
            else:
                yield chunk, parse(chunk)
        for worker in crew:
            yield from worker.exchange(None)


class Worker:
    """A process that reads chunks; ``pid`` names it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - ourselves
            (sys.executable, "-m", __name__),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is the import's own affair
        )
        self._to = cast(IO[bytes], self._process.stdin)
        self.answers = cast(IO[bytes], self._process.stdout)
        self._chunk: Chunk | None = None

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def is_ready(self) -> bool:
        """Whether it has begun to work; asked once it is so, it is not asked again."""
        readable, _, _ = select.select([self.answers], [], [], 0)
        return bool(readable) and self.answers.read(1) == _READY

    def exchange(self, chunk: Chunk | None) -> Iterator[Said]:
        """Give it ``chunk``; what it was given before comes back."""
        before = self._chunk
        said = self._answer(before) if before else None
        self._chunk = chunk
        if chunk:
            self._ask(chunk)
        if before and said:
            yield before, said

    def _ask(self, chunk: Chunk) -> None:
        with suppress(OSError):  # the answer will be missing
            pickle.dump(chunk, self._to, pickle.HIGHEST_PROTOCOL)
            self._to.flush()

    def _answer(self, chunk: Chunk) -> Parsed:
        try:
            said = pickle.load(self.answers)  # noqa: S301 - from our own child
        except (OSError, EOFError, pickle.UnpicklingError):
            said = None
        return said if isinstance(said, Parsed) else parse(chunk)

    def close(self) -> None:
        """End it: it holds nothing that anybody waits for."""
        self._process.kill()
        self._process.wait()
        self.answers.close()
        with suppress(OSError):  # what it never read
            self._to.close()


@contextmanager
def _started(count: int) -> "Iterator[_Start]":
    start = _Start(count)
    try:
        yield start
    finally:
        for each in start.all:
            each.close()


class _Start:
    """Starts the workers when a file turns out to be long, and tells who is ready since."""

    def __init__(self, count: int) -> None:
        self.all: list[Worker] = []
        self._count = count
        self._waiting: list[Worker] = []

    def __call__(self, chunk: Chunk) -> list[Worker]:
        if chunk.first > FROM and not self.all:
            self.all = [Worker() for _ in range(self._count)]
            self._waiting = list(self.all)
        ready = [each for each in self._waiting if each.is_ready()]
        self._waiting = [each for each in self._waiting if each not in ready]
        return ready


def main() -> None:
    """Be a worker: read chunks from standard input, answer on standard output."""
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)
    source, target = sys.stdin.buffer, sys.stdout.buffer
    with suppress(EOFError, OSError):  # the import has ended
        target.write(_READY)
        target.flush()
        while True:
            chunk: Chunk = pickle.load(source)  # noqa: S301 - from our own parent
            pickle.dump(parse(chunk), target, pickle.HIGHEST_PROTOCOL)
            target.flush()


if __name__ == "__main__":
    main()
