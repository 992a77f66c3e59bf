"""What the desk knows of a way to prove who you are."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from idp.core.assurance import Factor
from idp.core.personal_number import PersonalNumber
from idp.core.records import Record
from idp.login.ticket import Ticket
from idp.storage.transient import Operation
from idp.web.http import Request, Response

if TYPE_CHECKING:
    from idp.login.visit import Visit


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


@dataclass(frozen=True, slots=True)
class Preparation:
    """The store operations that open a proof, and what answers once they ran.

    The desk runs ``operations`` together with its own in one round trip and gives their answers
    to ``begin``, which answers a 303 to the method's own page, or a page that says what to do.
    """

    operations: tuple[Operation, ...]
    begin: Callable[["Visit", tuple[Any, ...]], Response]


class Authenticator(Protocol):
    """A method that can open a login: ``authn.otp`` and ``authn.card``."""

    @property
    def method(self) -> Method: ...

    def prepare(self, request: Request, ticket: Ticket, number: PersonalNumber) -> Preparation:
        """Get ready to prove that whoever is at ``ticket`` has ``number``.

        What is prepared and what is answered never tells whether such a person exists.
        """
        ...

    def withdraw(self, ticket: Ticket) -> tuple[Operation, ...]:
        """Undo what ``prepare`` stored, when the method turned out not to be wanted here."""
        ...
