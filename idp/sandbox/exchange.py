"""Exchanges: one request of a client and its answer, as they are kept. The last 50 of each client.

They stand in a ring of slots in the transient store: a counter says which slot is next.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idp.core.handles import digest
from idp.core.records import Record
from idp.storage.transient import Delete, Get, Hit, Put, TransientStore

MOST = 50
TTL = 24 * 3_600
COUNTER_TTL = 2 * TTL
NOBODY = ""
"""Whose the exchanges are that name no client we know."""


@dataclass(frozen=True, slots=True)
class Exchange(Record):
    """One request and its answer, without anything that could be used again.

    ``authentication`` says how the client showed who it is. ``parameters`` and ``answer`` are
    names and values; ``tokens`` the decoded tokens of both. ``checks`` are the endpoint's checks
    in order with their outcome; ``reason`` is the true reason of a refusal, as in the audit log.
    """

    at: int
    endpoint: str
    method: str
    authentication: str
    parameters: tuple[tuple[str, str], ...]
    status: int
    answer: tuple[tuple[str, str], ...]
    tokens: tuple[Mapping[str, Any], ...] = ()
    checks: tuple[tuple[str, str], ...] = ()
    error: str = ""
    reason: str = ""
    forced: str = ""
    events: tuple[str, ...] = ()
    number: int = 0


def keep(transient: TransientStore, *exchanges: tuple[str, Exchange]) -> None:
    """Keep exchanges by client id, in order; of more than 50 of a client the oldest is forgotten.

    Two round trips, however many there are.
    """
    if not exchanges:
        return
    numbers = transient.run(*(Hit(_counter(each), COUNTER_TTL) for each, _ in exchanges))
    transient.run(
        *(
            Put(_slot(client_id, number), {**exchange.dump(), "number": number}, TTL)
            for (client_id, exchange), number in zip(exchanges, numbers, strict=True)
        )
    )


def latest(transient: TransientStore, client_id: str) -> tuple[Exchange, ...]:
    """The last exchanges of a client, the newest first."""
    found = transient.run(*(Get(_slot(client_id, each)) for each in range(MOST)))
    kept = filter(None, map(Exchange.read, found))
    return tuple(sorted(kept, key=lambda each: (each.at, each.number), reverse=True))


def forget(transient: TransientStore, client_id: str) -> None:
    """Forget the exchanges of a client."""
    transient.run(*(Delete(_slot(client_id, each)) for each in range(MOST)))


def _slot(client_id: str, number: int) -> str:
    return f"sandbox-exchange:{{{digest(client_id)}}}:{number % MOST}"


def _counter(client_id: str) -> str:
    return f"sandbox-exchanges:{{{digest(client_id)}}}"
