"""Counters that slow guessing and flooding: per person, per address, per client.

A counter never locks an account: it refuses more of one thing for the rest of its window, for
known and unknown numbers alike, and leaves every other method open. Counted atomically in the
transient store; a store that cannot count refuses (fail closed).
"""

import hmac
import ipaddress
from dataclasses import dataclass, replace
from functools import lru_cache

from idp.core.handles import b64url
from idp.storage.transient import Hit

QUARTER = 15 * 60
SANDBOX_LIMIT = 10_000
DAY = 24 * 3600


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``maximum`` events of ``name`` in ``window`` seconds."""

    name: str
    maximum: int
    window: int = QUARTER

    def hit(self, who: str) -> Hit:
        """Count one event of ``who``."""
        return Hit(f"throttle:{self.name}:{{{who}}}", self.window)

    def exceeded(self, count: int) -> bool:
        """Whether the event that made ``count`` is one too many."""
        return count > self.maximum


class Throttled(Exception):
    """Too many; ``limit`` says of what, and its window when to come back at the latest."""

    def __init__(self, limit: Limit) -> None:
        super().__init__(limit.name)
        self.limit = limit


@dataclass(frozen=True, slots=True)
class Scale:
    """How a deployment changes limits: a sandbox has room for suites that log in all day.

    ``per_address`` replaces every limit on one address.
    """

    sandbox: bool = False
    per_address: int | None = None

    def count(self, plain: int) -> int:
        """A limit as it is, or the sandbox's."""
        return SANDBOX_LIMIT if self.sandbox else plain

    def by_address(self, limit: Limit) -> Limit:
        """A limit on one address."""
        return replace(limit, maximum=self.per_address or self.count(limit.maximum))


@dataclass(frozen=True, slots=True)
class Toll:
    """Several limits counted together in one round trip."""

    entries: tuple[tuple[Limit, str], ...]

    @property
    def operations(self) -> tuple[Hit, ...]:
        """The operations that count one event against every limit."""
        return tuple(limit.hit(who) for limit, who in self.entries)

    def check(self, counts: tuple[int, ...]) -> None:
        """Compare the answers of :attr:`operations` with the limits.

        Raises:
            Throttled: the first limit that is exceeded.
        """
        for (limit, _), count in zip(self.entries, counts, strict=True):
            if limit.exceeded(count):
                raise Throttled(limit)


def person(key: bytes, number: str) -> str:
    """A counter name for a person's number that tells nothing about it."""
    return b64url(hmac.digest(key, b"throttle\x00" + number.encode(), "sha256")[:12])


@lru_cache(maxsize=4096)
def address(peer: str) -> str:
    """A counter name for a network address: IPv4 whole, IPv6 by its /64."""
    try:
        parsed = ipaddress.ip_address(peer)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False).network_address)
    return str(parsed)
