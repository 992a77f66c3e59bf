"""Settings of the login desk: lifetimes and limits."""

from dataclasses import dataclass, field

from idp.core.assurance import LEVELS
from idp.login.session import Lifetimes
from idp.login.throttle import Limit


def _default_lifetimes() -> Lifetimes:
    return Lifetimes(
        idle={0: 0, **dict.fromkeys(LEVELS, 15 * 60)},
        absolute={0: 0, **dict.fromkeys(LEVELS, 12 * 3600)},
    )


@dataclass(frozen=True, slots=True)
class LoginSettings:
    """``transaction_ttl`` in seconds.

    Per address, in a quarter of an hour: ``starts`` logins begun, ``attempts`` numbers and codes
    tried (a commune's counter and a carrier's NAT are one address each). ``former_numbers``: a
    9-digit number that one person alone has is taken for theirs. ``asks_again``: what of
    ``user_agent`` and ``network`` must not change, or the session counts for nothing.
    """

    transaction_ttl: int = 30 * 60
    starts: Limit = field(default_factory=lambda: Limit("starts", 1_200))
    attempts: Limit = field(default_factory=lambda: Limit("attempts", 600))
    former_numbers: bool = False
    asks_again: frozenset[str] = frozenset()
    lifetimes: Lifetimes = field(default_factory=_default_lifetimes)
