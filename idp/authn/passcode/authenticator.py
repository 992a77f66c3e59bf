"""The passcode as a further factor: asked for only after a possession was proved."""

from dataclasses import dataclass, field
from typing import ClassVar

from idp.accounts import passcode as passcodes
from idp.accounts.lifecycle import AccountUnusable
from idp.accounts.model import Account
from idp.audit.events import ProofAccepted, ProofRefused
from idp.audit.log import AuditLog
from idp.core.assurance import Factor
from idp.core.clock import Clock
from idp.core.errors import AuthenticationFailed
from idp.login import throttle
from idp.login.authentication import Authentication, Method
from idp.login.desk import Desk
from idp.login.dispatch import Authenticate
from idp.login.forms import Forms
from idp.login.proofs import Proofs
from idp.login.throttle import Limit
from idp.login.visit import Visit
from idp.storage.transient import Delete, TransientStore
from idp.web.http import Response

TRIES = Limit("passcode", 5)


@dataclass(frozen=True, slots=True)
class Passcode:
    """The passcode. ``pepper`` keys the hashes, ``tries`` limits guesses at an account."""

    forms: Forms
    desk: Desk
    proofs: Proofs
    transient: TransientStore
    audit: AuditLog
    clock: Clock
    pepper: bytes = field(repr=False)
    tries: Limit = TRIES

    method: ClassVar[Method] = Method("passcode", (Factor.KNOWLEDGE,), ("pin",), opens=False)

    def account_asked(self, visit: Visit) -> str | None:
        """Whose passcode is asked for here; None when none is."""
        step = self.desk.step(visit)
        if not isinstance(step, Authenticate) or self.method.name not in step.methods:
            return None
        earlier = visit.session.authentications if visit.session else ()
        return (*earlier, *visit.proofs)[-1].account_id

    def is_set(self, visit: Visit) -> bool:
        """Whether the citizen who is asked has a passcode at all: they proved who they are."""
        account_id = self.account_asked(visit)
        return account_id is not None and self._account(visit, account_id).passcode_hash is not None

    def _account(self, visit: Visit, account_id: str) -> Account:
        try:
            return self.proofs.usable(account_id)[0]
        except AccountUnusable as error:
            raise self.desk.unusable(visit, error) from error

    def verify(self, visit: Visit, typed: str) -> Response:
        """Check a typed passcode; the citizen moves on.

        Only who proved a possession of the account gets here, so the limit on guesses locks
        nobody out by a stranger's hand.

        Raises:
            AuthenticationFailed: not the passcode.
            Notice: too many guesses, or the account may not be used.
        """
        account_id = self.account_asked(visit)
        if account_id is None:
            return self.desk.proceed(visit)
        toll = throttle.Toll(((self.tries, account_id),))
        try:
            toll.check(self.transient.run(*toll.operations))
        except throttle.Throttled as error:
            wait = error.limit.window
            raise self.desk.dead_end(visit, "passcode_spent", retry_after=wait) from error
        account = self._account(visit, account_id)
        context = {"client_id": visit.transaction.client_id, "flow": visit.ticket.flow}
        if not passcodes.verify(account.passcode_hash, typed, self.pepper):
            refused = ProofRefused(
                method=self.method.name,
                reason="passcode-wrong" if account.passcode_hash else "passcode-none",
                account_id=account_id,
                **context,
            )
            self.audit.write(refused, peer=visit.request.peer)
            raise AuthenticationFailed("passcode.error.wrong", reason=refused.reason)
        authentication = Authentication.of(self.method, account_id, self.clock())
        accepted = ProofAccepted(
            method=authentication.method,
            factor="+".join(authentication.factors),
            account_id=account_id,
            **context,
        )
        self.audit.write(accepted, peer=visit.request.peer)
        proof, proved = self.proofs.prove(visit, authentication)
        forgiven = (Delete(each.key) for each in toll.operations)  # only wrong ones count
        self.transient.run(proof, *forgiven)
        return self.desk.proceed(proved)
