"""Makes the tokens of the table, good and bad, with keys of its own; serves the public ones."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from idp.core.handles import b64url, random_token
from idp.jose.jwk import members
from idp.jose.jwt import sign_jwt
from idp.jose.signer import LocalSigner
from tests.verify.cases import (
    ABSENT,
    EXPECTED,
    ID_TOKEN,
    ID_TOKEN_TIMES,
    LOGOUT_TOKEN,
    LOGOUT_TOKEN_TIMES,
    Case,
)

OTHER = {"RS256": "ES256", "ES256": "RS256"}


def new_signer(kid: str, alg: str) -> LocalSigner:
    """A new key for an algorithm."""
    if alg == "ES256":
        return LocalSigner(kid, alg, ec.generate_private_key(ec.SECP256R1()))
    return LocalSigner(kid, alg, rsa.generate_private_key(65537, 2048))


def public_jwk(signer: LocalSigner) -> dict[str, str]:
    """What the JWK set says of a key."""
    key = members(signer.key.public_key())
    return {**key, "kid": signer.kid, "alg": signer.alg, "use": "sig"}


@dataclass(frozen=True)
class Issuer:
    """Signs with ``alg``; its JWK set holds a key for the other algorithm too."""

    alg: str
    current: LocalSigner
    other: LocalSigner
    stranger: LocalSigner

    @classmethod
    def of(cls, alg: str) -> "Issuer":
        """With new keys."""
        return cls(
            alg,
            current=new_signer("2027-1", alg),
            other=new_signer("2027-2", OTHER[alg]),
            stranger=new_signer("evil", alg),
        )

    @property
    def jwks(self) -> dict[str, Any]:
        """Its JWK set."""
        return {"keys": [public_jwk(self.other), public_jwk(self.current)]}

    def id_token(self, case: Case) -> dict[str, Any]:
        """The question about a case of ``ID_TOKENS``."""
        token = self._token(case, dict(ID_TOKEN), dict(ID_TOKEN_TIMES), {})
        asked = {name: value for name, value in {**EXPECTED, **case.expected}.items() if value}
        return {"id_token": token, "expected": asked}

    def logout_token(self, case: Case) -> dict[str, Any]:
        """The question about a case of ``LOGOUT_TOKENS``."""
        claims = {**LOGOUT_TOKEN, "jti": random_token(16)}
        token = self._token(case, claims, dict(LOGOUT_TOKEN_TIMES), {"typ": "logout+jwt"})
        return {"logout_token": token}

    def _token(
        self, case: Case, claims: dict[str, Any], times: dict[str, int], header: dict[str, Any]
    ) -> str:
        if case.raw:
            return case.raw
        now = int(time.time())
        claims |= {name: now + ahead for name, ahead in {**times, **case.times}.items()}
        claims |= case.claims
        claims = {name: value for name, value in claims.items() if value is not ABSENT}
        header = {
            name: value for name, value in {**header, **case.header}.items() if value is not ABSENT
        }
        return self._signed(case.key, claims, header)

    def _signed(self, key: str, claims: dict[str, Any], header: dict[str, Any]) -> str:
        if key in {"none", "public"}:
            return self._unsigned(key, claims, header)
        if key == "changed":
            good, other = (
                sign_jwt(self.current, {**claims, "sub": sub}, headers=header)
                for sub in ("248289761001", "another")
            )
            return f"{other.rpartition('.')[0]}.{good.rpartition('.')[2]}"
        if key == "embedded":
            header = {**header, "jwk": public_jwk(self.stranger)}
        signers = {
            "current": self.current,
            "other_alg": self.other,
            "other_type": LocalSigner(self.other.kid, self.alg, self.current.key),
            "foreign": self.stranger,
            "embedded": self.stranger,
            "forged": LocalSigner(self.current.kid, self.alg, self.stranger.key),
        }
        return sign_jwt(signers[key], claims, headers=header)

    def _unsigned(self, key: str, claims: dict[str, Any], header: dict[str, Any]) -> str:
        alg = "none" if key == "none" else "HS256"
        head = {"alg": alg, "kid": self.current.kid, **header}
        parts = [b64url(json.dumps(each).encode()) for each in (head, claims)]
        signing_input = ".".join(parts)
        pem = self.current.key.public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )
        mac = hmac.new(pem, signing_input.encode(), hashlib.sha256).digest()
        return f"{signing_input}.{'' if key == 'none' else b64url(mac)}"


@dataclass
class KeyServer:
    """Serves ``jwks`` at ``uri`` and counts how often it was asked."""

    uri: str
    jwks: dict[str, Any]
    fetched: int = field(default=0)


@contextmanager
def serve_keys(jwks: dict[str, Any]) -> Iterator[KeyServer]:
    """A server on loopback until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.fetched += 1
            body = json.dumps(served.jwks).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served = KeyServer(f"http://127.0.0.1:{server.server_port}/jwks", jwks)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()
