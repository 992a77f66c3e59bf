"""DPoP proofs and nonces: RFC 9449 §4, §8 and §9. A proof shows once that its sender has a key.

``tokens.sender_constraint`` decides whether a proof is required and which key it must have.
"""

import hmac
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from idp.core.handles import b64url, digest, equal
from idp.jose.jwk import InvalidKey, Jwk, parse_jwk, thumbprint
from idp.jose.jwt import InvalidToken, check_claims, check_signature, check_typ, parse_jwt
from idp.oidc.errors import OAuthError
from idp.storage.used import Use

HEADER = "dpop"
NONCE_HEADER = "DPoP-Nonce"
TYP = "dpop+jwt"
KIND = "dpop"
AHEAD = 30
"""Seconds that a proof's ``iat`` may be in the future, for clock skew."""
OLDEST = 5 * 60
"""Seconds after which a proof is too old."""
NONCE_SECONDS = 60
_PORTS = {"https": 443, "http": 80}
_URL = re.compile(r"[\x21-\x7e]{1,2000}")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9\-._~]")


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that is valid for this request unless it was used before. ``jkt`` names its key."""

    jkt: str
    jti: str
    nonce: str
    ath: str
    iat: int

    @property
    def use(self) -> Use:
        """Its single use (§11.1), remembered until it is too old on every node's clock."""
        return Use(KIND, self.jkt, self.jti, self.iat + OLDEST + 2 * AHEAD)


def invalid_proof(reason: str, *, seen: str = "", seconds: int | None = None) -> OAuthError:
    """The proof is missing or not valid (§5); the reason is only in the audit log."""
    return OAuthError(
        "invalid_dpop_proof",
        "the DPoP proof is not valid",
        reason=f"dpop_{reason}",
        seen=seen,
        seconds=seconds,
    )


def read(
    text: str, *, method: str, urls: Collection[str], algorithms: Collection[str], now: int
) -> Proof:
    """The verified proof ``text``, for a ``method`` request to one of ``urls`` (§4.3).

    Raises:
        OAuthError: ``invalid_dpop_proof``.
    """
    try:
        jwt = parse_jwt(text, headers=("jwk",))
        check_typ(jwt, (TYP,))
        key = parse_jwk(jwt.header.get("jwk"))
        claims = check_signature(jwt, _named(key, jwt.kid), algorithms)
        required = ("jti", "htm", "htu", "iat")
        check_claims(claims, issuer=None, audience=None, now=now, leeway=AHEAD, required=required)
    except InvalidToken as error:
        raise invalid_proof(error.reason, seen=error.seen, seconds=error.seconds) from error
    except InvalidKey as error:
        raise invalid_proof("key") from error
    if claims["iat"] < now - OLDEST:
        raise invalid_proof("too_old", seconds=int(now - claims["iat"]))
    if claims["htm"] != method:
        raise invalid_proof("htm", seen=str(claims["htm"])[:20])
    if (htu := normalized(claims["htu"])) not in urls:
        raise invalid_proof("htu", seen=htu)
    return Proof(
        jkt=thumbprint(key.key),
        jti=claims["jti"],
        nonce=_text(claims, "nonce"),
        ath=_text(claims, "ath"),
        iat=int(claims["iat"]),
    )


def check_token(proof: Proof, access_token: str) -> None:
    """Check that the proof is for this access token (§4.3, 12.1).

    Raises:
        OAuthError: ``invalid_dpop_proof``.
    """
    if not equal(proof.ath, digest(access_token)):
        raise invalid_proof("ath")


def normalized(url: object) -> str:
    """The normalized URL without query and fragment (RFC 3986 §6.2.2, §6.2.3).

    ``""`` if it cannot be a URL of the provider.
    """
    if not isinstance(url, str) or not _URL.fullmatch(url):
        return ""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    if not host or "@" in parts.netloc or parts.scheme not in _PORTS:
        return ""
    name = f"[{host}]" if ":" in host else host
    shown = "" if port in (None, _PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{name}{shown}{_path(parts.path)}"


@dataclass(frozen=True, slots=True)
class Nonces:
    """The nonces that proofs must hold (§8): MACs of the time. Nothing is stored."""

    key: bytes = field(repr=False)

    def current(self, now: int) -> str:
        """The present nonce."""
        return self._at(now // NONCE_SECONDS)

    def check(self, proof: Proof, now: int) -> None:
        """Check that the proof has a nonce of the last two minutes.

        Raises:
            OAuthError: ``use_dpop_nonce``: the nonce is missing, too old or unknown.
        """
        slot = now // NONCE_SECONDS
        # One ahead, for another node's clock.
        recent = [equal(proof.nonce, self._at(each)) for each in range(slot - 2, slot + 2)]
        if not any(recent):
            raise OAuthError(
                "use_dpop_nonce", "the DPoP proof must have the nonce of the DPoP-Nonce header"
            )

    def _at(self, slot: int) -> str:
        return _nonce(self.key, slot)


@lru_cache(maxsize=8)
def _nonce(key: bytes, slot: int) -> str:
    """The nonce of a period."""
    message = b"dpop-nonce\x00" + str(slot).encode()
    return b64url(hmac.digest(key, message, "sha256")[:16])


def _named(key: Jwk, kid: str | None) -> Jwk:
    """The key with the ``kid`` of the header; it is the only key."""
    return replace(key, kid=kid or key.kid)


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name, "")
    if not isinstance(value, str):
        raise invalid_proof(name)
    return value


def _path(path: str) -> str:
    """A path without unnecessary escapes and without dot segments."""
    segments, given = list[str](), _ESCAPE.sub(_unescaped, path or "/").split("/")[1:]
    for segment in given:
        if segment == "..":
            del segments[-1:]
        elif segment != ".":
            segments.append(segment)
    end = ("",) if given[-1] in (".", "..") else ()
    return "/" + "/".join((*segments, *end))


def _unescaped(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if _UNRESERVED.fullmatch(character) else escape[0].upper()
