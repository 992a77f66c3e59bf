"""``python -m bench.revocations``: what many live revocations cost a process that serves.

Fills a database of its own, reads it as a worker does when it starts and at each tick, and asks
it. SQLite in a temporary file, or an empty database that is named.
"""

import argparse
import statistics
import sys
import tempfile
import time
import timeit
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import insert

from idp.core.clock import system_clock
from idp.standing.revocations import REVOCATIONS, Revocations
from idp.standing.subjects import Subject
from idp.storage.database import Database, metadata, open_database

BATCH = 10_000
REFRESHES = 20
ROUNDS = 50


def main() -> int:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.revocations", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--database", default="", help="the URL of an empty one; SQLite otherwise")
    asked = parser.parse_args()
    with _database(asked.database) as database:
        print(f"{fill(database, asked.rows):.1f} s to store {asked.rows:,} revocations")
        for line in measure(database, asked.rows):
            print(line)
    return 0


def measure(database: Database, rows: int) -> Iterator[str]:
    """A worker's view of ``rows`` revocations: time and memory, a line each."""
    database.ping()
    before, watch = memory(), Watch()
    revocations = Revocations(database, system_clock, watch)
    yield f"{_seconds(revocations.refresh, 1):.2f} s first load"
    yield f"{_seconds(revocations.refresh) * 1e3:.2f} ms a refresh in the first 20 s"
    for _ in range(2):  # what the first load read is settled then
        watch.ahead += 20
        revocations.refresh()
    yield f"{_seconds(revocations.refresh) * 1e3:.2f} ms a refresh afterwards"
    yield f"{(memory() - before) / 2**20:.0f} MiB more private memory than before"
    revocations = Revocations(database, system_clock)  # with the clock that workers have
    revocations.refresh()
    for revoked in False, True:
        subjects = [_subject(each if revoked else -each) for each in range(1, min(rows, 1000))]

        def check(subjects: list[str] = subjects) -> list[bool]:
            return [revocations.is_revoked(Subject("session", each), 0) for each in subjects]

        if set(check()) != {revoked}:
            raise SystemExit("a wrong answer: what was measured means nothing")
        seconds = min(timeit.repeat(check, number=ROUNDS)) / ROUNDS / len(subjects)
        yield f"{seconds * 1e6:.2f} µs a check, {'' if revoked else 'not '}revoked"


class Watch:
    """A monotonic clock that can be put ahead."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


def memory() -> int:
    """Bytes that only this process holds (Linux: private pages of /proc/self/smaps_rollup)."""
    told = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(each.split()[1]) * 1024 for each in told if each.startswith("Private_"))


def _seconds(act: Callable[[], object], times: int = REFRESHES) -> float:
    """How long ``act`` takes, the middle one of some."""
    return statistics.median(timeit.repeat(act, number=1, repeat=times))


def _subject(number: int) -> str:
    return f"{number:043d}"


def fill(database: Database, rows: int) -> float:
    """Store them as a large deployment has them: two days of ended sessions."""
    began, now = time.monotonic(), system_clock()
    for first in range(0, rows, BATCH):
        batch = [
            {"kind": "session", "subject": _subject(each), "at": now, "expires_at": now + 172_800}
            for each in range(first, min(first + BATCH, rows))
        ]
        with database.begin() as connection:
            connection.execute(insert(REVOCATIONS), batch)
    return time.monotonic() - began


@contextmanager
def _database(url: str) -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as directory:
        database = open_database(url or f"sqlite:///{directory}/idp.db")
        try:
            with database.begin() as connection:
                metadata.create_all(connection, [REVOCATIONS])
            yield database
        finally:
            database.close()


if __name__ == "__main__":
    sys.exit(main())
