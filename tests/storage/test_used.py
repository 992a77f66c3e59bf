"""Single use in the database: once, on every node, whatever becomes of the transient store."""

import threading
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from idp.core.clock import FixedClock
from idp.core.errors import Unavailable
from idp.storage.database import Database
from idp.storage.used import USES, AlreadyUsed, Use, Uses
from tests.conftest import NOW

USE = Use("assertion", "bank", "1", NOW + 60)


@pytest.fixture
def uses(database: Database, clock: FixedClock) -> Uses:
    return Uses(database, clock)


def test_a_thing_is_used_once_and_another_process_knows(
    uses: Uses, database: Database, clock: FixedClock
) -> None:
    uses.use(USE)
    for each in (uses, Uses(database, clock)):
        with pytest.raises(AlreadyUsed):
            each.use(USE)


@pytest.mark.parametrize("change", [{"kind": "dpop"}, {"owner": "clinic"}, {"id": "2"}])
def test_kind_owner_and_id_each_tell_things_apart(uses: Uses, change: dict[str, str]) -> None:
    uses.use(USE)
    uses.use(replace(USE, **change))


def test_the_parts_of_a_key_cannot_run_into_each_other() -> None:
    assert Use("a", "b", "c\x00d", NOW).key != Use("a", "b\x00c", "d", NOW).key


def test_fifty_at_once_on_two_nodes_use_it_once(
    uses: Uses, database: Database, clock: FixedClock
) -> None:
    nodes, start, outcomes = (uses, Uses(database, clock)), threading.Barrier(50), list[bool]()
    others = [replace(USE, id=str(each)) for each in range(5)]

    def use(number: int) -> None:
        start.wait(30)
        try:
            nodes[number % 2].use(others[number % 5])
            outcomes.append(True)
        except AlreadyUsed:
            outcomes.append(False)

    threads = [threading.Thread(target=use, args=(each,)) for each in range(50)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert sorted(outcomes) == [False] * 45 + [True] * 5


def test_purge_forgets_what_has_expired_and_nothing_else(
    uses: Uses, database: Database, clock: FixedClock
) -> None:
    uses.use(USE)
    uses.use(replace(USE, id="2", expires_at=NOW + 61))
    clock.advance(60)
    assert uses.purge() == 1
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(USES)).scalar_one() == 1


def test_without_the_database_nothing_counts_as_unused(uses: Uses, database: Database) -> None:
    with database.begin() as connection:
        USES.drop(connection)
    with pytest.raises(Exception) as caught:  # noqa: PT011 (each database has its own)
        uses.use(USE)
    assert not isinstance(caught.value, AlreadyUsed)


def test_a_database_that_is_away_is_unavailable(
    sqlite_url: str, clock: FixedClock, tmp_path: object
) -> None:
    from idp.storage.database import open_database

    database = open_database(sqlite_url)
    with database.begin() as holder:  # another writer that does not end
        holder.exec_driver_sql("SELECT 1")
        with pytest.raises(Unavailable):
            Uses(database, clock).use(USE)
    database.close()
