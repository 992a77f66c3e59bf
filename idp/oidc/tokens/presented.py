"""A token that somebody shows us, looked up: what UserInfo, introspection and revocation share.

Whether what it stands on still stands is the next question: :class:`~.standing.Standing`.
"""

from dataclasses import dataclass

from idp.core.clock import Clock
from idp.core.handles import Handle
from idp.keystore.file import KeyStore
from idp.oidc.settings import ProviderSettings
from idp.oidc.tokens import refresh_token
from idp.oidc.tokens.access_token import AccessToken, record_key
from idp.oidc.tokens.authorization import Authorization
from idp.oidc.tokens.standing import Ended
from idp.storage.revocations import Revocations
from idp.storage.transient import Get, TransientStore


@dataclass(frozen=True, slots=True)
class Presented:
    """Looks presented tokens up."""

    settings: ProviderSettings
    clock: Clock
    transient: TransientStore
    keys: KeyStore
    revocations: Revocations

    def access_token(self, text: str) -> AccessToken:
        """The access token that ``text`` is.

        Raises:
            Ended: it is none of ours, or expired, or revoked.
        """
        now = self.clock()
        key = record_key(text, self.keys.verification(), issuer=self.settings.issuer, now=now)
        token = AccessToken.read(key, self.transient.get(key)) if key else None
        if key is None or token is None:
            raise Ended("unknown_access_token")
        if now >= token.expires_at:
            raise Ended("access_token_expired")
        if self.revocations.is_revoked("grant", key, 0):
            raise Ended("access_token_revoked")
        return token

    def refresh_token(self, text: str) -> Authorization:
        """The authorization behind a refresh token that can still be used.

        Raises:
            Ended: it is none of ours, was used, or has expired.
        """
        handle = Handle.parse(text)
        record = self.transient.get(handle.key(refresh_token.KIND)) if handle else None
        authorization = Authorization.read(record)
        if authorization is None:
            raise Ended("unknown_refresh_token")
        return authorization

    def refresh_family(self, text: str) -> tuple[str, str]:
        """Flow and client_id of a refresh token, used already or not.

        Raises:
            Ended: it is none of ours.
        """
        handle = Handle.parse(text)
        if handle is None:
            raise Ended("unknown_refresh_token")
        reads = Get(handle.key(refresh_token.KIND)), Get(handle.key(refresh_token.USED))
        record = next(filter(None, self.transient.run(*reads)), None)
        if record is None:
            raise Ended("unknown_refresh_token")
        return handle.flow, record["client_id"]
