"""Settings of the card login."""

from dataclasses import dataclass, field

from idp.login.throttle import Limit


@dataclass(frozen=True, slots=True)
class CardSettings:
    """``ttl`` seconds a launch token, and then a challenge, lives.

    Per address in a quarter of an hour: ``launches`` tokens tried, ``presentations`` cards shown.
    """

    ttl: int = 120
    launches: Limit = field(default_factory=lambda: Limit("card-launches", 600))
    presentations: Limit = field(default_factory=lambda: Limit("card-presentations", 300))
