"""Imports: streamed, repeatable, a bad line stops nothing, nothing is half-written."""

import gc
import io
import json
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.exc import ProgrammingError

from idp.core.clock import FixedClock
from idp.core.errors import Unavailable
from idp.core.personal_number import PersonalNumber
from idp.registry import importer
from idp.registry.importer import import_persons
from idp.registry.lines import MAX_LINE, Problem
from idp.registry.repository import Registry, cards, person_identifiers, persons
from idp.registry.sql import SqlRegistry
from idp.storage.database import Database, metadata, open_database


def person(index: int, **more: object) -> dict[str, object]:
    return {
        "number": f"000199{index:06}",
        "name": "Trần Thị Mai",
        "birth_date": "1999-05-17",
        "sex": "female",
        "former_numbers": [f"{index:09}"],
        "cards": [{"document_number": f"199{index:06}", "issued_on": "2022-08-15"}],
    } | more


def lines(*values: object) -> bytes:
    return b"".join(
        (each if isinstance(each, bytes) else json.dumps(each).encode()) + b"\n" for each in values
    )


def counts(database: Database) -> list[int]:
    with database.read() as connection:
        return [
            connection.scalar(select(func.count()).select_from(table)) or 0
            for table in (persons, person_identifiers, cards)
        ]


def content(database: Database) -> list[object]:
    with database.read() as connection:
        return [
            sorted(map(tuple, connection.execute(select(table))), key=str)
            for table in (persons, person_identifiers, cards)
        ]


@pytest.fixture
def registry(database: Database, clock: FixedClock) -> Registry:
    return Registry(database, clock)


def test_a_bad_line_is_reported_and_does_not_stop_the_rest(registry, database):
    file = lines(
        person(1),
        b"{",
        person(2, sex="?"),
        b"",
        b"[]",
        b"\xff\xfe",
        b"x" * (MAX_LINE * 3),
        person(3),
    )
    report = import_persons(registry, io.BytesIO(file))
    assert (report.lines, report.persons, report.refused) == (8, 2, 5)
    assert report.problems == (
        Problem(2, "not JSON in UTF-8"),
        Problem(3, "sex: not one of male, female, other"),
        Problem(5, "not a JSON object"),
        Problem(6, "not JSON in UTF-8: it looks like UTF-16; convert the file"),
        Problem(7, f"longer than {MAX_LINE} bytes; each line ends with LF"),
    )
    assert counts(database) == [2, 2, 2]


def test_the_same_file_twice_leaves_the_same_records(registry, database):
    file = lines(*(person(each) for each in range(50)))
    import_persons(registry, io.BytesIO(file))
    first = content(database)
    import_persons(registry, io.BytesIO(file))
    assert content(database) == first
    assert counts(database) == [50, 50, 50]


def test_a_dry_run_finds_the_same_and_writes_nothing(registry, database):
    file = lines(person(1), person(2), b"{")
    dry = import_persons(registry, io.BytesIO(file), dry_run=True)
    assert counts(database) == [0, 0, 0]
    wet = import_persons(registry, io.BytesIO(file))
    assert (dry.persons, dry.problems) == (wet.persons, wet.problems)
    assert (dry.dry_run, wet.dry_run) == (True, False)


def test_of_two_lines_about_one_person_the_later_counts(registry, database, monkeypatch):
    file = lines(
        person(1, name="Trần Thị Một"),
        person(2),
        person(1, name="Trần Thị Hai", former_numbers=["000000009"], cards=None),
    )
    number = PersonalNumber("000199000001")
    for batch in (importer.BATCH, 1):
        monkeypatch.setattr(importer, "BATCH", batch)
        import_persons(registry, io.BytesIO(file))
        found = SqlRegistry(database).person(number)
        assert found.name.full == "Trần Thị Hai"
        assert [str(each) for each in found.former_numbers] == ["000000009"]
        assert len(SqlRegistry(database).cards(number)) == 1  # a line without cards left them


def test_what_a_later_line_leaves_out_is_gone(registry, database):
    import_persons(registry, io.BytesIO(lines(person(1, phone="0912345678"))))
    import_persons(registry, io.BytesIO(lines(person(1, former_numbers=[], cards=[]))))
    found = SqlRegistry(database).person(PersonalNumber("000199000001"))
    assert found.phone is None
    assert counts(database) == [1, 0, 0]


def test_a_mark_at_the_beginning_and_no_end_of_line_at_the_end_are_fine(registry, database):
    file = b"\xef\xbb\xbf" + lines(person(1), person(2)).rstrip(b"\n")
    assert import_persons(registry, io.BytesIO(file)).persons == 2


def test_progress_ends_at_the_size_of_the_file(registry, monkeypatch):
    monkeypatch.setattr(importer, "BATCH", 10)
    file, told = lines(*(person(each) for each in range(35))), []
    import_persons(registry, io.BytesIO(file), progress=told.append)
    assert told == sorted(told)
    assert len(told) == 4
    assert told[-1] == len(file)


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    path = tmp_path_factory.mktemp("db")
    return Registry(open_database(f"sqlite:///{path}/idp.db"), lambda: 1_790_000_000)


@given(found=st.lists(st.binary(max_size=60), max_size=20))
def test_no_bytes_stop_an_import(empty, found):
    report = import_persons(empty, io.BytesIO(b"\n".join(found)), dry_run=True)
    assert report.refused + report.persons <= report.lines


def test_a_person_is_never_half_written(registry, database, monkeypatch):
    """The last table fails: of this batch nothing stays, of the one before everything."""
    monkeypatch.setattr(importer, "BATCH", 10)
    import_persons(registry, io.BytesIO(lines(*(person(each) for each in range(10)))))
    with database.begin() as connection:
        connection.execute(text("DROP TABLE cards"))
        connection.execute(text("CREATE TABLE cards (number VARCHAR(12))"))
    # SQLite calls a wrong column a failure of the database, PostgreSQL one of the program.
    with pytest.raises((Unavailable, ProgrammingError)):
        import_persons(registry, io.BytesIO(lines(*(person(each) for each in range(100, 110)))))
    assert counts(database)[:2] == [10, 10]


CHILD = """
import sys
from idp.registry import importer
from idp.registry.repository import Registry
from idp.storage.database import open_database

importer.BATCH = 100
registry = Registry(open_database(sys.argv[1]), lambda: 1_790_000_000)
importer.import_persons(registry, sys.stdin.buffer, progress=lambda read: print(read, flush=True))
"""


def test_an_import_killed_in_the_middle_has_written_whole_batches_and_is_run_again(
    database, database_url
):
    file = lines(*(person(each) for each in range(1_000)))
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, database_url],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    with child.stdin, child.stdout:
        half = file[: len(file) * 3 // 4]
        child.stdin.write(half)
        child.stdin.flush()
        assert [child.stdout.readline() for _ in range(5)][-1]
        child.send_signal(signal.SIGKILL)
        assert child.wait(20) == -signal.SIGKILL
    written = counts(database)
    assert written[0] == written[1] == written[2]
    assert written[0] % 100 == 0
    assert 500 <= written[0] < 1_000
    import_persons(Registry(database, lambda: 1_790_000_000), io.BytesIO(file))
    assert counts(database) == [1_000, 1_000, 1_000]


def test_memory_does_not_grow_with_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(importer, "BATCH", 200)
    database = open_database(f"sqlite:///{tmp_path}/idp.db")
    with database.begin() as connection:
        metadata.create_all(connection)
    registry = Registry(database, lambda: 1_790_000_000)

    def peak(count: int) -> int:
        batch = lines(*(person(each) for each in range(200)))
        file = Repeated(batch, count // 200)
        tracemalloc.start()
        # What waits for the collector is no growth.
        collected = {"progress": lambda _: gc.collect(), "dry_run": True}
        import_persons(registry, io.BufferedReader(file), **collected)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(200)
    assert peak(6_000) < peak(600) + 300_000


class Repeated(io.RawIOBase):
    """``count`` times the same bytes, never all at once."""

    def __init__(self, line: bytes, count: int) -> None:
        self._line, self._left, self._at = line, count, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        if not self._left:
            return 0
        taken = self._line[self._at : self._at + len(buffer)]
        buffer[: len(taken)] = taken
        self._at += len(taken)
        if self._at == len(self._line):
            self._at, self._left = 0, self._left - 1
        return len(taken)
