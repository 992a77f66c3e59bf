"""What waits to be recorded: fair to those who send little, in the order in which it came."""

import threading
from concurrent.futures import ThreadPoolExecutor

from idp.sandbox.backlog import Backlog
from idp.sandbox.exchange import MOST


def test_who_sends_much_pushes_out_only_their_own() -> None:
    backlog = Backlog[str](500)
    for number in range(MOST):
        backlog.add("quiet", f"q{number}")
        for more in range(20):
            backlog.add("noisy", f"n{number}-{more}")
    waiting = backlog.take()
    assert [each for each in waiting if each[0] == "q"] == [f"q{each}" for each in range(MOST)]
    noisy = [each for each in waiting if each[0] == "n"]
    assert len(noisy) == MOST
    assert noisy[-1] == f"n{MOST - 1}-19"
    assert backlog.take() == []


def test_of_too_many_the_oldest_of_whoever_has_most_is_forgotten() -> None:
    backlog = Backlog[str](10)
    for each in ("a1", "a2", "b1", *(f"c{number}" for number in range(20)), "a3"):
        backlog.add(each[0], each)
    assert backlog.take() == ["a1", "a2", "b1", *(f"c{each}" for each in range(14, 20)), "a3"]


def test_many_owners_are_no_more_than_there_is_room_for() -> None:
    backlog = Backlog[int](10)
    for each in range(100):
        backlog.add(str(each), each)
    assert len(backlog.take()) == 10


def test_items_are_added_and_taken_at_once() -> None:
    backlog, start, taken = Backlog[int](10_000), threading.Barrier(5), list[int]()

    def add(owner: int) -> None:
        start.wait(10)
        for each in range(MOST):
            backlog.add(str(owner), owner * MOST + each)

    with ThreadPoolExecutor(5) as pool:
        adding = [pool.submit(add, owner) for owner in range(4)]
        start.wait(10)
        while not all(each.done() for each in adding):
            taken += backlog.take()
        for each in adding:
            each.result()
    taken += backlog.take()
    assert sorted(taken) == list(range(4 * MOST))
