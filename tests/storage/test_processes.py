"""A change holds for every process when the wait for it is over."""

import threading
import time
from collections.abc import Iterator

import pytest

from idp.core.clock import system_clock
from idp.core.errors import Unavailable
from idp.storage.memory import MemoryStore
from idp.storage.processes import Confirmation, Refresher, await_all
from idp.storage.redis import RedisStore
from idp.storage.transient import Operation, TransientStore


class View:
    """What a process believes: a copy of ``truth`` as it was at the last refresh."""

    def __init__(self, truth: list[int]) -> None:
        self.truth, self.copy, self.broken = truth, 0, False

    def refresh(self) -> None:
        if self.broken:
            raise Unavailable("database")
        self.copy = self.truth[0]


@pytest.fixture(params=["memory", "valkey"])
def store(request: pytest.FixtureRequest) -> Iterator[TransientStore]:
    opened: TransientStore = MemoryStore(system_clock)
    if request.param == "valkey":
        opened = RedisStore(request.getfixturevalue("valkey_url"))
    yield opened
    opened.close()


def processes(store: TransientStore, views: list[View]) -> list[Refresher]:
    made = [Refresher(store, (each.refresh,), tick=0.02) for each in views]
    for each in made:
        each.start()
    return made


def test_when_the_wait_is_over_every_process_has_the_change(store: TransientStore) -> None:
    truth = [0]
    views = [View(truth) for _ in range(3)]
    running = processes(store, views)
    try:
        for truth[0] in range(1, 6):
            confirmation = await_all(store)
            assert [each.copy for each in views] == [truth[0]] * 3
            assert (confirmation.confirmed, confirmation.silent) == (3, 0)
    finally:
        for each in running:
            each.close()
    assert await_all(store, trusted=0.2).confirmed == 0


def test_a_process_that_cannot_refresh_does_not_confirm_and_the_wait_ends(
    store: TransientStore,
) -> None:
    truth = [0]
    views = [View(truth) for _ in range(2)]
    running = processes(store, views)
    views[1].broken, truth[0] = True, 1
    confirmation = await_all(store, trusted=0.5)
    for each in running:
        each.close()
    assert (confirmation.confirmed, confirmation.silent) == (1, 1)
    assert confirmation.seconds >= 0.5


def test_a_process_that_was_killed_is_waited_for_until_no_view_is_trusted() -> None:
    now = 0
    store = MemoryStore(lambda: now)
    Refresher(store, (), tick=3600).start()  # it never confirms and never says good-bye
    assert await_all(store, trusted=0.1).silent == 1
    now = 16  # its mark has expired
    assert await_all(store, trusted=5) == Confirmation(0, 0, pytest.approx(0, abs=4))


def test_a_process_serves_only_after_it_announced_itself_and_read_its_views() -> None:
    seen = list[str]()

    class Store(MemoryStore):
        def run(self, *operations: Operation) -> tuple[object, ...]:
            seen.append("announced")
            return super().run(*operations)

    refresher = Refresher(Store(system_clock), (lambda: seen.append("read"),), tick=3600)
    refresher.start()
    assert seen[:2] == ["announced", "read"]
    refresher.close()


def test_without_the_store_the_wait_lasts_until_no_view_is_trusted() -> None:
    class Away(MemoryStore):
        def run(self, *operations: Operation) -> tuple[object, ...]:
            raise Unavailable("redis")

    began = time.monotonic()
    assert await_all(Away(system_clock), trusted=0.3).confirmed == 0
    assert time.monotonic() - began >= 0.3


def test_changes_at_the_same_time_do_not_take_each_other_s_confirmations(
    store: TransientStore,
) -> None:
    truth = [0]
    views = [View(truth) for _ in range(2)]
    running = processes(store, views)
    failures = list[int]()

    def change(number: int) -> None:
        truth[0] = max(truth[0], number)
        await_all(store)
        if min(each.copy for each in views) < number:
            failures.append(number)

    threads = [threading.Thread(target=change, args=(each,)) for each in range(1, 9)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    for refresher in running:
        refresher.close()
    assert failures == []


def test_a_process_that_changed_something_waits_for_the_others_only(store: TransientStore) -> None:
    truth = [0]
    views = [View(truth) for _ in range(2)]
    mine = Refresher(store, (views[0].refresh,), tick=3600)
    mine.start()
    other = processes(store, views[1:])
    truth[0] = 1
    confirmation = mine.everywhere(trusted=10)
    assert [each.copy for each in views] == [1, 1]
    assert (confirmation.confirmed, confirmation.silent) == (2, 0)
    for each in (mine, *other):
        each.close()
