"""Migrations: they make exactly the declared tables, once, whoever runs them together."""

import importlib
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.exc import ProgrammingError

import idp
from idp.core.errors import Unavailable
from idp.storage.database import Database, metadata, open_database
from idp.storage.schema import MIGRATIONS, migrate, status, upgrade


@pytest.fixture
def empty(database_url: str) -> Database:
    return open_database(database_url)


def _declare_every_table() -> None:
    """Import every module that declares one."""
    root = Path(idp.__file__).parent
    for path in sorted(root.rglob("*.py")):
        if "Table(" in path.read_text() and "migrations" not in path.parts:
            name = ".".join(path.relative_to(root.parent).with_suffix("").parts)
            importlib.import_module(name)


def test_an_upgrade_makes_exactly_the_declared_tables(empty: Database) -> None:
    _declare_every_table()
    assert len(metadata.tables) > 3
    upgrade(empty)
    with empty.begin() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
    empty.close()


def test_status_tells_before_and_after(empty: Database) -> None:
    before = status(empty)
    assert before.current is None
    assert not before.upgraded
    assert before.head == ScriptDirectory(str(MIGRATIONS)).get_current_head()
    upgrade(empty)
    assert status(empty).upgraded
    assert status(empty).current == before.head != ""
    upgrade(empty)
    assert status(empty).upgraded
    empty.close()


def test_several_processes_may_upgrade_together(empty: Database) -> None:
    start = threading.Barrier(4)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            start.wait(5)
            upgrade(empty)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert failures == []
    assert status(empty).upgraded
    empty.close()


def test_a_failed_upgrade_leaves_nothing(empty: Database) -> None:
    with empty.begin() as connection:  # in the way of a later table
        connection.execute(text("CREATE TABLE revocations (id INTEGER)"))
    with pytest.raises((Unavailable, ProgrammingError)):
        upgrade(empty)
    assert status(empty).current is None
    with empty.read() as connection:
        assert set(inspect(connection).get_table_names()) == {"revocations"}
    empty.close()


def test_chip_keys_that_stand_on_several_cards_are_removed_and_told(empty: Database) -> None:
    _upgrade_to(empty, "0002")
    person = "'A','','','','1999','male','VNM','','','','','','','','alive'"
    rows = [
        *(("000199000001", each, "aa" * 32) for each in ("2020-01-01", "2022-01-01")),
        ("000199000001", "2023-01-01", None),
        *((f"00019900000{each}", "2020-01-01", "bb" * 32) for each in (2, 3)),
        ("000199000004", "2020-01-01", "cc" * 32),
        ("000199000004", "2021-01-01", None),
    ]
    with empty.begin() as connection:
        for number in sorted({number for number, _, _ in rows}):
            connection.execute(
                text(f"INSERT INTO persons VALUES ('{number}',{person},NULL,NULL,NULL)")
            )
        query = "INSERT INTO cards VALUES (:number, 'x', :issued, NULL, 'valid', NULL, :key)"
        for number, issued, key in rows:
            connection.execute(text(query), {"number": number, "issued": issued, "key": key})
    notes = upgrade(empty)
    assert [each.partition(":")[0] for each in notes] == [
        "card issued on 2020-01-01, number ********0001",
        "card issued on 2020-01-01, number ********0002",
        "card issued on 2020-01-01, number ********0003",
    ]
    with empty.read() as connection:
        kept = connection.execute(text("SELECT * FROM cards WHERE aa_key_digest IS NOT NULL")).all()
        assert [(row.number, row.issued_on) for row in sorted(kept)] == [
            ("000199000001", "2022-01-01"),
            ("000199000004", "2020-01-01"),
        ]
        assert connection.scalar(text("SELECT count(*) FROM cards")) == len(rows)
    assert upgrade(empty) == ()
    empty.close()


def _upgrade_to(database: Database, revision: str) -> None:
    """Bring the schema to that of an earlier release."""
    with database.begin() as connection:
        migrate(connection, revision)
