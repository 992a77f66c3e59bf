"""The database: what it promises on SQLite and on PostgreSQL."""

import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import (
    CheckConstraint,
    Column,
    Integer,
    MetaData,
    String,
    Table,
    insert,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError, ProgrammingError

from idp.core.errors import Unavailable
from idp.storage.database import Database, open_database

THINGS = Table(
    "things",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", String, CheckConstraint("name <> 'forbidden'")),
)


@pytest.fixture
def things(database: Database) -> Database:
    with database.begin() as connection:
        THINGS.create(connection)
    return database


def _names(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.scalars(select(THINGS.c.name).order_by(THINGS.c.id)))


def test_what_begin_commits_read_sees(things: Database) -> None:
    assert _names(things) == []
    with things.begin() as connection:
        connection.execute(insert(THINGS), [{"name": "one"}, {"name": "two"}])
    assert _names(things) == ["one", "two"]


def test_begin_rolls_back_when_the_block_raises(things: Database) -> None:
    with pytest.raises(IntegrityError), things.begin() as connection:
        connection.execute(insert(THINGS), [{"name": "one"}, {"name": "forbidden"}])
    assert _names(things) == []


def test_a_thread_holds_one_connection_of_its_own(things: Database) -> None:
    def mine() -> int:
        with things.read() as connection:
            return id(connection)

    found: list[int] = []
    other = threading.Thread(target=lambda: found.append(mine()))
    first = mine()
    other.start()
    other.join(5)
    assert mine() == first
    assert found != [first]


def test_writers_wait_for_each_other(things: Database) -> None:
    start = threading.Barrier(8)
    failures: list[BaseException] = []

    def write() -> None:
        try:
            start.wait(5)
            with things.begin() as connection:
                count = connection.execute(select(THINGS.c.id)).all()
                connection.execute(insert(THINGS).values(name=str(len(count))))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert failures == []
    assert len(_names(things)) == 8


def test_errors_about_the_data_pass_and_hide_it(things: Database) -> None:
    with pytest.raises(IntegrityError) as caught, things.begin() as connection:
        connection.execute(insert(THINGS).values(name="forbidden"))
    assert "[SQL parameters hidden" in str(caught.value)


def test_a_missing_database_is_unavailable(tmp_path: Path) -> None:
    gone = open_database(f"postgresql://idp@/idp?host={tmp_path}")
    with pytest.raises(Unavailable, match="database"):
        gone.ping()
    with pytest.raises(Unavailable, match="database"), gone.begin():
        pass


def test_reads_recover_after_one_refusal(postgres_url: str) -> None:
    database = open_database(postgres_url)
    database.ping()
    with database.begin() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    with pytest.raises(Unavailable):
        database.ping()
    database.ping()
    database.close()


def test_a_slow_statement_is_unavailable(postgres_url: str) -> None:
    database = open_database(postgres_url)
    with database.read() as connection:
        assert connection.execute(text("SHOW statement_timeout")).scalar_one() == "2500ms"
        connection.execute(text("SET statement_timeout = 50"))
    with pytest.raises(Unavailable), database.read() as connection:
        connection.execute(text("SELECT pg_sleep(5)"))
    database.close()


@pytest.mark.attack("U07")
def test_U07_a_read_only_postgresql_is_unavailable(postgres_url: str) -> None:
    database = open_database(postgres_url)
    with database.begin() as connection:
        THINGS.create(connection)
        connection.execute(text("SET default_transaction_read_only = on"))
    with pytest.raises(Unavailable), database.begin() as connection:
        connection.execute(insert(THINGS).values(name="one"))
    assert _names(database) == []
    database.close()


def test_sqlite_is_durable_private_and_checked(tmp_path: Path) -> None:
    path = tmp_path / "idp.db"
    database = open_database(f"sqlite:///{path}")
    with database.begin() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
        THINGS.create(connection)
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 2000,
    }
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()}
    assert modes.pop("idp.db") == 0o600
    assert set(modes.values()) <= {0o600}
    database.close()


def test_a_process_that_opens_sqlite_twice_keeps_its_locks(tmp_path: Path) -> None:
    """SQLite deletes the journal when its last user leaves: another process must see us."""
    url = f"sqlite:///{tmp_path / 'one.db'}"
    first = open_database(url)
    with first.begin() as connection:
        THINGS.create(connection)
    second = open_database(url)
    other = f"import sqlite3; c = sqlite3.connect({str(tmp_path / 'one.db')!r})"
    leaves = f"{other}; c.execute('SELECT * FROM things').fetchall(); c.close()"
    subprocess.run([sys.executable, "-c", leaves], check=True, timeout=30)
    assert (tmp_path / "one.db-wal").exists()
    for each in (first, second):
        with each.begin() as connection:
            connection.execute(insert(THINGS), [{"name": "kept"}])
        each.close()
    assert _names(first) == ["kept", "kept"]
    first.close()


def test_another_kind_of_database_is_refused() -> None:
    with pytest.raises(ValueError, match="postgresql://"):
        open_database("oracle://h/d")


def test_a_statement_that_fails_costs_other_threads_nothing(postgres_url: str) -> None:
    database = open_database(postgres_url)
    kept: list[int] = []
    first, failed, second = (threading.Event() for _ in range(3))

    def other() -> None:
        for ready in (first, second):
            with database.read() as connection:
                kept.append(id(connection))
            ready.set()
            assert failed.wait(5)

    thread = threading.Thread(target=other)
    thread.start()
    assert first.wait(5)
    with pytest.raises(ProgrammingError), database.read() as connection:
        connection.execute(text("SELECT nothing"))
    failed.set()
    thread.join(5)
    database.ping()
    assert kept[0] == kept[1]
    database.close()


def test_sqlite_in_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="file"):
        open_database("sqlite://")
