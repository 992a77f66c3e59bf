"""What every transient store promises: one suite, held to memory, Valkey and a Cluster."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest

from idp.core.clock import FixedClock
from idp.core.handles import Handle
from idp.storage.memory import MemoryStore
from idp.storage.redis import RedisStore
from idp.storage.transient import (
    Add,
    Delete,
    Get,
    Hit,
    Link,
    Members,
    Put,
    Take,
    Taken,
    TransientStore,
    Unlink,
)

Lapse: TypeAlias = Callable[[float], None]


@pytest.fixture(params=["memory", "valkey", "cluster"])
def made(
    request: pytest.FixtureRequest, clock: FixedClock
) -> Iterator[tuple[MemoryStore | RedisStore, Lapse]]:
    """A store, and how time passes for it."""
    if request.param == "memory":
        yield MemoryStore(clock), lambda seconds: clock.advance(round(seconds))
        return
    store = RedisStore(request.getfixturevalue(f"{request.param}_url"))
    yield store, lambda seconds: time.sleep(seconds + 0.1)
    store.close()


@pytest.fixture
def store(made: tuple[MemoryStore | RedisStore, Lapse]) -> MemoryStore | RedisStore:
    return made[0]


@pytest.fixture
def lapse(made: tuple[MemoryStore | RedisStore, Lapse]) -> Lapse:
    return made[1]


@pytest.fixture
def key() -> str:
    return Handle.new().key("test")


def beside(key: str, kind: str) -> str:
    """Another key of the same flow."""
    return kind + key[key.index(":") :]


VALUE = {"binding": "b", "text": 'quote " and khóa 1\n', "list": [1, {"x": None}], "number": 2**60}


def test_a_store_is_a_transient_store(store: MemoryStore | RedisStore) -> None:
    checked: TransientStore = store
    checked.ping()


def test_put_get_delete(store: TransientStore, key: str) -> None:
    assert store.get(key) is None
    store.put(key, VALUE, 60)
    assert store.get(key) == VALUE
    store.put(key, {}, 60)
    assert store.get(key) == {}
    assert store.delete(key)
    assert not store.delete(key)
    assert store.get(key) is None


def test_what_was_stored_does_not_change_with_the_callers_object(
    store: TransientStore, key: str
) -> None:
    value: dict[str, Any] = {"list": [1]}
    store.put(key, value, 60)
    value["list"].append(2)
    assert store.get(key) == {"list": [1]}


def test_add_is_for_the_first(store: TransientStore, key: str) -> None:
    assert store.add(key, {"n": 1}, 60)
    assert not store.add(key, {"n": 2}, 60)
    assert store.get(key) == {"n": 1}


def test_take_is_once(store: TransientStore, key: str) -> None:
    store.put(key, VALUE, 60)
    assert store.take(key) == Taken(VALUE)
    assert store.take(key) == Taken()
    assert store.get(key) is None


def test_a_take_that_does_not_know_the_binding_takes_nothing(
    store: TransientStore, key: str
) -> None:
    store.put(key, VALUE, 60)
    for wrong in ("", "B", "b ", "khóa", "{}"):
        assert store.take(key, binding=wrong) == Taken(mismatch=True)
    assert store.get(key) == VALUE
    assert store.take(key, binding="b") == Taken(VALUE)


def test_a_value_without_a_binding_matches_none(store: TransientStore, key: str) -> None:
    store.put(key, {"n": 1}, 60)
    assert store.take(key, binding="b") == Taken(mismatch=True)
    assert store.take(key, binding="") == Taken(mismatch=True)
    assert store.take(key) == Taken({"n": 1})


def test_tries_are_counted_and_the_last_one_removes(store: TransientStore, key: str) -> None:
    store.put(key, VALUE, 60)
    left = [store.take(key, binding="x", tries=3) for _ in range(4)]
    assert left == [
        Taken(mismatch=True, tries_left=2),
        Taken(mismatch=True, tries_left=1),
        Taken(mismatch=True, tries_left=0),
        Taken(),
    ]


def test_a_value_that_was_tried_still_reads_and_takes_and_begins_anew(
    store: TransientStore, key: str
) -> None:
    store.put(key, VALUE, 60)
    store.take(key, binding="x", tries=3)
    assert store.get(key) == VALUE
    assert not store.add(key, {}, 60)
    assert store.take(key, binding="b", tries=3) == Taken(VALUE)
    store.put(key, VALUE, 60)
    assert store.take(key, binding="x", tries=3).tries_left == 2


def test_take_stores_what_follows_only_when_it_takes(store: TransientStore, key: str) -> None:
    next_key, other = beside(key, "next"), beside(key, "other")
    put = (Put(next_key, {"generation": 2}, 60), Put(other, VALUE, 60))
    assert store.take(key, put=put) == Taken()
    store.put(key, VALUE, 60)
    assert store.take(key, binding="x", put=put).mismatch
    assert store.get(next_key) is None
    assert store.take(key, binding="b", put=put) == Taken(VALUE)
    assert store.get(next_key) == {"generation": 2}
    assert store.get(other) == VALUE


def test_take_may_keep_the_value_under_another_key(store: TransientStore, key: str) -> None:
    kept = beside(key, "kept")
    store.run(Put(key, {**VALUE, "binding": "b"}, 60))
    assert store.run(Take(key, "x", into=kept, into_ttl=60))[0].mismatch
    assert store.get(kept) is None
    follows = Put(beside(key, "n"), {"n": 1}, 60)
    taken = store.run(Take(key, "b", put=(follows,), into=kept, into_ttl=60))[0]
    assert store.get(kept) == taken.value == {**VALUE, "binding": "b"}
    assert store.get(follows.key) == {"n": 1}
    assert store.get(key) is None


def test_take_may_store_under_the_same_key(store: TransientStore, key: str) -> None:
    store.put(key, {"n": 1}, 60)
    assert store.take(key, put=(Put(key, {"n": 2}, 60),)) == Taken({"n": 1})
    assert store.get(key) == {"n": 2}


def test_hits_are_counted(store: TransientStore, key: str) -> None:
    assert [store.run(Hit(key, 60))[0] for _ in range(3)] == [1, 2, 3]


def test_links(store: TransientStore, key: str) -> None:
    assert store.run(Members(key)) == (frozenset(),)
    assert store.run(Link(key, "a", 60), Link(key, "b", 60), Link(key, "a", 60)) == (True,) * 3
    assert store.run(Members(key)) == (frozenset({"a", "b"}),)
    assert store.run(Unlink(key, "a"), Unlink(key, "a")) == (True, False)
    assert store.run(Members(key)) == (frozenset({"b"}),)
    assert store.delete(key)


def test_a_run_answers_in_order(store: TransientStore, key: str) -> None:
    other = Handle.new().key("test")
    answers = store.run(
        Put(key, {"n": 1}, 60),
        Get(key),
        Add(other, {"n": 2}, 60),
        Add(other, {"n": 3}, 60),
        Take(key),
        Take(key),
        Get(other),
        Delete(other),
        Hit(key, 60),
    )
    assert answers == (True, {"n": 1}, True, False, Taken({"n": 1}), Taken(), {"n": 2}, True, 1)
    assert store.run() == ()


def test_a_run_on_one_flow_is_one_round_trip(store: MemoryStore | RedisStore, key: str) -> None:
    store.ping()
    before = store.round_trips
    store.run(Put(key, VALUE, 60), Take(key, put=(Put(beside(key, "n"), VALUE, 60),)), Hit(key, 9))
    assert store.round_trips == before + 1


def test_everything_ends(store: TransientStore, lapse: Lapse, key: str) -> None:
    keys = {kind: beside(key, kind) for kind in ("put", "add", "hit", "link", "after", "tried")}
    store.put(key, VALUE, 60)
    store.run(
        Put(keys["put"], VALUE, 1),
        Add(keys["add"], VALUE, 1),
        Hit(keys["hit"], 1),
        Link(keys["link"], "a", 1),
        Take(key, put=(Put(keys["after"], VALUE, 1),)),
        Put(keys["tried"], VALUE, 1),
        Take(keys["tried"], "x", 5),
    )
    lapse(1)
    found = store.run(*(Get(keys[each]) for each in ("put", "add", "after", "tried")))
    assert found == (None,) * 4
    assert store.run(Hit(keys["hit"], 60), Members(keys["link"])) == (1, frozenset())
    assert store.add(keys["add"], VALUE, 60)


def test_a_window_begins_with_its_first_hit(store: TransientStore, lapse: Lapse, key: str) -> None:
    store.run(Hit(key, 2))
    lapse(1)
    assert store.run(Hit(key, 2)) == (2,)
    lapse(1)
    assert store.run(Hit(key, 2)) == (1,)


def test_a_link_prolongs_and_never_shortens(store: TransientStore, lapse: Lapse, key: str) -> None:
    other = beside(key, "other")
    store.run(Link(key, "a", 60), Link(key, "b", 1), Link(other, "a", 1), Link(other, "b", 60))
    lapse(1)
    assert store.run(Members(key), Members(other)) == (frozenset("ab"),) * 2


def test_a_lifetime_of_nothing_is_over_soon_and_no_error(
    store: TransientStore, lapse: Lapse, key: str
) -> None:
    store.run(Put(key, VALUE, 0), Hit(beside(key, "hit"), 0), Link(beside(key, "l"), "a", -5))
    lapse(1)
    assert store.get(key) is None


@pytest.mark.attack("D07")
def test_D07_kinds_of_one_secret_are_different_keys(store: TransientStore) -> None:
    handle = Handle.new()
    kinds = ["code", "access", "refresh", "par", "session", "device"]
    for kind in kinds:
        store.put(handle.key(kind), {"kind": kind}, 60)
        for other in kinds:
            found = store.get(handle.key(other))
            assert found == ({"kind": kind} if other == kind else None)
        store.delete(handle.key(kind))


@pytest.mark.attack("Q11")
def test_Q11_a_key_does_not_tell_the_secret() -> None:
    handle = Handle.new()
    assert handle.secret not in handle.key("code")
    assert str(handle) not in handle.key("code")


def _race(count: int, work: Callable[[], Any]) -> list[Any]:
    start = threading.Barrier(count)
    results: list[Any] = []

    def run() -> None:
        start.wait(10)
        results.append(work())

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(results) == count
    return results


@pytest.mark.attack("D04")
def test_D04_fifty_take_one_value_and_one_has_it(store: TransientStore, key: str) -> None:
    store.put(key, VALUE, 60)
    results = _race(50, lambda: store.take(key, binding="b"))
    assert sorted(each.value is not None for each in results) == [False] * 49 + [True]


def test_fifty_add_one_key_and_one_did(store: TransientStore, key: str) -> None:
    assert sum(_race(50, lambda: store.add(key, VALUE, 60))) == 1


def test_fifty_guesses_have_five_tries(store: TransientStore, key: str) -> None:
    store.put(key, VALUE, 60)
    results = _race(50, lambda: store.take(key, binding="x", tries=5))
    assert sorted(each.tries_left for each in results if each.mismatch) == [0, 1, 2, 3, 4]


def test_fifty_hits_are_fifty(store: TransientStore, key: str) -> None:
    assert sorted(_race(50, lambda: store.run(Hit(key, 60))[0])) == list(range(1, 51))
