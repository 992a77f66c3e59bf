"""What the desk knows of a way to prove who you are."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from idp.core.personal_number import PersonalNumber
from idp.login.authentication import Method
from idp.login.ticket import Ticket
from idp.login.visit import Visit
from idp.storage.transient import Operation
from idp.web.http import Request, Response


@dataclass(frozen=True, slots=True)
class Preparation:
    """The store operations that open a proof, and what answers once they ran.

    The desk runs ``operations`` together with its own in one round trip and gives their answers
    to ``begin``, which answers a 303 to the method's own page, or a page that says what to do.
    """

    operations: tuple[Operation, ...]
    begin: Callable[[Visit, tuple[Any, ...]], Response]


class Authenticator(Protocol):
    """A method that can open a login: ``authn.otp`` and ``authn.card``."""

    @property
    def method(self) -> Method: ...

    def prepare(self, request: Request, ticket: Ticket, number: PersonalNumber) -> Preparation:
        """Prepare to prove that the citizen at ``ticket`` has ``number``.

        Neither the preparation nor the answer shows whether such a person exists.
        """
        ...

    def withdraw(self, ticket: Ticket) -> tuple[Operation, ...]:
        """Undo what ``prepare`` stored, when the method turned out not to be wanted here."""
        ...
