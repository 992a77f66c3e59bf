"""The mint: the only place where an authorization becomes tokens (RFC 6749 §5.1).

One round trip writes the tokens' records and reads everything that the authorization depends on.
Tokens are returned only if it is still valid, and after the audit log has the entry.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from idp.audit.events import TokenIssued
from idp.audit.log import AuditLog
from idp.core.clock import Clock
from idp.core.handles import Handle
from idp.jose.jwt import sign_jwt
from idp.keystore.file import KeyStore
from idp.login.session import Session
from idp.oidc.clients.encryption import sealed
from idp.oidc.clients.keys import ClientKeys
from idp.oidc.clients.model import Client, TokenFormat
from idp.oidc.settings import ProviderSettings
from idp.oidc.tokens import access_token, refresh_token
from idp.oidc.tokens.access_token import AccessToken
from idp.oidc.tokens.authorization import Authorization
from idp.oidc.tokens.claims import personal_claims
from idp.oidc.tokens.id_token import half_hash, id_token_claims
from idp.oidc.tokens.sender_constraint import token_type
from idp.oidc.tokens.standing import Holder, Standing
from idp.oidc.tokens.subject import Subjects
from idp.oidc.vocabulary import CODE, OFFLINE_ACCESS, OPENID
from idp.standing.check import Ended
from idp.storage.transient import Put, Take, TransientStore

_KINDS = ("access_token", "id_token", "refresh_token")


@dataclass(frozen=True, slots=True)
class Redemption:
    """Result of a grant: an authorization, and the refresh token for the response.

    ``refresh`` was stored before, or is stored by ``use``, which also uses up its predecessor, in
    the round trip that stores the access token; ``renewable`` requests a new refresh token.
    ``first``: nothing was issued from the authorization before. A concurrent replay counts as later
    and revokes the tokens issued here. ``resource`` narrows the access token (RFC 8707 §2.2).
    """

    authorization: Authorization
    grant_type: str
    refresh: Handle | None = None
    use: Take[Authorization] | None = None
    renewable: bool = False
    first: bool = False
    resource: str | None = None

    def bound(self, cnf: Mapping[str, str]) -> "Redemption":
        """The same, with its tokens bound to ``cnf``."""
        if cnf == self.authorization.cnf:
            return self
        return replace(self, authorization=replace(self.authorization, cnf=cnf))


@dataclass(frozen=True, slots=True)
class FrontChannel:
    """Tokens for an authorization response: send them after storing ``puts`` and ``events``."""

    members: Mapping[str, str]
    puts: tuple[Put, ...] = ()
    events: tuple[TokenIssued, ...] = ()


@dataclass(frozen=True, slots=True)
class Mint:
    """Issues the tokens of one provider."""

    settings: ProviderSettings
    clock: Clock
    transient: TransientStore
    keys: KeyStore
    client_keys: ClientKeys
    subjects: Subjects
    standing: Standing
    audit: AuditLog

    def issue(self, redemption: Redemption, *, peer: str) -> dict[str, Any]:
        """The members of the token response.

        Raises:
            Ended: the authorization is no longer valid, or another request used it first.
            Unavailable: a store or the audit log does not answer.
        """
        authorization, now = redemption.authorization, self.clock()
        refresh = redemption.refresh
        handle, access = self._access(_narrowed(redemption), now)
        puts = [access.put()]
        if redemption.renewable:
            refresh = Handle.new(authorization.flow)
            puts.append(refresh_token.keep(refresh, authorization, now=now))
        use = replace(redemption.use, put=(*redemption.use.put, *puts)) if redemption.use else None
        session, mark = Standing.reads(authorization)
        alone = redemption.first and authorization.account_id is None  # no session, no revocation
        self.transient.run(*((use,) if use else puts), *(() if alone else (session, mark)))
        if use and use.value.value is None:
            raise Ended("refresh_token_race")
        if redemption.first:
            holder = self.standing.holder(authorization, None if alone else session.value)
        else:
            revoked = mark.value is not None
            holder = self.standing.check(authorization, session.value, revoked=revoked)
        text = self._access_text(access, holder, handle)
        answer: dict[str, Any] = {
            "access_token": text,
            "token_type": token_type(authorization.cnf),
            "expires_in": access.expires_at - now,
        }
        if authorization.scope:
            answer["scope"] = " ".join(authorization.scope)
        if authorization.details:
            answer["authorization_details"] = list(authorization.details)
        if OPENID in authorization.scope:
            answer["id_token"] = self._id_token(authorization, holder, {"at_hash": text}, now)
        if refresh:
            answer["refresh_token"] = str(refresh)
        self.audit.write(_issued(redemption, answer), peer=peer)
        return answer

    def front_channel(
        self,
        authorization: Authorization,
        session: Session,
        response_type: str,
        beside: Mapping[str, str],
    ) -> FrontChannel:
        """The tokens of an authorization response (OIDC Core §3.2.2.5, §3.3.2.5).

        ``beside`` has the values to hash, the code and a signed state, by their hashes' names.

        Raises:
            Ended: the authorization is not valid.
        """
        if response_type == CODE:
            return FrontChannel({})
        # offline_access is for refresh tokens, which are not issued here (OIDC Core §11).
        scope = tuple(each for each in authorization.scope if each != OFFLINE_ACCESS)
        authorization, now = replace(authorization, scope=scope), self.clock()
        holder = self.standing.holder(authorization, session)
        members: dict[str, str] = {}
        puts: tuple[Put, ...] = ()
        if "token" in response_type.split():
            handle, access = self._access(authorization, now)
            puts = (access.put(),)
            members |= {
                "access_token": self._access_text(access, holder, handle),
                "token_type": "Bearer",
                "expires_in": str(access.expires_at - now),
                "scope": " ".join(scope),
            }
        if "id_token" in response_type.split():
            given = {**beside, "at_hash": members.get("access_token", "")}
            members["id_token"] = self._id_token(authorization, holder, given, now)
        redemption = Redemption(authorization, "implicit")
        return FrontChannel(members, puts, (_issued(redemption, members),))

    def subject(self, authorization: Authorization, holder: Holder) -> str:
        """``sub``: the citizen in the client's sector, or the client itself (RFC 9068 §2.2)."""
        if authorization.account_id is None:
            return authorization.client_id
        return self.subjects.sub(holder.client, authorization.account_id)

    def _access(self, authorization: Authorization, now: int) -> tuple[Handle, AccessToken]:
        """A new access token: its handle and its record."""
        handle = Handle.new(authorization.flow)
        end = min(now + self.settings.access_token_ttl, authorization.expires_at)
        return handle, AccessToken(handle.key(access_token.KIND), authorization, now, end)

    def _access_text(self, access: AccessToken, holder: Holder, handle: Handle) -> str:
        client = holder.client
        if client.access_token_format is TokenFormat.REFERENCE:
            return str(handle)
        subject = self.subject(access.authorization, holder)
        claims = access_token.jwt_claims(
            access, handle, issuer=self.settings.issuer, subject=subject
        )
        signer = self.keys.signer(client.id_token_signed_response_alg)
        return sign_jwt(signer, claims, typ=access_token.TYP)

    def _id_token(
        self, authorization: Authorization, holder: Holder, given: Mapping[str, str], now: int
    ) -> str:
        """``given``: the values to hash, by the names of their hashes."""
        client = holder.client
        alg = client.id_token_signed_response_alg
        claims = id_token_claims(
            authorization,
            issuer=self.settings.issuer,
            subject=self.subject(authorization, holder),
            sid=self.subjects.sid(client, authorization.session_id or ""),
            hashes={name: half_hash(text, alg) for name, text in given.items() if text},
            personal=personal_claims(authorization.id_token_claims, holder, now=now),
            now=now,
            ttl=self.settings.id_token_ttl,
        )
        return sealed(self.client_keys, client, "id_token", self._signed(client, claims))

    def _signed(self, client: Client, claims: Mapping[str, Any]) -> str:
        """An ID token with these claims, before it is encrypted."""
        return sign_jwt(self.keys.signer(client.id_token_signed_response_alg), claims)


def _narrowed(redemption: Redemption) -> Authorization:
    if redemption.resource is None:
        return redemption.authorization
    return replace(redemption.authorization, resource=redemption.resource)


def _issued(redemption: Redemption, answer: Mapping[str, Any]) -> TokenIssued:
    authorization = redemption.authorization
    return TokenIssued(
        flow=authorization.flow,
        client_id=authorization.client_id,
        account_id=authorization.account_id or "",
        grant_type=redemption.grant_type,
        kinds=tuple(kind for kind in _KINDS if kind in answer),
        acr=authorization.acr if authorization.account_id else "",
    )
