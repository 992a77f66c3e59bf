"""Where forced results take effect: the desk that begins logins, the mint that ends them.

The provider of a sandbox is built with these two in the place of its own; see :func:`equip`.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from typing import Any

from idp.audit.events import OperatorAction
from idp.core.errors import Unavailable
from idp.core.handles import random_token
from idp.jose.jwt import sign_jwt
from idp.keystore import file as keystore
from idp.keystore.keyset import KeyState
from idp.keystore.rotation import Policy
from idp.login.build import Login
from idp.login.desk import Desk
from idp.login.requirement import Requirement
from idp.login.session import Session
from idp.login.visit import Visit
from idp.oidc.authorization.acr import unmet
from idp.oidc.authorization.walk import RESUME
from idp.oidc.clients.model import Client
from idp.oidc.errors import OAuthError
from idp.oidc.grants import refresh_token
from idp.oidc.services import Services
from idp.oidc.tokens.authorization import Authorization
from idp.oidc.tokens.issue import FrontChannel, Mint, Redemption
from idp.oidc.vocabulary import CODE
from idp.sandbox import forced
from idp.sandbox.forced import Forced, ForcedResults
from idp.sandbox.observation import note_forced
from idp.standing.check import Ended
from idp.web.http import Request

REASON = "sandbox_forced"
KEEP_RETIRED = 3_600
"""Seconds that a key is published after a forced rotation: longer than any token lives."""

Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SandboxDesk(Desk):
    """The login desk. An error that waits for anybody is answered before a page is shown."""

    waiting: ForcedResults

    def begin(
        self,
        request: Request,
        *,
        client_id: str,
        requirement: Requirement,
        return_path: str,
        payload: Mapping[str, Any],
        ui_locales: str = "",
    ) -> tuple[Visit, tuple[str, ...]]:
        """See :meth:`idp.login.desk.Desk.begin`.

        Raises:
            OAuthError: the one that was asked for.
        """
        if return_path == RESUME:
            _refuse(self.waiting.take(client_id, "authorize", None))
        return Desk.begin(
            self,
            request,
            client_id=client_id,
            requirement=requirement,
            return_path=return_path,
            payload=payload,
            ui_locales=ui_locales,
        )


@dataclass(frozen=True, slots=True)
class SandboxMint(Mint):
    """The mint. ``wanted`` is what the ID token that it makes now shall be like.

    ``everywhere`` returns when every process has the keys that were changed.
    """

    waiting: ForcedResults
    everywhere: Callable[[], object]
    wanted: Forced | None = None

    def issue(self, redemption: Redemption, *, peer: str) -> dict[str, Any]:
        """See :meth:`idp.oidc.tokens.issue.Mint.issue`."""
        authorization = redemption.authorization
        if redemption.grant_type == refresh_token.GRANT_TYPE or authorization.account_id is None:
            return Mint.issue(self, redemption, peer=peer)
        wanted = self._take(authorization, "token")
        if wanted is None:
            return Mint.issue(self, redemption, peer=peer)
        if wanted.result == "expired_code":
            raise Ended(REASON)
        self._prepare(wanted, authorization)
        changed = replace(redemption, authorization=_changed(wanted, authorization))
        answer = Mint.issue(replace(self, wanted=wanted), changed, peer=peer)
        if wanted.result == "revoked_card":
            self.standing.end_grant(authorization.flow)
        return answer

    def front_channel(
        self,
        authorization: Authorization,
        session: Session,
        response_type: str,
        beside: Mapping[str, str],
    ) -> FrontChannel:
        """See :meth:`idp.oidc.tokens.issue.Mint.front_channel`.

        Raises:
            OAuthError: the one that was asked for.
        """
        _refuse(self._take(authorization, "authorize"))
        wanted = None
        if CODE not in response_type.split():  # else at the token endpoint
            wanted = self._take(authorization, "token")
            self._prepare(wanted, authorization)
        return Mint.front_channel(
            replace(self, wanted=wanted),
            _changed(wanted, authorization),
            session,
            response_type,
            beside,
        )

    def _take(self, authorization: Authorization, stage: forced.Stage) -> Forced | None:
        taken = self.waiting.take(authorization.client_id, stage, authorization.account_id)
        if taken is not None:
            note_forced(taken.result)
        return taken

    def _prepare(self, wanted: Forced | None, authorization: Authorization) -> None:
        if wanted is None:
            return
        if wanted.result == "slow_answer":
            time.sleep(wanted.seconds)
        client = self.standing.clients.get(authorization.client_id)
        if wanted.result == "key_rotated" and client is not None:
            event = OperatorAction(
                action="keys.rotate", actor="sandbox", client_id=client.client_id
            )
            self.audit.write(event)
            self._rotate(client.id_token_signed_response_alg)

    def _rotate(self, alg: str) -> None:
        """Sign with a key that nobody has seen; the one before it still verifies.

        Raises:
            Unavailable: the keys cannot be changed from here.
        """
        directory, now = self.keys.directory, self.clock()
        policy = Policy(algs=(alg,), publish_ahead=0, keep_retired=KEEP_RETIRED)
        try:
            for each in self.keys.keys.find(alg, KeyState.NEXT):
                with suppress(LookupError):  # another process was here first
                    keystore.revoke(directory, each.kid, now)  # it was published: it is known
            keystore.rotate(directory, now, policy, due=True)
        except OSError as error:
            raise Unavailable("keys") from error
        self.everywhere()

    def _signed(self, client: Client, claims: Claims) -> str:
        wanted = self.wanted
        if wanted is None:
            return Mint._signed(self, client, claims)
        if wanted.result == "missing_claim":
            claims = {name: value for name, value in claims.items() if name != wanted.claim}
        wrong = _WRONG[wanted.result](claims) if wanted.result in _WRONG else claims
        signer = self.keys.signer(client.id_token_signed_response_alg)
        if wanted.result == "bad_signature":
            content, _, _ = sign_jwt(signer, claims).rpartition(".")
            _, _, other = sign_jwt(signer, {**claims, "jti": random_token()}).rpartition(".")
            return f"{content}.{other}"
        return sign_jwt(signer, wrong)


_WRONG: Mapping[str, Callable[[Claims], Claims]] = {
    "wrong_nonce": lambda claims: {**claims, "nonce": random_token(16)},
    "wrong_audience": lambda claims: {**claims, "aud": "another-client"},
    "wrong_issuer": lambda claims: {**claims, "iss": "https://another-issuer.invalid"},
    "expired_id_token": lambda claims: {
        **claims,
        "iat": claims["iat"] - 7_200,
        "exp": claims["iat"] - 3_600,
    },
}
"""What a relying party must not accept (OIDC Core §3.1.3.7)."""


def _refuse(wanted: Forced | None) -> None:
    if wanted is None:
        return
    note_forced(wanted.result)
    if wanted.result == "unmet_authentication_requirements":
        raise unmet(REASON)
    raise OAuthError(wanted.result, "forced in the sandbox", reason=REASON)


def _changed(wanted: Forced | None, authorization: Authorization) -> Authorization:
    """The authorization that tokens are made of: with less than the citizen proved or allowed."""
    if wanted is not None and wanted.result == "level_too_low":
        return replace(authorization, level=1)
    if wanted is not None and wanted.result == "missing_claim":
        return replace(
            authorization,
            claims=tuple(each for each in authorization.claims if each != wanted.claim),
        )
    return authorization


def equip_login(login: Login, waiting: ForcedResults) -> Login:
    """The same login, which is refused where that was asked for."""
    return replace(login, desk=_as(SandboxDesk, login.desk, waiting=waiting))


def equip(services: Services, waiting: ForcedResults, everywhere: Callable[[], object]) -> Services:
    """The same services, whose logins end as was asked for."""
    mint = _as(SandboxMint, services.mint, waiting=waiting, everywhere=everywhere)
    return replace(services, mint=mint)


def _as(kind: type[Any], found: Any, **more: Any) -> Any:
    own = {each.name: getattr(found, each.name) for each in fields(found) if each.init}
    return kind(**own, **more)
