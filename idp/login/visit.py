"""What a step of a login sees: the relying party, the visit, and the session it ends in."""

from collections.abc import Mapping
from dataclasses import dataclass

from idp.accounts.model import Account
from idp.audit.events import Event
from idp.login.authentication import Authentication
from idp.login.session import Session
from idp.login.sessions import Renewed
from idp.login.ticket import Ticket
from idp.login.transaction import Transaction
from idp.registry.model import Person
from idp.web.http import Request


@dataclass(frozen=True, slots=True)
class ClientView:
    """What login pages show of a relying party, found without a look-up in any store.

    ``origins`` are the sources its redirects lead to, for the ``form-action`` of the pages, and
    ``domain`` is where they lead, for people; ``pictures`` is the source of its ``logo``.
    """

    name: Mapping[str, str]
    home: str = ""
    origins: tuple[str, ...] = ()
    domain: str = ""
    logo: str = ""
    pictures: tuple[str, ...] = ()
    policy: str = ""
    terms: str = ""

    def called(self, locale: str) -> str:
        """The relying party's name in ``locale``."""
        return self.name.get(locale) or next(iter(self.name.values()), "")


@dataclass(frozen=True, slots=True)
class Visit:
    """One request to a login under way, opened and read."""

    request: Request
    browser: str
    ticket: Ticket
    transaction: Transaction
    proofs: tuple[Authentication, ...]
    session: Session | None

    @property
    def url(self) -> str:
        """Where the pages of this login are."""
        return f"/login/{self.ticket.text}"

    def proved(self, method: str) -> bool:
        """Whether ``method`` was proved in this login."""
        return any(each.method == method for each in self.proofs)


@dataclass(frozen=True, slots=True)
class Settled:
    """A met requirement turned into a session: store and audit these, then answer with cookies."""

    renewed: Renewed
    account: Account
    person: Person
    events: tuple[Event, ...]

    @property
    def session(self) -> Session:
        """The session as it is from now on."""
        return self.renewed.session
