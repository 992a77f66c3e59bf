"""Settings of the login desk: lifetimes and limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import Field

from idp.core.assurance import LEVELS
from idp.core.section import Count, Seconds, Section
from idp.login.session import Lifetimes
from idp.login.throttle import Limit, Scale


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


ASKS_AGAIN: Mapping[str, frozenset[str]] = {
    "note": frozenset(),
    "user-agent": frozenset(("user_agent",)),
    "any": frozenset(("user_agent", "network")),
}
"""What a session must not change, by ``IDP_SESSION__MOVED``."""


class SessionSection(Section):
    idle_ttl: Seconds = Field(15 * 60, description="Seconds without use that end a session.")
    absolute_ttl: Seconds = Field(
        12 * 3600, description="Longest lifetime of a session in seconds."
    )
    moved: Literal["note", "user-agent", "any"] = Field(
        "note",
        description="Reaction to a session's use from elsewhere: an audit event"
        " (`note`), or also a new login after a change of the browser's kind (`user-agent`),"
        " or also after a change of network within 15 minutes (`any`).",
    )

    def settings(self, scale: Scale, *, former_numbers: bool) -> LoginSettings:
        """The login's settings in a deployment of this scale."""
        plain = LoginSettings()
        lifetimes = replace(
            plain.lifetimes,
            idle={level: self.idle_ttl if level else 0 for level in plain.lifetimes.idle},
            absolute={
                level: self.absolute_ttl if level else 0 for level in plain.lifetimes.absolute
            },
        )
        return replace(
            plain,
            starts=scale.by_address(plain.starts),
            attempts=scale.by_address(plain.attempts),
            former_numbers=former_numbers,
            asks_again=ASKS_AGAIN[self.moved],
            lifetimes=lifetimes,
        )


class ThrottleSection(Section):
    per_address: Count | None = Field(
        None,
        description="Logins started, numbers tried, codes requested, cards presented and calls to"
        " /register from one address in 15 minutes, each: 1,200, 600, 300, 300 and 100, in the"
        " sandbox 10,000.",
    )
