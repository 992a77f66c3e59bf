"""Look-up of presented tokens, for UserInfo, introspection and revocation.

The authorization behind the token is checked by :class:`~.standing.Standing`.
"""

from dataclasses import dataclass

from idp.core.clock import Clock
from idp.core.handles import Handle
from idp.keystore.file import KeyStore
from idp.oidc.settings import ProviderSettings
from idp.oidc.tokens import refresh_token
from idp.oidc.tokens.access_token import AccessToken, AccessTokenRecord, flow_of, record_key
from idp.oidc.tokens.authorization import Authorization
from idp.oidc.tokens.standing import revoked_key
from idp.standing import subjects
from idp.standing.check import Ended
from idp.standing.revocations import Revocations
from idp.storage.transient import Get, TransientStore, Value


@dataclass(frozen=True, slots=True)
class Presented:
    """Looks presented tokens up."""

    settings: ProviderSettings
    clock: Clock
    transient: TransientStore
    keys: KeyStore
    revocations: Revocations

    def access_token(self, text: str) -> AccessToken:
        """The access token ``text``; reads its record and its grant's mark in one round trip.

        Raises:
            Ended: the token is unknown, expired or revoked.
        """
        key = self._key(text)
        record, mark = Get(key, AccessTokenRecord), Get[Value](revoked_key(flow_of(key)))
        self.transient.run(record, mark)
        kept = record.value
        if kept is None:
            raise Ended("unknown_access_token")
        if self.clock() >= kept.expires_at:
            raise Ended("access_token_expired")
        if mark.value is not None:
            raise Ended("grant_revoked")
        if self.revocations.is_revoked(subjects.token(key), 0):
            raise Ended("access_token_revoked")
        return AccessToken(key, kept.authorization, kept.issued_at, kept.expires_at)

    def client_of(self, text: str) -> str:
        """The client of an access token, even if the token is no longer valid.

        Raises:
            Ended: there is no record of it.
        """
        record = Get(self._key(text), AccessTokenRecord)
        self.transient.run(record)
        if record.value is None:
            raise Ended("unknown_access_token")
        return record.value.authorization.client_id

    def _key(self, text: str) -> str:
        """Key of the access token's record."""
        issuer, now = self.settings.issuer, self.clock()
        key = record_key(text, self.keys.verification(), issuer=issuer, now=now)
        if key is None:
            raise Ended("unknown_access_token")
        return key

    def refresh_token(self, text: str) -> Authorization:
        """The authorization of a valid refresh token.

        Raises:
            Ended: the token is unknown, used or expired.
        """
        handle = Handle.parse(text)
        if handle is None:
            raise Ended("unknown_refresh_token")
        record = Get(handle.key(refresh_token.KIND), Authorization)
        self.transient.run(record)
        if record.value is None:
            raise Ended("unknown_refresh_token")
        return record.value

    def refresh_family(self, text: str) -> tuple[str, str]:
        """Flow and client_id of a refresh token, used or not.

        Raises:
            Ended: the token is unknown.
        """
        handle = Handle.parse(text)
        if handle is None:
            raise Ended("unknown_refresh_token")
        live: Get[Value] = Get(handle.key(refresh_token.KIND))
        used: Get[Value] = Get(handle.key(refresh_token.USED))
        self.transient.run(live, used)
        record = live.value or used.value
        if record is None:
            raise Ended("unknown_refresh_token")
        return handle.flow, record["client_id"]
