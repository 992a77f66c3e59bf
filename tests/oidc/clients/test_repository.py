"""The register of clients and its copy in a process, on SQLite and PostgreSQL."""

import threading
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from idp.core.clock import FixedClock
from idp.core.errors import Unavailable
from idp.login.ticket import client_tag
from idp.oidc.clients.model import Client, ClientStatus, Secret, Text
from idp.oidc.clients.repository import (
    MISSES,
    ClientCache,
    ClientExists,
    Clients,
)
from idp.storage.database import Database, metadata, open_database
from idp.storage.fresh import TRUSTED


class Ticks:
    """A monotonic clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def a_client(client_id: str, **members: object) -> Client:
    uri = f"https://{client_id}.example.vn/cb"
    base = Client(client_id, Text(client_id), f"{client_id}.example.vn", redirect_uris=(uri,))
    return replace(base, **members)  # type: ignore[arg-type]


@pytest.fixture
def register(database: Database, clock: FixedClock) -> Clients:
    return Clients(database, clock)


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def cache(database: Database, ticks: Ticks) -> ClientCache:
    return ClientCache(database, ticks)


def test_a_client_is_read_back_as_it_was(register: Clients, clock: FixedClock) -> None:
    secret = Secret("digest", None)
    created = register.create(a_client("a", secrets=(secret, Secret("old", clock() + 60))))
    assert created.created_at == clock()
    assert register.get("a") == created
    assert register.all() == (created,)
    assert register.get("b") is None


def test_an_id_is_given_once_only(register: Clients) -> None:
    register.create(a_client("a"))
    with pytest.raises(ClientExists):
        register.create(a_client("a"))
    register.delete("a")
    assert register.get("a") is None
    assert register.all() == ()
    with pytest.raises(ClientExists):
        register.create(a_client("a"))


@pytest.mark.attack("N12")
def test_N12_of_many_who_register_one_id_one_succeeds(register: Clients) -> None:
    start, results = threading.Barrier(4), []

    def create() -> None:
        start.wait(10)
        try:
            results.append(register.create(a_client("a")).client_id)
        except ClientExists:
            results.append("taken")

    threads = [threading.Thread(target=create) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(results) == ["a", "taken", "taken", "taken"]


def test_a_refresh_of_the_cache_brings_every_change(
    register: Clients, cache: ClientCache, ticks: Ticks
) -> None:
    register.create(a_client("a"))
    register.create(a_client("b"))
    found = cache.get("a")
    assert found is not None
    assert cache.by_tag(client_tag("a")) == found
    register.update(replace(found, status=ClientStatus.DISABLED))
    register.delete("b")
    assert cache.get("a") == found
    cache.refresh()
    disabled = cache.get("a")
    assert disabled is not None
    assert not disabled.active
    assert cache.get("b") is None
    assert cache.by_tag(client_tag("b")) is None


def test_a_client_of_another_process_is_found_at_once(
    register: Clients, cache: ClientCache
) -> None:
    assert cache.get("a") is None
    register.create(a_client("a"))
    assert cache.get("a") == register.get("a")
    register.create(a_client("b"))
    assert cache.by_tag(client_tag("b")) == register.get("b")


@pytest.mark.attack("P08")
def test_P08_invented_ids_do_not_keep_the_database_busy(
    register: Clients, cache: ClientCache, ticks: Ticks
) -> None:
    asked: list[str] = []

    def note(*call: Any) -> None:
        asked.append(call[2])

    event.listen(Engine, "before_cursor_execute", note)
    for number in range(1_000):
        assert cache.get(f"nobody-{number}") is None
    event.remove(Engine, "before_cursor_execute", note)
    assert sum("FROM clients" in each for each in asked) == 1 + MISSES
    register.create(a_client("late"))
    assert cache.get("late") is None
    ticks.at += 1
    assert cache.get("late") == register.get("late")


def test_what_was_registered_during_anothers_query_is_not_missed(
    register: Clients, cache: ClientCache
) -> None:
    asked, go_on = threading.Event(), threading.Event()
    found: list[Client | None] = []

    def hold(*call: Any) -> None:
        if "FROM clients" in call[2] and threading.current_thread() is earlier:
            asked.set()
            go_on.wait(10)

    earlier = threading.Thread(target=cache.refresh)
    asker = threading.Thread(target=lambda: found.append(cache.get("a")))
    event.listen(Engine, "after_cursor_execute", hold)
    try:
        earlier.start()
        assert asked.wait(10)
        register.create(a_client("a"))
        asker.start()
        go_on.set()
        for each in (earlier, asker):
            each.join(10)
    finally:
        event.remove(Engine, "after_cursor_execute", hold)
    assert found == [register.get("a")]


def test_unknown_ids_leave_nothing_behind(register: Clients, cache: ClientCache) -> None:
    register.create(a_client("a"))
    for number in range(1_000):
        assert cache.get(f"nobody-{number}") is None
    assert len(cache) == 1


def test_browser_origins_are_those_of_active_public_web_clients(
    register: Clients, cache: ClientCache, ticks: Ticks
) -> None:
    register.create(a_client("spa", token_endpoint_auth_method="none"))
    register.create(a_client("server"))
    register.create(a_client("app", token_endpoint_auth_method="none", application_type="native"))
    assert cache.browser_origins() == {"https://spa.example.vn"}
    spa = register.get("spa")
    assert spa is not None
    register.update(replace(spa, status=ClientStatus.DISABLED))
    cache.refresh()
    assert cache.browser_origins() == frozenset()


def test_a_register_that_does_not_answer_is_believed_for_ten_seconds(
    sqlite_url: str, clock: FixedClock, ticks: Ticks
) -> None:
    database = open_database(sqlite_url)
    with database.begin() as connection:
        metadata.create_all(connection)
    Clients(database, clock).create(a_client("a"))
    cache = ClientCache(database, ticks)
    assert cache.get("a") is not None
    with database.begin() as connection:
        connection.execute(text("ALTER TABLE clients RENAME TO away"))
    ticks.at += TRUSTED - 1
    assert cache.get("a") is not None
    ticks.at += 1
    with pytest.raises(Unavailable):
        cache.get("a")
    database.close()


def test_changes_from_many_threads_are_all_learned(
    register: Clients, cache: ClientCache, ticks: Ticks
) -> None:
    start = threading.Barrier(8)

    def create(number: int) -> None:
        start.wait(5)
        waiting = [f"c{number}-{each}" for each in range(3)]
        while waiting:
            with suppress(Unavailable):  # a busy machine's turn at SQLite's one lock may be late
                register.create(a_client(waiting[-1]))
                waiting.pop()

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    seen = 0
    while any(each.is_alive() for each in threads):
        cache.refresh()
        seen = max(seen, len(cache))
    for each in threads:
        each.join(10)
    cache.refresh()
    assert len(cache) == 24
