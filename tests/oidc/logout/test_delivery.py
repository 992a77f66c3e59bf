"""When a message is tried again, and when no more."""

import pytest

from idp.oidc.logout.delivery import (
    LIFETIME,
    LONGEST_WAIT,
    Delivery,
    DeliveryState,
    Message,
    delivered,
    failed,
)

NOW = 1_800_000_000
FRESH = Delivery(1, Message("portal", "session", "sub", "sid"), NOW, NOW)


def waits(tries: int) -> list[int]:
    """How long each of so many tries is waited for, without jitter."""
    delivery, now, found = FRESH, NOW, []
    for _ in range(tries):
        delivery = failed(delivery, "500", now=now, jitter=0)
        found.append(delivery.next_try_at - now)
        now = delivery.next_try_at
    return found


def test_the_waits_double_from_five_seconds_to_a_quarter_of_an_hour() -> None:
    assert waits(10) == [5, 10, 20, 40, 80, 160, 320, 640, LONGEST_WAIT, LONGEST_WAIT]
    assert waits(200)[-1] == LONGEST_WAIT


@pytest.mark.parametrize(("jitter", "wait"), [(-1, 4), (0, 5), (1, 6)])
def test_what_failed_together_is_spread(jitter: float, wait: int) -> None:
    assert failed(FRESH, "deadline", now=NOW, jitter=jitter).next_try_at == NOW + wait


def test_after_a_day_it_is_given_up_and_says_why() -> None:
    last = failed(FRESH, "500", now=NOW + LIFETIME - 1, jitter=0)
    assert last.state is DeliveryState.WAITING
    over = failed(last, "unreachable", now=NOW + LIFETIME, jitter=0)
    assert (over.state, over.last_status, over.tries) == (DeliveryState.GIVEN_UP, "unreachable", 2)


def test_a_try_that_was_taken_is_the_last() -> None:
    done = delivered(failed(FRESH, "500", now=NOW, jitter=0), "204")
    assert (done.state, done.last_status, done.tries) == (DeliveryState.DELIVERED, "204", 2)
