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
    """A method: the factor it proves and its ``amr`` values (RFC 8176).

    ``opens``: it can begin a login from a typed number; the others only add a factor.
    """

    name: str
    factor: Factor
    amr: tuple[str, ...]
    opens: bool


@dataclass(frozen=True, slots=True)
class Authentication(Record):
    """One proof that was accepted: who, how, when (epoch seconds).

    ``credential`` names what proved it where that can be revoked by itself: a chip's key.
    """

    method: str
    factor: Factor
    amr: tuple[str, ...]
    account_id: str
    at: int
    credential: str = ""

    @classmethod
    def of(cls, method: Method, account_id: str, at: int, credential: str = "") -> "Authentication":
        """The authentication that ``method`` gives ``account_id`` at ``at``."""
        return cls(method.name, method.factor, method.amr, account_id, at, credential)


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
