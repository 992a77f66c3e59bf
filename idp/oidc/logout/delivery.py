"""A message of the outbox: one relying party is to hear that one session ended.

OpenID Connect Back-Channel Logout 1.0 §2.5. What the relying party is told by name (``sub``,
``sid``) is its own, pairwise; the account is not in here.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

FIRST_WAIT = 5
LONGEST_WAIT = 15 * 60
LIFETIME = 24 * 3600
JITTER = 0.2
"""Of a wait, more or less: what failed together is not tried together again."""


class DeliveryState(StrEnum):
    """What became of a message."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be told to whom. ``session`` is a digest of the session's id."""

    client_id: str
    session: str
    sub: str
    sid: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message in the outbox. Times are epoch seconds; ``last_status`` says how the last try went.

    That is the status of the answer, or a short word where there was none.
    """

    id: int
    message: Message
    created_at: int
    next_try_at: int
    tries: int = 0
    state: DeliveryState = DeliveryState.WAITING
    last_status: str = ""


def delivered(delivery: Delivery, said: str) -> Delivery:
    """After a try that the relying party took."""
    return replace(
        delivery, tries=delivery.tries + 1, state=DeliveryState.DELIVERED, last_status=said
    )


def failed(delivery: Delivery, said: str, *, now: int, jitter: float) -> Delivery:
    """After a try that it did not take: tried again, later each time, until a day has passed.

    ``jitter`` is between -1 and 1.
    """
    tries = delivery.tries + 1
    wait = min(FIRST_WAIT * 2 ** min(tries - 1, 16), LONGEST_WAIT)
    due = now + max(1, round(wait * (1 + JITTER * jitter)))
    late = now >= delivery.created_at + LIFETIME
    state = DeliveryState.GIVEN_UP if late else DeliveryState.WAITING
    return replace(delivery, tries=tries, next_try_at=due, state=state, last_status=said)


def abandoned(delivery: Delivery, reason: str) -> Delivery:
    """Given up without a try."""
    return replace(delivery, state=DeliveryState.GIVEN_UP, last_status=reason)
