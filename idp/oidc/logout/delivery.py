"""A message of the outbox: notifies one relying party of the end of one session.

OpenID Connect Back-Channel Logout 1.0 §2.5. ``sub`` and ``sid`` are pairwise, for this relying
party; the message does not hold the account.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

FIRST_WAIT = 5
LONGEST_WAIT = 15 * 60
LIFETIME = 24 * 3600
JITTER = 0.2
"""Random part of a wait, so that messages that failed together are not retried together."""


class DeliveryState(StrEnum):
    """State of a message."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Message:
    """A logout notification to one client. ``session`` is a digest of the session's id."""

    client_id: str
    session: str
    sub: str
    sid: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message in the outbox. Times are epoch seconds.

    ``last_status`` is the HTTP status of the last try, or a short word if there was no answer.
    """

    id: int
    message: Message
    created_at: int
    next_try_at: int
    tries: int = 0
    state: DeliveryState = DeliveryState.WAITING
    last_status: str = ""


def delivered(delivery: Delivery, status: str) -> Delivery:
    """The delivery after the relying party accepted it."""
    return replace(
        delivery, tries=delivery.tries + 1, state=DeliveryState.DELIVERED, last_status=status
    )


def failed(delivery: Delivery, status: str, *, now: int, jitter: float) -> Delivery:
    """The delivery after a failed try: repeated with growing waits, for :data:`LIFETIME`.

    ``jitter`` is between -1 and 1.
    """
    tries = delivery.tries + 1
    wait = min(FIRST_WAIT * 2 ** min(tries - 1, 16), LONGEST_WAIT)
    due = now + max(1, round(wait * (1 + JITTER * jitter)))
    late = now >= delivery.created_at + LIFETIME
    state = DeliveryState.GIVEN_UP if late else DeliveryState.WAITING
    return replace(delivery, tries=tries, next_try_at=due, state=state, last_status=status)


def abandoned(delivery: Delivery, reason: str) -> Delivery:
    """The delivery given up without a try."""
    return replace(delivery, state=DeliveryState.GIVEN_UP, last_status=reason)
