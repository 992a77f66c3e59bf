"""Verify the e-ID provider's ID tokens and logout tokens. Copy this file; it needs PyJWT 2.12.

ID tokens: OpenID Connect Core 1.0 §3.1.3.7. Logout tokens: Back-Channel Logout 1.0 §2.6.
"""

import base64
import hashlib
import hmac
import json
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jwt
from jwt import exceptions

LEVELS = tuple(f"urn:vn:eid:level:{n}" for n in (1, 2, 3, 4))
"""Values of ``acr``, the weakest first."""
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
SKEW = 30
"""Seconds by which the two clocks may differ."""


class Refused(Exception):
    """The token must not be used. ``reason`` is the member at fault; ``token``: it is malformed."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the token was refused: {reason}")
        self.reason = reason


@dataclass
class Keys:
    """The provider's public keys, fetched again every ten minutes and for an unknown ``kid``.

    An unknown ``kid`` causes one fetch in ``refetch_after`` seconds at most, so that forged tokens
    cannot make this program call the provider again and again. ``find`` raises ``OSError`` where
    the keys cannot be fetched: answer 503.
    """

    jwks_uri: str
    refetch_after: float = 30
    max_age: float = 600
    _keys: list[jwt.PyJWK] = field(default_factory=list)
    _fetched_at: float = float("-inf")
    _tried_at: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def find(self, kid: object, alg: str) -> jwt.PyJWK:
        """The key named ``kid``, for signatures with ``alg``."""
        with self._lock:
            if time.monotonic() - self._fetched_at >= self.max_age:
                self._fetch()
            found = self._known(kid, alg)
            if found is None and time.monotonic() - self._tried_at >= self.refetch_after:
                self._fetch()
                found = self._known(kid, alg)
        if found is None:
            raise Refused("kid")
        return found

    def _known(self, kid: object, alg: str) -> jwt.PyJWK | None:
        fits = (each for each in self._keys if each.key_id == kid and each.algorithm_name == alg)
        return next(fits, None)

    def _fetch(self) -> None:
        self._tried_at = time.monotonic()
        with urllib.request.urlopen(self.jwks_uri, timeout=5) as answer:  # noqa: S310 -- discovery's
            self._keys = jwt.PyJWKSet.from_dict(json.load(answer)).keys
        self._fetched_at = self._tried_at


@dataclass(frozen=True)
class Provider:
    """Whose tokens are accepted, and for whom. ``alg`` is your ``id_token_signed_response_alg``."""

    issuer: str
    client_id: str
    keys: Keys
    alg: str = "RS256"


def verify_id_token(
    provider: Provider,
    token: str,
    *,
    nonce: str,
    min_acr: str = LEVELS[0],
    max_age: int | None = None,
    access_token: str | None = None,
) -> dict[str, Any]:
    """The claims of an ID token that answers the login you began.

    ``nonce`` is the one you sent, kept in the browser's session; ``min_acr`` the level you need;
    ``max_age`` the one you sent, if any, in seconds; ``access_token`` the one that came beside it.

    Raises:
        Refused: any check failed.
        OSError: the provider's keys cannot be fetched.
    """
    claims = _verify(provider, token, typ=("jwt", ""), required=("sub",))
    if not isinstance(claims.get("nonce"), str) or not _equal(claims["nonce"], nonce):
        raise Refused("nonce")
    if claims.get("acr") not in LEVELS[LEVELS.index(min_acr) :]:
        raise Refused("acr")
    if max_age is not None:
        _check_auth_time(claims.get("auth_time"), max_age)
    if access_token is not None and claims.get("at_hash") != _half_hash(access_token):
        raise Refused("at_hash")
    return claims


def verify_logout_token(
    provider: Provider, token: str, first_use: Callable[[str, int], bool]
) -> dict[str, Any]:
    """The claims of a logout token.

    End your sessions whose ID token had its ``sid``; if it has none, all sessions of its ``sub``.
    ``first_use(jti, seconds)`` stores ``jti`` for that time and returns whether it was new, in one
    atomic step that all of your processes share. With Redis:
    ``lambda jti, seconds: bool(redis.set(f"jti:{jti}", 1, nx=True, ex=seconds))``.

    Raises:
        Refused: any check failed; answer 400.
        OSError: the provider's keys cannot be fetched; answer 503, and it comes again.
    """
    claims = _verify(provider, token, typ=("logout+jwt",), required=("jti",))
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise Refused("events")
    if "nonce" in claims:
        raise Refused("nonce")
    if not isinstance(claims.get("sid", claims.get("sub")), str):
        raise Refused("sid")
    if not first_use(claims["jti"], int(claims["exp"] - time.time()) + 2 * SKEW):
        raise Refused("jti")
    return claims


def _verify(
    provider: Provider, token: str, *, typ: tuple[str, ...], required: tuple[str, ...]
) -> dict[str, Any]:
    """The claims, once signature, type, issuer, audience and times are checked."""
    try:
        header = jwt.get_unverified_header(token)
        if header.get("alg") != provider.alg:
            raise Refused("alg")
        if str(header.get("typ", "")).lower().removeprefix("application/") not in typ:
            raise Refused("typ")
        claims: dict[str, Any] = jwt.decode(
            token,
            provider.keys.find(header.get("kid"), provider.alg),
            algorithms=[provider.alg],
            issuer=provider.issuer,
            leeway=SKEW,
            options={"require": ["iss", "aud", "exp", "iat", *required], "verify_aud": False},
        )
    except jwt.MissingRequiredClaimError as error:
        raise Refused(error.claim) from error
    except jwt.InvalidTokenError as error:
        raise Refused(_REASONS.get(type(error), "token")) from error
    # Nobody but you: a token for several could have been given to one of the others.
    if claims["aud"] not in (provider.client_id, [provider.client_id]):
        raise Refused("aud")
    if claims.get("azp", provider.client_id) != provider.client_id:
        raise Refused("azp")
    return claims


_REASONS: dict[type[jwt.InvalidTokenError], str] = {
    jwt.InvalidSignatureError: "signature",
    jwt.InvalidIssuerError: "iss",
    exceptions.InvalidSubjectError: "sub",
    exceptions.InvalidJTIError: "jti",
    jwt.ExpiredSignatureError: "exp",
    jwt.InvalidIssuedAtError: "iat",
    jwt.ImmatureSignatureError: "iat",
}


def _check_auth_time(auth_time: object, max_age: int) -> None:
    if not isinstance(auth_time, int) or time.time() - auth_time > max_age + SKEW:
        raise Refused("auth_time")


def _half_hash(access_token: str) -> str:
    """``at_hash`` under ES256, RS256 and PS256 (OpenID Connect Core §3.1.3.6)."""
    half = hashlib.sha256(access_token.encode()).digest()[:16]
    return base64.urlsafe_b64encode(half).rstrip(b"=").decode()


def _equal(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())
