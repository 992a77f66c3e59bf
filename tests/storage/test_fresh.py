"""One value, one refresher: who waits, who loads, and what is told when nothing can be loaded."""

import threading
import time
from collections.abc import Callable

import pytest

from idp.core.errors import Unavailable
from idp.storage.fresh import PAUSE, TRUSTED, Fresh
from idp.storage.memory import MemoryStore
from idp.storage.processes import Refresher
from tests.stopwatch import Stopwatch

READERS = 4
SLOW = 0.5
"""Seconds of a load that readers must not wait for, or wait for once."""


class Source:
    """Something that is read slowly, counts how often, and may be away."""

    def __init__(self) -> None:
        self.loads, self.seconds, self.away = 0, 0.0, False
        self.loading = threading.Event()

    def load(self, old: int) -> int:
        self.loads += 1
        self.loading.set()
        time.sleep(self.seconds)
        if self.away:
            raise Unavailable("source")
        return old + 1


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def watch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def fresh(source: Source, watch: Stopwatch) -> Fresh[int]:
    return Fresh(source.load, 0, monotonic=watch)


def together(act: Callable[[], int], readers: int = READERS) -> list[tuple[int | str, float]]:
    """What ``act`` gave each of some threads that began at once, and after how many seconds."""
    barrier, given = threading.Barrier(readers), list[tuple[int | str, float]]()

    def one() -> None:
        barrier.wait()
        began = time.monotonic()
        try:
            got: int | str = act()
        except Unavailable as error:
            got = error.dependency
        given.append((got, time.monotonic() - began))

    threads = [threading.Thread(target=one) for _ in range(readers)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return given


def test_nobody_waits_for_a_load_while_the_value_is_trusted(
    fresh: Fresh[int], source: Source, watch: Stopwatch
) -> None:
    fresh.refresh()
    source.seconds = SLOW
    source.loading.clear()
    watch.at += TRUSTED - 1
    refresher = threading.Thread(target=fresh.refresh)
    refresher.start()
    assert source.loading.wait(5)
    given = together(fresh.get)
    assert refresher.is_alive()
    assert [value for value, _ in given] == [1] * READERS
    assert max(seconds for _, seconds in given) < SLOW / 2
    refresher.join()
    assert (fresh.get(), source.loads) == (2, 2)


def test_those_who_find_it_too_old_share_one_load(
    fresh: Fresh[int], source: Source, watch: Stopwatch
) -> None:
    source.seconds = SLOW
    for expected in (1, 2):
        given = together(fresh.get)
        assert [value for value, _ in given] == [expected] * READERS
        assert max(seconds for _, seconds in given) < SLOW * 1.8
        assert source.loads == expected
        watch.at += TRUSTED


def test_a_reader_of_a_too_old_value_takes_what_the_running_load_gives(
    fresh: Fresh[int], source: Source
) -> None:
    source.seconds = SLOW
    refresher = threading.Thread(target=fresh.refresh)
    refresher.start()
    assert source.loading.wait(5)
    assert fresh.get() == 1
    refresher.join()
    assert source.loads == 1


def test_those_who_share_a_load_share_its_failure(fresh: Fresh[int], source: Source) -> None:
    source.seconds, source.away = SLOW, True
    given = together(fresh.get)
    assert [value for value, _ in given] == ["source"] * READERS
    assert max(seconds for _, seconds in given) < SLOW * 1.8
    assert source.loads == 1


def test_a_load_that_fails_is_not_tried_again_by_every_reader(
    fresh: Fresh[int], source: Source, watch: Stopwatch
) -> None:
    source.away = True
    for _ in range(3):
        with pytest.raises(Unavailable):
            fresh.get()
    assert source.loads == 1
    source.away = False
    watch.at += PAUSE
    assert fresh.get() == 1
    source.away = True
    watch.at += TRUSTED
    with pytest.raises(Unavailable):
        fresh.get()


def test_a_refresh_that_fails_leaves_the_value_as_long_as_it_is_trusted(
    fresh: Fresh[int], source: Source, watch: Stopwatch
) -> None:
    fresh.refresh()
    source.away = True
    watch.at += TRUSTED / 2
    with pytest.raises(Unavailable, match="source"):
        fresh.refresh()
    watch.at += TRUSTED / 2 - 0.1
    assert fresh.get() == 1
    watch.at += 0.1
    with pytest.raises(Unavailable, match="source"):
        fresh.get()
    source.away = False
    assert fresh.refresh() == fresh.get() == 2


def test_a_refresh_is_never_answered_by_a_load_that_began_before_it(
    fresh: Fresh[int], source: Source
) -> None:
    source.seconds = SLOW
    first = threading.Thread(target=fresh.refresh)
    first.start()
    assert source.loading.wait(5)
    given = together(fresh.refresh)
    first.join()
    assert [value for value, _ in given] == [2] * READERS
    assert source.loads == 2


def test_its_age_is_counted_from_when_the_load_began(source: Source, watch: Stopwatch) -> None:
    def load(old: int) -> int:
        watch.at += TRUSTED - 1
        return source.load(old)

    fresh = Fresh(load, 0, monotonic=watch)
    fresh.refresh()
    assert fresh.get() == 1
    watch.at += 1
    assert fresh.get() == 2


def test_what_was_read_just_now_is_not_read_again(source: Source, watch: Stopwatch) -> None:
    fresh = Fresh(source.load, 7, known=True, monotonic=watch)
    assert (fresh.get(), source.loads) == (7, 0)
    watch.at += TRUSTED
    assert fresh.get() == 8


def test_an_error_in_a_load_reaches_its_caller_and_nobody_gets_an_old_value(
    watch: Stopwatch,
) -> None:
    def load(old: int) -> int:
        raise ZeroDivisionError

    fresh = Fresh(load, 0, monotonic=watch)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            fresh.get()


def test_the_refresher_keeps_it_fresh_without_any_reader(
    transient: MemoryStore, source: Source
) -> None:
    fresh = Fresh(source.load, 0)
    running = Refresher(transient, (fresh.refresh,), tick=0.01)
    running.start()
    until = time.monotonic() + 10
    try:
        while fresh.value < 5 and time.monotonic() < until:
            time.sleep(0.01)
    finally:
        running.close()
    assert fresh.value >= 5
