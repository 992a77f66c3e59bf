"""The one-time code as a method of the front desk: ask for it, send it, check it.

Asked for a number nobody has, or whose holder has no phone, everything happens alike but the
sending, which is out of band: same answers, same store operations, same audit writes.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from idp.accounts import holder
from idp.accounts.lifecycle import AccountUnusable, require_usable
from idp.accounts.model import Account
from idp.accounts.repository import Accounts
from idp.audit.events import CodeNotSent, CodeSent, ProofAccepted, ProofRefused
from idp.audit.log import AuditLog
from idp.authn.otp import challenge
from idp.authn.otp.challenge import Challenge, challenge_key, used_key
from idp.authn.otp.settings import OtpSettings
from idp.core.assurance import Factor
from idp.core.clock import Clock
from idp.core.errors import AuthenticationFailed, Unavailable
from idp.core.handles import equal
from idp.core.personal_number import PersonalNumber
from idp.login import throttle
from idp.login.authentication import Authentication, Method
from idp.login.authenticator import Preparation
from idp.login.desk import Desk
from idp.login.errors import Notice
from idp.login.forms import Forms
from idp.login.proofs import Proofs
from idp.login.replay import SECONDS, Answered
from idp.login.ticket import Ticket
from idp.login.visit import Visit
from idp.notify.sender import Sender
from idp.notify.text import code_text
from idp.registry.source import RegistrySource
from idp.storage.transient import (
    Add,
    Delete,
    Get,
    Operation,
    Put,
    Take,
    Taken,
    TransientStore,
    Value,
)
from idp.web.http import Request, Response, redirect


@dataclass(frozen=True, slots=True)
class Otp:
    """The one-time code. ``host`` is named in the message.

    ``key`` binds stored codes, ``counter_key`` hides who a counter counts.
    """

    forms: Forms
    desk: Desk
    proofs: Proofs
    transient: TransientStore
    audit: AuditLog
    clock: Clock
    accounts: Accounts
    registry: RegistrySource
    sender: Sender
    settings: OtpSettings
    host: str
    key: bytes = field(repr=False)
    counter_key: bytes = field(repr=False)

    method: ClassVar[Method] = Method("otp", (Factor.POSSESSION,), ("otp", "sms"), opens=True)

    def prepare(self, request: Request, ticket: Ticket, number: PersonalNumber) -> Preparation:
        """See :class:`idp.login.authenticator.Authenticator`."""
        who = throttle.person(self.counter_key, number.digits)
        recipient = self._recipient(number)
        code, asked = self._issue(ticket.flow, recipient, who)
        toll = self._toll(request, ticket, who)

        def begin(visit: Visit, answers: tuple[Any, ...]) -> Response:
            added, *counts = answers
            if not added and self._live(visit.ticket.flow, who):
                return redirect(f"{visit.url}/otp")  # asked twice: one code, one message
            try:
                self._check(visit, toll, tuple(counts))
            except Notice:
                if added:
                    self.transient.run(*self.withdraw(visit.ticket))
                raise
            if not added:
                self.transient.run(self._put(visit.ticket.flow, asked))
            return self._send(visit, recipient, code)

        add = Add(challenge_key(ticket.flow), asked, throttle.QUARTER)
        return Preparation((add, *toll.operations), begin)

    def withdraw(self, ticket: Ticket) -> tuple[Operation, ...]:
        """See :class:`idp.login.authenticator.Authenticator`."""
        return (Delete(challenge_key(ticket.flow)),)

    def resend(self, request: Request, ticket: Ticket) -> Response:
        """Send another code to the same person; the one before it is dead.

        Raises:
            Notice: the number must be typed again, or too many codes were asked for.
        """
        kept = Get(challenge_key(ticket.flow), Challenge)
        visit, _ = self.desk.read(request, ticket, kept)
        before = kept.value
        if before is None:
            raise Notice("code_gone", status=409, onward=visit.url)
        account = self.accounts.by_id(before.account_id) if before.account_id else None
        code, asked = self._issue(ticket.flow, account, before.person)
        toll = self._toll(request, ticket, before.person)
        self._check(visit, toll, self.transient.run(*toll.operations))
        self.transient.run(self._put(ticket.flow, asked))
        return self._send(visit, account, code)

    def verify(self, request: Request, ticket: Ticket, typed: str) -> Response:
        """Check a typed code; the citizen moves on.

        Raises:
            AuthenticationFailed: not the code; another may be typed.
            Notice: there is no live code any more.
        """
        attempts = throttle.Toll(((self.desk.settings.attempts, throttle.address(request.peer)),))
        code = challenge.normalise(typed)
        if code is None:
            raise AuthenticationFailed("otp.error.format", reason="otp-format")
        try:
            kept = Get(challenge_key(ticket.flow), Challenge)
            visit, (_, *counts) = self.desk.read(request, ticket, kept, *attempts.operations)
        except Answered:
            self._require_same(ticket.flow, code, onward=f"/login/{ticket.text}/continue")
            raise
        self.desk.check(attempts, tuple(counts), onward=visit.url)
        asked = kept.value
        if asked is None and visit.proved(self.method.name):
            return self._again(visit, code)
        if asked is None or asked.expires_at <= self.clock():
            raise Notice("code_gone", status=409, onward=f"{visit.url}/continue")
        authentication = Authentication.of(self.method, asked.account_id, self.clock())
        proof, proved = self.proofs.prove(visit, authentication)
        take: Take[Value] = Take(
            challenge_key(ticket.flow),
            binding=challenge.binding(self.key, ticket.flow, asked.salt, code),
            tries=self.settings.tries,
            put=(proof,),
            into=used_key(ticket.flow),
            into_ttl=SECONDS,
        )
        self.transient.run(take)
        taken = take.value
        if taken.value is None and not taken.mismatch:  # somebody was faster
            visit, _ = self.desk.read(request, ticket)
            if visit.proved(self.method.name):
                return self._again(visit, code)
        if taken.value is None:
            self._refused(visit, asked, taken)
        self._accepted(visit, proof, authentication)
        return self.desk.proceed(proved)

    def _again(self, visit: Visit, code: str) -> Response:
        """The answer to a form that was sent twice: where the first one led."""
        self._require_same(visit.ticket.flow, code, onward=f"{visit.url}/continue")
        return self.desk.proceed(visit)

    def _require_same(self, flow: str, code: str, *, onward: str) -> None:
        """Return when ``code`` is the one that this login just took.

        Raises:
            Notice: it is another one, or that was too long ago.
        """
        kept = Get(used_key(flow), Challenge)
        self.transient.run(kept)
        used = kept.value
        if used is None or not equal(
            used.binding, challenge.binding(self.key, flow, used.salt, code)
        ):
            raise Notice("code_gone", status=409, onward=onward)

    def _accepted(self, visit: Visit, proof: Put, authentication: Authentication) -> None:
        event = ProofAccepted(
            method=authentication.method,
            factor="+".join(authentication.factors),
            account_id=authentication.account_id,
            client_id=visit.transaction.client_id,
            flow=visit.ticket.flow,
        )
        try:
            self.audit.write(event, peer=visit.request.peer)
        except Unavailable:
            self.transient.delete(proof.key)  # no proof without its record
            raise

    def _refused(self, visit: Visit, asked: Challenge, taken: Taken[Value]) -> None:
        """Say why nothing was taken: a wrong code, the last wrong code, or somebody was faster."""
        reason = "otp-wrong" if taken.mismatch else "otp-used"
        event = ProofRefused(
            method=self.method.name,
            reason=reason,
            account_id=asked.account_id,
            client_id=visit.transaction.client_id,
            flow=visit.ticket.flow,
        )
        self.audit.write(event, peer=visit.request.peer)
        if taken.mismatch and taken.tries_left:
            raise AuthenticationFailed("otp.error.wrong", reason=reason)
        if taken.mismatch:
            raise Notice("code_spent", status=429, onward=visit.url, reason="otp-spent")
        raise Notice("code_gone", status=409, onward=f"{visit.url}/continue", reason=reason)

    def _recipient(self, number: PersonalNumber) -> Account | None:
        """The account a code can be sent to. A holder who locked it learns so afterwards."""
        found = holder.find_by_number(self.accounts, self.registry, number)
        if found is None or not found[0].phone:
            return None
        account, person = found
        try:
            require_usable(account, person)
        except AccountUnusable as error:
            return account if error.locked_by_holder else None
        return account

    def _issue(self, flow: str, recipient: Account | None, who: str) -> tuple[str, Challenge]:
        code = self.settings.fixed_code or challenge.new_code()
        asked = challenge.issue(
            self.key,
            flow,
            code=code,
            account_id=recipient.id if recipient else "",
            person=who,
            expires_at=self.clock() + self.settings.ttl,
        )
        return code, asked

    def _put(self, flow: str, asked: Challenge) -> Put:
        return Put(challenge_key(flow), asked, throttle.QUARTER)

    def _live(self, flow: str, who: str) -> bool:
        kept = Get(challenge_key(flow), Challenge)
        self.transient.run(kept)
        asked = kept.value
        return bool(asked and asked.person == who and asked.expires_at > self.clock())

    def _toll(self, request: Request, ticket: Ticket, who: str) -> throttle.Toll:
        return throttle.Toll(
            (
                (self.settings.sends, who),
                (self.settings.sends_a_day, who),
                (self.settings.address, throttle.address(request.peer)),
                (self.settings.client, ticket.client_tag),
            )
        )

    def _check(self, visit: Visit, toll: throttle.Toll, counts: tuple[int, ...]) -> None:
        """Whether a code may be sent now: asked alike for everybody.

        Raises:
            Notice: too many were, or the gateway is down.
        """
        self.desk.check(toll, counts, onward=visit.url)
        try:
            self.sender.check()
        except Unavailable as error:
            raise Notice("sms_down", status=503, onward=visit.url, retry_after=60) from error

    def _send(self, visit: Visit, recipient: Account | None, code: str) -> Response:
        context = {"client_id": visit.transaction.client_id, "flow": visit.ticket.flow}
        if recipient is None or recipient.phone is None:
            event: CodeSent | CodeNotSent = CodeNotSent(reason="no-recipient", **context)
        else:
            event = CodeSent(account_id=recipient.id, **context)
        self.audit.write(event, peer=visit.request.peer)
        if recipient and recipient.phone and not self.settings.silent:
            text = code_text(code, host=self.host, minutes=self.settings.ttl // 60)
            self.sender.send(recipient.phone, text, reference=visit.ticket.flow)
        return redirect(f"{visit.url}/otp")
