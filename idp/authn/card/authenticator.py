"""The chip card as a method of the front desk, and the agent's side of the exchange.

The agent pulls: it gets the launch token from the page (QR or link), trades it for a challenge and
hands in what it read. The page never sees chip data; the browser gets the proof by the return
code, or by the match code the citizen picked on another machine.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from idp.audit.events import ProofAccepted, ProofRefused
from idp.audit.log import AuditLog
from idp.authn.card.errors import CardProblem
from idp.authn.card.exchange import (
    CardStatus,
    LaunchCodes,
    Offer,
    Returned,
    card_key,
    nonce,
    state_key,
)
from idp.authn.card.presentation import (
    ExpectedPresentation,
    Holders,
    Presentation,
    accept,
    genuine,
    text,
)
from idp.authn.card.settings import CardSettings
from idp.core import assurance
from idp.core.assurance import Factor
from idp.core.clock import Clock
from idp.core.handles import FLOW_CHARS, Handle, b64url, equal
from idp.core.personal_number import PersonalNumber
from idp.login import throttle
from idp.login.authentication import Authentication, Method
from idp.login.authenticator import Preparation
from idp.login.desk import Desk
from idp.login.errors import Notice
from idp.login.forms import Forms
from idp.login.proofs import Proofs
from idp.login.ticket import Ticket, client_tag
from idp.login.transaction import Transaction, transaction_key
from idp.login.visit import Visit
from idp.mrtd.challenge import rnd_ifd
from idp.mrtd.policy import Policy
from idp.mrtd.trust import TrustStore
from idp.storage.transient import Delete, Get, Operation, Put, Take, Taken, TransientStore, Value
from idp.web.http import Request, Response, cookie, json_response, redirect

SHOWN = "eid_card"
"""The cookie with what the page shows first. Read once: any later request asks the store."""
SHOWN_TTL = 10


@dataclass(frozen=True, slots=True)
class CardLogin:
    """The chip card. ``trust`` gives the country's signing certificates as they are now.

    ``key`` makes tokens and challenges.
    """

    forms: Forms
    desk: Desk
    proofs: Proofs
    transient: TransientStore
    audit: AuditLog
    clock: Clock
    holders: Holders
    settings: CardSettings
    trust: Callable[[], TrustStore]
    policy: Policy
    key: bytes = field(repr=False)

    method: ClassVar[Method] = Method("card", (Factor.POSSESSION,), ("hwk", "sc"), opens=True)

    # The browser's side

    def prepare(self, request: Request, ticket: Ticket, number: PersonalNumber) -> Preparation:
        """See :class:`idp.login.authenticator.Authenticator`."""
        offer = self._offer(ticket, throttle.person(self.holders.counter_key, number.digits))

        def begin(visit: Visit, answers: tuple[Any, ...]) -> Response:
            return self.to_page(ticket, offer)

        return Preparation(self._keep(ticket.flow, offer), begin)

    def withdraw(self, ticket: Ticket) -> tuple[Operation, ...]:
        """See :class:`idp.login.authenticator.Authenticator`."""
        return (Delete(card_key(ticket.flow)),)

    def renew(self, ticket: Ticket, old: Offer) -> Response:
        """Offer again, for the same number: a new launch token, the old one is dead."""
        dead = LaunchCodes.of(self.key, ticket.flow, old.salt).token.key("card-launch")
        offer = self._offer(ticket, old.person)
        self.transient.run(Delete(dead), *self._keep(ticket.flow, offer))
        return self.to_page(ticket, offer)

    def to_page(self, ticket: Ticket, offer: Offer) -> Response:
        """303 to the page, with what it shows first in a cookie: that needs no store."""
        shown = cookie(
            SHOWN, f"{ticket.flow}{offer.salt}", max_age=SHOWN_TTL, secure=self.forms.secure
        )
        return redirect(f"/login/{ticket.text}/card", (shown,))

    def _offer(self, ticket: Ticket, person: str) -> Offer:
        return Offer.new(person, ticket.text, expires_at=self.clock() + self.settings.ttl)

    def _keep(self, flow: str, offer: Offer) -> tuple[Operation, ...]:
        launch = LaunchCodes.of(self.key, flow, offer.salt).token.key("card-launch")
        return (
            Put(card_key(flow), offer.dump(), self.desk.settings.transaction_ttl),
            Put(launch, offer.dump(), self.settings.ttl),
            Delete(state_key(flow)),
        )

    def come_back(self, request: Request, t: str) -> Response:
        """GET /login/<t>/card/return?code=: the agent sent the browser back.

        Raises:
            Notice: the code is not one of this login, or was used.
        """
        returned = Returned.open(self.key, request.query.get("code", ""))
        ticket = self.desk.open(request, t)
        if returned is None or returned.handle.flow != ticket.flow:
            raise Notice("card_expired", onward=f"/login/{t}/card")
        proof = self.proofs.proof(ticket.flow, returned.proof)
        take: Take[Value] = Take(returned.handle.key("card-return"), put=(proof,))
        visit, _ = self.desk.read(request, ticket, take)
        if take.value.value is None:
            visit, _ = self.desk.read(request, ticket)
            if visit.proved(self.method.name):  # the browser came twice
                return self.desk.proceed(visit)
            raise Notice("step_done", status=409, onward=f"{visit.url}/continue")
        _, proved = self.proofs.prove(visit, returned.proof)
        return self.desk.proceed(proved)

    # The agent's side

    def launch(self, request: Request) -> Response:
        """POST /card/launch: trade the launch token for a session and its challenge.

        Raises:
            CardProblem: ``session-unknown``, ``session-used``, ``throttled``.
        """
        handle = _handle(text(request.json(), "launch_token"))
        flow, session = handle.flow, Handle.new(handle.flow)
        toll = throttle.Toll(((self.settings.launches, throttle.address(request.peer)),))
        taken, shown, told, begun, *counts = self.transient.run(
            Take(
                handle.key("card-launch"),
                put=(self._put_status(flow, CardStatus.OPENED),),
                into=session.key("card-session"),
                into_ttl=self.settings.ttl,
            ),
            Get(card_key(flow)),
            Get(state_key(flow)),  # with what whoever was faster left
            Get(transaction_key(flow)),
            *toll.operations,
        )
        self._check(toll, tuple(counts), taken, flow)
        offer, transaction = Offer.read(shown), Transaction.read(begun)
        if offer is None or transaction is None:
            raise CardProblem("session-unknown")
        codes = LaunchCodes.of(self.key, flow, offer.salt)
        if taken.value != shown:  # used, or never a token of this offer
            mine = equal(str(codes.token), str(handle)) and told is not None
            raise CardProblem("session-used" if mine else "session-unknown")
        return json_response(self._challenge(transaction, codes, session))

    def _challenge(
        self, transaction: Transaction, codes: LaunchCodes, session: Handle
    ) -> dict[str, Any]:
        client = self.forms.describe(client_tag(transaction.client_id))
        return {
            "session": str(session),
            "nonce": b64url(nonce(self.key, str(session))),
            "origin": self.forms.pages.site.origin,
            "client_name": client.called("vi") if client else "",
            "acr": assurance.acr(transaction.requirement.level),
            "match_code_choices": list(codes.choices),
            "expires_in": self.settings.ttl,
        }

    def present(self, request: Request, session: str) -> Response:
        """POST /card/<session>/presentation: what was read from the card.

        The challenge is taken before anything is verified: one try for each. The return code is
        made ready in the same step, and handed out only after every check.

        Raises:
            CardProblem: see :data:`idp.authn.card.errors.TITLES`.
        """
        handle, presented = _handle(session), Presentation.parse(request.json())
        toll = throttle.Toll(((self.settings.presentations, throttle.address(request.peer)),))
        flow, returning = handle.flow, Handle.new(handle.flow)
        ready = Put(returning.key("card-return"), {}, self.settings.ttl)
        taken, shown, told, begun, *counts = self.transient.run(
            Take(handle.key("card-session"), put=(ready,)),
            Get(card_key(flow)),
            Get(state_key(flow)),
            Get(transaction_key(flow)),
            *toll.operations,
        )
        self._check(toll, tuple(counts), taken, flow)
        offer, transaction = Offer.read(taken.value), Transaction.read(begun)
        if offer is None or transaction is None or taken.value != shown:
            known = shown is not None and told is not None
            raise CardProblem("session-used" if known else "session-unknown")
        proof = self._prove(request, transaction.client_id, session, offer, presented)
        if presented.picked is not None:
            self.transient.run(
                self._put_status(flow, CardStatus.DONE), self.proofs.proof(flow, proof)
            )
        return self._hand_over(offer, Returned(returning, proof).seal(self.key))

    def _prove(
        self, request: Request, client_id: str, session: str, offer: Offer, shown: Presentation
    ) -> Authentication:
        """What the card proves; the audit log has it, or why it proves nothing.

        Raises:
            CardProblem: it does not.
        """
        flow, now = session[:FLOW_CHARS], self.clock()
        challenge = rnd_ifd(self.forms.pages.site.origin, session, nonce(self.key, session))
        match_code = LaunchCodes.of(self.key, flow, offer.salt).match_code
        expected = ExpectedPresentation(challenge, offer.person, match_code)
        try:
            verified = genuine(shown, expected, trust=self.trust(), policy=self.policy, now=now)
            account = accept(self.holders, shown, expected, verified)
        except CardProblem as refusal:
            refused = ProofRefused(
                method="card", reason=refusal.reason, client_id=client_id, flow=flow
            )
            self.audit.write(refused, peer=request.peer)
            self.transient.run(self._put_status(flow, CardStatus.FAILED))
            raise
        accepted = ProofAccepted(
            method="card",
            factor="+".join(self.method.factors),
            account_id=account.id,
            client_id=client_id,
            flow=flow,
        )
        self.audit.write(accepted, peer=request.peer)
        return Authentication.of(self.method, account.id, now, verified.chip_key_digest)

    def _hand_over(self, offer: Offer, return_code: str) -> Response:
        """What the agent gets, to send the browser back with when that is on this machine."""
        back = f"/login/{offer.ticket}/card/return?code={return_code}"
        return json_response(
            {"return_code": return_code, "return_url": f"{self.forms.pages.site.origin}{back}"}
        )

    # Shared

    def _put_status(self, flow: str, state: CardStatus) -> Put:
        """The operation that tells the page how far it is."""
        said = {"state": state.value, "expires_at": self.clock() + self.settings.ttl}
        return Put(state_key(flow), said, self.desk.settings.transaction_ttl)

    def _check(
        self, toll: throttle.Toll, counts: tuple[int, ...], taken: Taken[Value], flow: str
    ) -> None:
        """Refuse what is too much; what it took is lost, and the page told so.

        Raises:
            CardProblem: ``throttled``.
        """
        try:
            toll.check(counts)
        except throttle.Throttled as error:
            if taken.value is not None:
                self.transient.run(self._put_status(flow, CardStatus.FAILED))
            raise CardProblem("throttled", retry_after=error.limit.window) from error


def _handle(text: str) -> Handle:
    handle = Handle.parse(text)
    if handle is None:
        raise CardProblem("session-unknown")
    return handle
