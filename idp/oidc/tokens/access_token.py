"""Access tokens: an opaque handle, or a JWT (RFC 9068) for a resource server to read.

Both have one ``access`` record, keyed by a digest. Only the holder knows the handle's secret; a
JWT's ``jti`` is the digest, which does not work as a handle.
"""

from dataclasses import dataclass
from typing import Any

from idp.core.clock import NODE_SKEW
from idp.core.handles import FLOW_CHARS, Handle, b64url_decode, digest
from idp.core.records import Record
from idp.jose.jwk import JwkSet
from idp.jose.jwt import InvalidToken, verify_jwt
from idp.oidc.tokens.authorization import Authorization
from idp.oidc.vocabulary import OPENID, SIGNING_ALGS
from idp.storage.transient import Put

TYP = "at+jwt"
KIND = "access"
_JTI_CHARS = FLOW_CHARS + 43


@dataclass(frozen=True, slots=True)
class AccessTokenRecord(Record):
    """The record of an access token."""

    authorization: Authorization
    issued_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An access token and the ``key`` of its record. Times are epoch seconds."""

    key: str
    authorization: Authorization
    issued_at: int
    expires_at: int

    def put(self) -> Put:
        """The operation that stores it."""
        kept = AccessTokenRecord(self.authorization, self.issued_at, self.expires_at)
        return Put(self.key, kept, self.expires_at - self.issued_at)

    @property
    def audience(self) -> tuple[str, ...]:
        """The resource servers it is for, besides the provider."""
        return tuple(self.authorization.resource.split())


def jwt_claims(token: AccessToken, handle: Handle, *, issuer: str, subject: str) -> dict[str, Any]:
    """The claims of the JWT form (RFC 9068 §2.2). With openid, UserInfo is an audience too."""
    authorization = token.authorization
    ours = (issuer,) if OPENID in authorization.scope or not token.audience else ()
    audience = (*token.audience, *ours)
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": subject,
        "aud": audience[0] if len(audience) == 1 else list(audience),
        "exp": token.expires_at,
        "iat": token.issued_at,
        "jti": handle.flow + digest(handle.secret),
        "client_id": authorization.client_id,
        "scope": " ".join(authorization.scope),
    }
    if authorization.cnf:
        claims["cnf"] = dict(authorization.cnf)
    if authorization.account_id is not None:
        claims |= {
            "auth_time": authorization.auth_time,
            "acr": authorization.acr,
            "amr": list(authorization.amr),
        }
    if authorization.details:
        claims["authorization_details"] = list(authorization.details)
    return claims


def flow_of(key: str) -> str:
    """The flow of the token with the record ``key``."""
    return key[len(KIND) + 2 : len(KIND) + 2 + FLOW_CHARS]


def record_key(token: str, keys: JwkSet, *, issuer: str, now: int) -> str | None:
    """Key of a presented token's record; None if the provider cannot have issued it."""
    if "." not in token:
        handle = Handle.parse(token)
        return handle.key(KIND) if handle else None
    try:
        claims = verify_jwt(
            token,
            keys,
            algorithms=SIGNING_ALGS,
            issuer=issuer,
            audience=None,
            typ=(TYP,),
            now=now,
            leeway=NODE_SKEW,
            required=("exp", "jti"),
        )
        return _key_of(claims["jti"]) if claims["exp"] > now else None  # leeway is for iat alone
    except (InvalidToken, ValueError):
        return None


def _key_of(jti: str) -> str:
    flow, tail = jti[:FLOW_CHARS], jti[FLOW_CHARS:]
    if len(jti) != _JTI_CHARS:
        raise ValueError("not a jti of this provider")
    b64url_decode(flow)
    b64url_decode(tail)
    return f"{KIND}:{{{flow}}}:{tail}"
