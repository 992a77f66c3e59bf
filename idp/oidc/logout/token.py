"""Logout tokens: OpenID Connect Back-Channel Logout 1.0 §2.4."""

from typing import Any

from idp.core.handles import random_token
from idp.jose.jwt import sign_jwt
from idp.jose.signer import Signer
from idp.oidc.logout.delivery import Message

TYP = "logout+jwt"
EVENT = "http://schemas.openid.net/event/backchannel-logout"
TTL = 120
"""At most two minutes (§2.4). Each try has a new token."""


def logout_token(signer: Signer, message: Message, *, issuer: str, now: int) -> str:
    """A fresh logout token for one relying party.

    It has no ``nonce``, unlike an ID token.
    """
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": message.sub,
        "aud": message.client_id,
        "iat": now,
        "exp": now + TTL,
        "jti": random_token(16),
        "events": {EVENT: {}},
        "sid": message.sid,
    }
    return sign_jwt(signer, claims, typ=TYP)
