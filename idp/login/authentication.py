"""A method of authentication, and one accepted proof by it."""

from collections.abc import Iterable
from dataclasses import dataclass

from idp.core.assurance import Factor
from idp.core.records import Record


@dataclass(frozen=True, slots=True)
class Method:
    """A method: the factors that one proof of it shows, and its ``amr`` values (RFC 8176).

    A one-time code shows a possession; a card with its PIN, or a passkey, shows two factors at
    once. ``opens``: it can begin a login from a typed number; the others only add a factor.
    """

    name: str
    factors: tuple[Factor, ...]
    amr: tuple[str, ...]
    opens: bool


@dataclass(frozen=True, slots=True)
class Authentication(Record):
    """One proof that was accepted: who, how, when (epoch seconds).

    ``credential`` names what proved it where that can be revoked by itself: a chip's key.
    ``further`` are the factors proved besides ``factor``: an older release counts that one only.
    """

    method: str
    factor: Factor
    amr: tuple[str, ...]
    account_id: str
    at: int
    credential: str = ""
    further: tuple[Factor, ...] = ()

    @property
    def factors(self) -> tuple[Factor, ...]:
        """Every factor that it shows."""
        return (self.factor, *self.further)

    @classmethod
    def of(cls, method: Method, account_id: str, at: int, credential: str = "") -> "Authentication":
        """The authentication that ``method`` gives ``account_id`` at ``at``."""
        first, *further = method.factors
        return cls(method.name, first, method.amr, account_id, at, credential, tuple(further))


def factors_of(proving: Iterable[Authentication | Method]) -> frozenset[Factor]:
    """Every factor that they show together."""
    return frozenset(factor for each in proving for factor in each.factors)
