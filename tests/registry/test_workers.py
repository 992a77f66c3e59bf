"""Workers beside an import: the same records whoever reads the lines, and whoever dies."""

import io
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select as choose

from idp.registry import importer, workers
from idp.registry.importer import import_persons
from idp.registry.lines import Chunk, chunks, parse
from idp.registry.repository import Registry, cards, person_identifiers, persons
from idp.registry.workers import Worker, parsed
from idp.storage.database import Database, open_database


class Punctual(Worker):
    """A worker that is waited for, so that a short file meets it too."""

    made: list["Punctual"]

    def __init__(self) -> None:
        super().__init__()
        self.made.append(self)

    def is_ready(self) -> bool:
        assert select.select([self.answers], [], [], 30)[0]
        return super().is_ready()


@pytest.fixture
def crew(monkeypatch: pytest.MonkeyPatch) -> list[Punctual]:
    """From the second chunk of a hundred lines on, two workers; those that were started."""
    monkeypatch.setattr(Punctual, "made", [], raising=False)
    monkeypatch.setattr(workers, "Worker", Punctual)
    monkeypatch.setattr(workers, "FROM", 100)
    monkeypatch.setattr(importer, "BATCH", 100)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
    return Punctual.made


def line(index: int) -> bytes:
    match index % 10:
        case 3:
            return b"{\n"
        case 4:
            return b"\n"
        case 5:
            return b"x" * 70_000 + b"\n"
    number = f"0001990{index % 250:05}"  # some come again, in one chunk and in another
    found = {
        "number": number,
        "name": f"Trần Thị {'ABCDEFGH'[index % 8]}",
        "birth_date": "1999-05-17",
        "sex": "female",
        "former_numbers": [f"{index:09}"],
        "cards": [{"document_number": number[-9:], "issued_on": "2022-08-15"}],
    }
    if index % 7 == 0:
        del found["cards"]
    return json.dumps(found).encode() + b"\n"


FILE = b"".join(map(line, range(1_250)))


def content(database: Database) -> list[list[tuple[object, ...]]]:
    with database.read() as connection:
        return [
            sorted(map(tuple, connection.execute(choose(table))), key=str)
            for table in (persons, person_identifiers, cards)
        ]


def alone(tmp_path: Path) -> tuple[object, list[list[tuple[object, ...]]]]:
    """What the file comes to without workers."""
    found = open_database(f"sqlite:///{tmp_path}/alone.db")
    with found.begin() as connection:
        for table in (persons, person_identifiers, cards):
            table.create(connection)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "sched_getaffinity", lambda _: {0})
        report = import_persons(Registry(found, lambda: 1_790_000_000), io.BytesIO(FILE))
    try:
        return report, content(found)
    finally:
        found.close()


def gone(pid: int) -> bool:
    """Whether a process has ended, within five seconds."""
    for _ in range(500):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


def test_workers_leave_what_one_process_leaves(crew, database, clock, tmp_path):
    told: list[int] = []
    report = import_persons(Registry(database, clock), io.BytesIO(FILE), progress=told.append)
    assert len(crew) == 2
    assert told == sorted(told)
    assert (len(told), told[-1]) == (13, len(FILE))
    assert (report, content(database)) == alone(tmp_path)
    assert [each.line for each in report.problems[:3]] == [4, 6, 14]
    assert all(gone(each.pid) for each in crew)


def test_a_dry_run_with_workers_writes_nothing(crew, database, clock):
    report = import_persons(Registry(database, clock), io.BytesIO(FILE), dry_run=True)
    assert len(crew) == 2
    assert report.refused == 250
    assert content(database) == [[], [], []]


def test_workers_that_are_killed_cost_no_line(crew, database, clock, tmp_path):
    def kill(read: int) -> None:
        if crew and read > len(FILE) // 3:
            os.kill(crew[0].pid, signal.SIGKILL)
        if crew and read > len(FILE) // 2:
            os.kill(crew[1].pid, signal.SIGKILL)

    report = import_persons(Registry(database, clock), io.BytesIO(FILE), progress=kill)
    assert (report, content(database)) == alone(tmp_path)


def test_an_interrupted_import_has_written_whole_chunks_and_leaves_no_process(
    crew, database, clock, tmp_path
):
    def interrupt(read: int) -> None:
        if read > len(FILE) // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_persons(Registry(database, clock), io.BytesIO(FILE), progress=interrupt)
    assert len(crew) == 2
    assert all(gone(each.pid) for each in crew)
    half = content(database)
    assert len(half[0]) > 0
    import_persons(Registry(database, clock), io.BytesIO(FILE))
    assert content(database) == alone(tmp_path)[1]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_the_order_is_the_files(crew, count):
    said = list(parsed(chunks(io.BytesIO(FILE), 100), count))
    assert len(crew) == count
    assert [chunk.first for chunk, _ in said] == list(range(1, 1_251, 100))
    assert all(found == parse(chunk) for chunk, found in said)


def test_a_worker_that_answers_nonsense_is_not_believed(crew):
    worker = Punctual()
    assert worker.is_ready()
    chunk = Chunk(1, [line(1)], 10)
    list(worker.exchange(chunk))
    os.kill(worker.pid, signal.SIGKILL)
    ours, theirs = os.pipe()
    os.write(theirs, b"\x80\x04K\x01.")  # a pickled 1
    os.close(theirs)
    worker.answers.close()
    worker.answers = os.fdopen(ours, "rb")
    assert list(worker.exchange(None)) == [(chunk, parse(chunk))]
    worker.close()


CHILD = """
import io, sys, time
from idp.registry import workers
from idp.registry.lines import Chunk

workers.FROM = 0
crew = []

class Told(workers.Worker):
    def __init__(self):
        super().__init__()
        print(self.pid, flush=True)

workers.Worker = Told
endless = (Chunk(each, [b"{}"], each) for each in iter(lambda: time.sleep(0.01) or 1, None))
for _ in workers.parsed(endless, 2):
    pass
"""


@pytest.fixture
def importing() -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    with child.stdout:
        yield child
    child.wait(20)


def test_no_worker_outlives_an_import_that_is_killed(importing):
    pids = [int(importing.stdout.readline()) for _ in range(2)]
    importing.send_signal(signal.SIGKILL)
    assert all(gone(pid) for pid in pids)
