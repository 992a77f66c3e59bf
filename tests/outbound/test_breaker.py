"""The breaker: five failures open it, a pause later one call tries for all."""

import threading

import pytest

from idp.core.errors import Unavailable
from idp.outbound.breaker import Breaker


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def breaker(time: Time) -> Breaker:
    return Breaker("sms", failures=3, pause=10, monotonic=time)


def fail(breaker: Breaker) -> None:
    with pytest.raises(Unavailable), breaker.guard():
        raise Unavailable("sms")


def test_it_opens_after_failures_in_a_row_and_nothing_runs(breaker):
    for _ in range(3):
        breaker.check()
        fail(breaker)
    ran = []
    with pytest.raises(Unavailable) as refused, breaker.guard():
        ran.append(1)
    assert not ran
    assert refused.value.retry_after == 10
    with pytest.raises(Unavailable):
        breaker.check()


def test_a_success_between_begins_the_count_anew(breaker):
    for _ in range(5):
        fail(breaker)
        fail(breaker)
        with breaker.guard():
            pass
    breaker.check()


def test_another_error_is_no_failure_of_the_service(breaker):
    for _ in range(5):
        with pytest.raises(KeyError), breaker.guard():
            raise KeyError
    breaker.check()


def test_after_the_pause_one_call_tries_and_the_others_wait_on(breaker, time):
    for _ in range(3):
        fail(breaker)
    time.now = 10
    with breaker.guard(), pytest.raises(Unavailable), breaker.guard():
        pass
    with breaker.guard():
        breaker.check()


def test_a_try_that_fails_means_another_pause(breaker, time):
    for _ in range(3):
        fail(breaker)
    time.now = 10
    fail(breaker)
    time.now = 19
    with pytest.raises(Unavailable) as refused:
        breaker.check()
    assert refused.value.retry_after == 1
    time.now = 20
    breaker.check()


def test_of_many_threads_one_alone_tries(breaker, time):
    for _ in range(3):
        fail(breaker)
    time.now = 10
    start, done = threading.Barrier(16), threading.Barrier(16)
    ran = []

    def call() -> None:
        start.wait(5)
        try:
            with breaker.guard():
                ran.append(1)
                done.wait(5)
        except Unavailable:
            done.wait(5)

    threads = [threading.Thread(target=call) for _ in range(16)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(10)
    assert ran == [1]
