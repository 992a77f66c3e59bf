"""One person's open requests, and their limits.

The person is named by a MAC of their number, whether or not the person exists: the client cannot
see a difference (CIBA Core §15).
"""

import secrets
from dataclasses import dataclass

from idp.accounts.lifecycle import AccountUnusable, require_usable
from idp.accounts.model import Account
from idp.core.handles import digest
from idp.core.personal_number import PersonalNumber
from idp.login import throttle
from idp.login.throttle import QUARTER, Limit, Toll
from idp.oidc.ciba.grant import KIND
from idp.oidc.clients.model import Client
from idp.oidc.decoupled.waiting import PendingRequest, Reference, RequestState
from idp.oidc.errors import OAuthError, slow_down
from idp.oidc.services import Services
from idp.storage.transient import Delete, Get, Link, Members, Operation, Put, Unlink, Value

CHOICES = 3
REQUESTS = Limit("ciba-client", 3_000, 60)
"""Requests of one client in a minute."""
MAX_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One person's requests; ``who`` is the MAC of their number."""

    who: str

    @classmethod
    def of(cls, services: Services, number: PersonalNumber) -> "Mailbox":
        """The mailbox of this number."""
        return cls(throttle.person(services.keys.derive("counter"), number.digits))

    def last(self, client: Client | str) -> str:
        """Key of the client's last open request."""
        return f"ciba-last:{{{self.who}}}:{_tag(client)}"

    def quiet(self, client: Client | str) -> str:
        """Key of the pause after this person denied a request of the client."""
        return f"ciba-quiet:{{{self.who}}}:{_tag(client)}"

    @property
    def all(self) -> str:
        """Key of the set of open requests' references."""
        return f"ciba-of:{{{self.who}}}"

    def ask(self, services: Services, client: Client) -> Reference | None:
        """Check that ``client`` may ask this person now; returns its earlier request, if open.

        Raises:
            OAuthError: 429: too many requests, or the person has just denied one.
        """
        settings, toll = services.settings, self._toll(services, client)
        quiet, last, *counts = services.transient.run(
            Get(self.quiet(client)), Get(self.last(client)), *toll.operations
        )
        try:
            toll.check(tuple(counts))
        except throttle.Throttled as error:
            raise _not_now(error.limit.window, f"throttled-{error.limit.name}") from error
        if quiet is not None:
            raise _not_now(settings.backchannel_cool_down, "cool-down")
        return Reference.parse(last["reference"]) if last else None

    def put(self, waiting: PendingRequest, now: int) -> tuple[Operation, ...]:
        """The operations that add a request."""
        reference, left = str(waiting.reference), waiting.expires_at - now
        return (
            Put(self.last(waiting.client_id), {"reference": reference}, left),
            Link(self.all, reference, left),
        )

    def forget(self, waiting: PendingRequest) -> Unlink:
        """The operation that removes a request from the open ones."""
        return Unlink(self.all, str(waiting.reference))

    def remove(
        self, waiting: PendingRequest, *, allowed: bool, cool_down: int
    ) -> tuple[Operation, ...]:
        """The operations of a decision. A denial starts the pause of ``cool_down`` seconds."""
        removed = (Delete(self.last(waiting.client_id)), self.forget(waiting))
        if allowed or not cool_down:
            return removed
        return (*removed, Put(self.quiet(waiting.client_id), {}, cool_down))

    def requests(self, services: Services) -> tuple[PendingRequest, ...]:
        """The open requests, newest first."""
        (members,) = services.transient.run(Members(self.all))
        found = [Reference.parse(each) for each in sorted(members)]
        reads: list[Get[Value]] = [Get(each.key(KIND)) for each in found if each]
        services.transient.run(*reads)
        undecided = (
            each.value for each in reads if each.value and RequestState.USED not in each.value
        )
        now = services.clock()
        waiting = [each for each in map(PendingRequest.read, undecided) if each and each.open(now)]
        return tuple(sorted(waiting, key=lambda each: -each.begun_at)[:MAX_SHOWN])

    def _toll(self, services: Services, client: Client) -> Toll:
        settings, pair = services.settings, f"{self.who}:{_tag(client)}"
        return Toll(
            (
                (REQUESTS, client.client_id),
                (Limit("ciba-pair", settings.backchannel_per_client, QUARTER), pair),
                (Limit("ciba-person", settings.backchannel_per_person, QUARTER), self.who),
            )
        )


def recipient(services: Services, number: PersonalNumber) -> Account | None:
    """The account with this number; None if the person is unknown or may not log in."""
    account = services.accounts.by_number(number)
    person = services.registry.person(number)
    if account is None or person is None:
        return None
    try:
        require_usable(account, person)
    except AccountUnusable:
        return None
    return account


def match_numbers() -> tuple[str, tuple[str, ...]]:
    """The two-digit number that the client shows, and the three choices."""
    choices = tuple(str(each) for each in secrets.SystemRandom().sample(range(10, 100), CHOICES))
    return secrets.choice(choices), choices


def _tag(client: Client | str) -> str:
    return digest(client if isinstance(client, str) else client.client_id)


def _not_now(seconds: int, reason: str) -> OAuthError:
    return slow_down(
        "access_denied", seconds, "this person must not be asked again so soon", reason=reason
    )
