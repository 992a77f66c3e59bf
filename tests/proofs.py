"""DPoP proofs as a client makes them, with PyJWT (RFC 9449 §4.2)."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm


@dataclass(frozen=True)
class DpopKey:
    """A client's DPoP key (P-256)."""

    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    @property
    def jwk(self) -> dict[str, Any]:
        """The public key as it stands in proofs."""
        return dict(ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True))

    @property
    def jkt(self) -> str:
        """Its thumbprint (RFC 7638 §3)."""
        required = {name: self.jwk[name] for name in ("crv", "kty", "x", "y")}
        return sha256(json.dumps(required, separators=(",", ":"), sort_keys=True))

    def proof(
        self,
        method: str,
        url: str,
        *,
        now: float,
        nonce: str = "",
        token: str = "",
        header: dict[str, Any] | None = None,
        alg: str = "ES256",
        key: Any = None,
        **claims: Any,
    ) -> str:
        """A proof for one request; ``claims`` that are None are left out, as are ``header``'s."""
        said: dict[str, Any] = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": url,
            "iat": int(now),
            "nonce": nonce or None,
            "ath": sha256(token) if token else None,
        }
        headers = {"typ": "dpop+jwt", "jwk": self.jwk, **(header or {})}
        return jwt.encode(
            {name: value for name, value in (said | claims).items() if value is not None},
            key or self.key,
            algorithm=alg,
            headers={name: value for name, value in headers.items() if value is not None},
        )


def sha256(text: str) -> str:
    """SHA-256 in base64url."""
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
