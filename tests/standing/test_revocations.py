"""Revocations: durable, seen by every process, closed when nothing is known."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import insert, make_url, select

from idp.core.clock import NODE_SKEW, FixedClock
from idp.core.errors import Unavailable
from idp.standing.revocations import PAGE, REVOCATIONS, Revocations
from idp.standing.subjects import Subject
from idp.storage.database import Database, metadata, open_database
from idp.storage.memory import MemoryStore
from idp.storage.processes import TICK, Refresher
from idp.storage.statements import Statement
from tests.stopwatch import Stopwatch

NOW = 1_800_000_000
LATER = NOW + 3_600


@pytest.fixture
def watch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def here(database: Database, clock: FixedClock, watch: Stopwatch) -> Revocations:
    return Revocations(database, clock, watch)


@pytest.fixture
def elsewhere(database: Database, clock: FixedClock, watch: Stopwatch) -> Revocations:
    return Revocations(database, clock, watch)


def test_what_was_given_before_is_revoked_and_after_is_not(here: Revocations) -> None:
    assert not here.is_revoked(Subject("account", "a"), NOW)
    here.revoke(Subject("account", "a"), expires_at=LATER)
    assert here.is_revoked(Subject("account", "a"), NOW - 100)
    assert here.is_revoked(Subject("account", "a"), NOW)
    assert not here.is_revoked(Subject("account", "a"), NOW + NODE_SKEW + 1)


def test_a_node_whose_clock_is_ahead_gave_nothing_that_outlives_its_revocation(
    here: Revocations,
) -> None:
    here.revoke(Subject("account", "a"), expires_at=LATER)
    assert here.is_revoked(Subject("account", "a"), NOW + NODE_SKEW)


def test_what_is_given_after_a_revocation_is_dated_after_it(here: Revocations) -> None:
    assert here.after(Subject("grant", "a"), NOW) == NOW
    here.revoke(Subject("grant", "a"), expires_at=LATER)
    for now in (NOW - NODE_SKEW, NOW, NOW + 1, NOW + 100):
        dated = here.after(Subject("grant", "a"), now)
        assert dated >= now
        assert not here.is_revoked(Subject("grant", "a"), dated)


def test_kinds_and_subjects_are_apart(here: Revocations) -> None:
    here.revoke(Subject("session", "a"), expires_at=LATER)
    assert not here.is_revoked(Subject("account", "a"), NOW)
    assert not here.is_revoked(Subject("session", "A"), NOW)
    assert not here.is_revoked(Subject("session", ""), NOW)


def test_an_earlier_revocation_does_not_undo_a_later_one(here: Revocations) -> None:
    here.revoke(Subject("grant", "g"), expires_at=LATER, at=NOW)
    here.revoke(Subject("grant", "g"), expires_at=NOW + 10, at=NOW - 50)
    assert here.is_revoked(Subject("grant", "g"), NOW)


@pytest.mark.attack("U03")
def test_U03_another_process_knows_within_a_second(
    here: Revocations, database: Database, clock: FixedClock, transient: MemoryStore
) -> None:
    elsewhere = Revocations(database, clock)
    process = Refresher(transient, (elsewhere.refresh,))
    process.start()
    try:
        assert not elsewhere.is_revoked(Subject("session", "s"), NOW)
        here.revoke(Subject("session", "s"), expires_at=LATER)
        time.sleep(2 * TICK)  # the second
        late = time.monotonic() + 1  # of a machine that does much else
        while not elsewhere.is_revoked(Subject("session", "s"), NOW) and time.monotonic() < late:
            time.sleep(0.01)
        assert elsewhere.is_revoked(Subject("session", "s"), NOW)
    finally:
        process.close()


def test_readers_do_not_wait_for_a_database_that_is_slow(
    here: Revocations, database: Database, clock: FixedClock
) -> None:
    here.refresh()
    barrier, seconds = threading.Barrier(5), list[float]()

    def read() -> None:
        barrier.wait()
        began = time.monotonic()
        assert not here.is_revoked(Subject("session", "s"), NOW)
        seconds.append(time.monotonic() - began)

    def refresh() -> None:
        with slow(database, 1.0):
            barrier.wait()
            here.refresh()

    threads = [threading.Thread(target=each) for each in (refresh, read, read, read, read)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(seconds) == 4
    assert max(seconds) < 0.5


@contextmanager
def slow(database: Database, seconds: float) -> Iterator[None]:
    """Every statement of the views takes so long meanwhile."""
    rows = database.rows

    def slowly(statement: Statement, **values: Any) -> list[Any]:
        time.sleep(seconds)
        return rows(statement, **values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "rows", slowly)
        yield


def test_a_process_that_starts_later_knows(
    here: Revocations, database: Database, clock: FixedClock
) -> None:
    here.revoke(Subject("card", "c"), expires_at=LATER)
    assert Revocations(database, clock).is_revoked(Subject("card", "c"), NOW)


def test_a_lower_id_that_commits_later_is_seen(
    here: Revocations, database: Database, watch: Stopwatch
) -> None:
    def store(number: int, subject: str) -> None:
        row = {"id": number, "kind": "grant", "subject": subject, "at": NOW, "expires_at": LATER}
        with database.begin() as connection:
            connection.execute(insert(REVOCATIONS).values(row))

    store(8, "second")
    assert here.is_revoked(Subject("grant", "second"), NOW)
    watch.at += 12
    store(7, "first")
    assert here.is_revoked(Subject("grant", "first"), NOW)


def test_old_revocations_are_read_once(
    here: Revocations, database: Database, watch: Stopwatch
) -> None:
    here.revoke(Subject("grant", "k"), expires_at=LATER)
    for _ in range(3):
        assert here.is_revoked(Subject("grant", "k"), NOW)
        watch.at += 21
    with database.begin() as connection:
        connection.execute(REVOCATIONS.update().values(subject="renamed"))
    here.refresh()
    assert not here.is_revoked(Subject("grant", "renamed"), NOW)


def test_purge_deletes_only_what_has_ended(
    here: Revocations, database: Database, clock: FixedClock
) -> None:
    here.revoke(Subject("session", "short"), expires_at=NOW + 10)
    here.revoke(Subject("session", "long"), expires_at=LATER)
    clock.advance(10)
    assert here.purge() == 1
    with database.read() as connection:
        assert list(connection.scalars(select(REVOCATIONS.c.subject))) == ["long"]


def test_purge_deletes_more_than_one_page(
    here: Revocations, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idp.standing.revocations.PAGE", 3)
    for each in range(7):
        here.revoke(Subject("session", f"s{each}"), expires_at=NOW)
    here.revoke(Subject("session", "long"), expires_at=LATER)
    assert here.purge() == 7
    assert here.is_revoked(Subject("session", "long"), NOW)


def test_an_id_is_not_given_again_when_its_row_was_purged(
    here: Revocations, elsewhere: Revocations, clock: FixedClock, watch: Stopwatch
) -> None:
    here.revoke(Subject("session", "short"), expires_at=NOW + 10)
    for _ in range(3):
        elsewhere.refresh()
        watch.at += 21
    clock.advance(60)
    here.purge()
    here.revoke(Subject("session", "s"), expires_at=LATER)
    elsewhere.refresh()
    assert elsewhere.is_revoked(Subject("session", "s"), NOW)


def test_a_database_whose_ids_begin_again_is_read_from_the_beginning(
    here: Revocations, elsewhere: Revocations, database: Database, watch: Stopwatch
) -> None:
    here.revoke(Subject("session", "a"), expires_at=LATER)
    with database.begin() as connection:
        connection.execute(REVOCATIONS.update().values(id=90_000))
    for _ in range(3):
        elsewhere.refresh()
        watch.at += 21
    row = {"id": 5, "kind": "session", "subject": "b", "at": NOW, "expires_at": LATER}
    with database.begin() as connection:  # as a backup from before was restored
        connection.execute(REVOCATIONS.delete())
        connection.execute(insert(REVOCATIONS).values(row))
    elsewhere.refresh()
    assert elsewhere.is_revoked(Subject("session", "b"), NOW)


def test_more_than_one_page_is_read_and_each_is_known(
    database: Database, clock: FixedClock, watch: Stopwatch
) -> None:
    number = 2 * PAGE + 5
    rows = [
        {"kind": "session", "subject": f"s{each}", "at": NOW + each, "expires_at": LATER + number}
        for each in range(number)
    ]
    with database.begin() as connection:
        connection.execute(insert(REVOCATIONS), rows)
    revocations = Revocations(database, clock, watch)
    for each in range(number):
        given = NOW + each + NODE_SKEW
        assert revocations.is_revoked(Subject("session", f"s{each}"), given)
        assert not revocations.is_revoked(Subject("session", f"s{each}"), given + 1)
    assert not any(
        revocations.is_revoked(Subject("session", f"t{each}"), 0) for each in range(number)
    )


@pytest.mark.attack("U03")
def test_U03_a_revocation_that_commits_late_is_seen_by_a_process_that_started_meanwhile(
    database: Database, clock: FixedClock, watch: Stopwatch
) -> None:
    def store(number: int, subject: str) -> None:
        row = {"id": number, "kind": "grant", "subject": subject, "at": NOW, "expires_at": LATER}
        with database.begin() as connection:
            connection.execute(insert(REVOCATIONS).values(row))

    store(9_000, "second")
    revocations = Revocations(database, clock, watch)
    revocations.refresh()
    store(8_000, "first")
    watch.at += 19
    revocations.refresh()
    assert revocations.is_revoked(Subject("grant", "first"), NOW)


def test_the_cache_forgets_what_has_ended(
    here: Revocations, clock: FixedClock, watch: Stopwatch
) -> None:
    here.revoke(Subject("session", "s"), expires_at=NOW + 10)
    assert here.is_revoked(Subject("session", "s"), NOW)
    clock.advance(11)
    watch.at += 30
    assert not here.is_revoked(Subject("session", "s"), NOW)


@pytest.mark.attack("U05")
def test_U05_without_the_database_it_answers_for_ten_seconds_and_then_nobody(
    postgres_url: str, postgres_server: Path, clock: FixedClock, watch: Stopwatch
) -> None:
    database = open_database(postgres_url)
    with database.begin() as connection:
        metadata.create_all(connection)
    revocations = Revocations(database, clock, watch)
    revocations.revoke(Subject("account", "a"), expires_at=LATER)
    assert revocations.is_revoked(Subject("account", "a"), NOW)
    _cut(postgres_server, make_url(postgres_url).database)
    watch.at += 9
    assert revocations.is_revoked(Subject("account", "a"), NOW)
    watch.at += 1
    for _ in range(2):
        with pytest.raises(Unavailable):
            revocations.is_revoked(Subject("account", "a"), NOW)
    with pytest.raises(Unavailable):
        revocations.revoke(Subject("account", "b"), expires_at=LATER)
    database.close()


def _cut(server: Path, name: str | None) -> None:
    """End every connection to a database and let no new one in."""
    with psycopg.connect(f"host={server} user=idp dbname=postgres", autocommit=True) as connection:
        closed = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false")
        connection.execute(closed.format(sql.Identifier(name)))
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )


def test_a_process_that_never_reached_the_database_answers_nobody(
    clock: FixedClock, tmp_path: Path
) -> None:
    revocations = Revocations(open_database(f"postgresql://idp@/x?host={tmp_path}"), clock)
    for _ in range(2):
        with pytest.raises(Unavailable):
            revocations.is_revoked(Subject("session", "s"), NOW)
