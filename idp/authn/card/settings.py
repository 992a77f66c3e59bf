"""Settings of the card login."""

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field

from idp.core.section import Section
from idp.login.throttle import Limit, Scale


@dataclass(frozen=True, slots=True)
class CardSettings:
    """``ttl`` seconds a launch token, and then a challenge, lives.

    Per address in a quarter of an hour: ``launches`` tokens tried, ``presentations`` cards shown.
    """

    ttl: int = 120
    launches: Limit = field(default_factory=lambda: Limit("card-launches", 600))
    presentations: Limit = field(default_factory=lambda: Limit("card-presentations", 300))


class TrustSection(Section):
    directory: Path = Field(
        Path("keys/trust/csca"),
        description="Trust anchors of chip cards: CSCA certificates, CRLs, master lists. Outside"
        " production the development authority in the keys directory is trusted too.",
    )


def card_settings(scale: Scale) -> CardSettings:
    """The settings of a deployment of this scale."""
    plain = CardSettings()
    return CardSettings(
        launches=scale.by_address(plain.launches),
        presentations=scale.by_address(plain.presentations),
    )
