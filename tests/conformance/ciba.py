"""A relying party without a browser, as the conformance suite plays it for FAPI-CIBA.

Its client authenticates by ``private_key_jwt`` or by its certificate, signs every request, and has
a certificate to bind tokens to. That is shown as a TLS proxy would (RFC 9440), from an address that
the provider is told to believe.
"""

import base64
import json
import queue
import secrets
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tests.conformance.live import Provider
from tests.conformance.suite import CITIZEN

GRANT = "urn:openid:params:grant-type:ciba"
INVALID = ("invalid_request", "invalid_request_object")
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
NOTIFICATION_TOKEN = "notification-token-of-more-than-128-bits-0123"


@dataclass
class Notification:
    """One call of the notification endpoint."""

    authorization: str
    body: dict[str, Any]


@dataclass
class Endpoint:
    """The client's notification endpoint: how it answers, and what came."""

    url: str
    status: int = 204
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    came: "queue.Queue[Notification]" = field(default_factory=queue.Queue)
    elsewhere: "queue.Queue[str]" = field(default_factory=queue.Queue)

    def wait(self, auth_req_id: str) -> Notification:
        """The notification about this request; those about others are passed over."""
        while True:
            found = self.came.get(timeout=10)
            if found.body["auth_req_id"] == auth_req_id:
                return found


@contextmanager
def notification_endpoint(directory: Path) -> Iterator[Endpoint]:
    """An endpoint by https, with the certificate of the provider's own authority."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            endpoint.came.put(Notification(self.headers["Authorization"], body))
            self._answer()

        def do_GET(self) -> None:
            endpoint.elsewhere.put(self.path)
            self._answer()

        def _answer(self) -> None:
            self.send_response(endpoint.status)
            for name, value in endpoint.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(endpoint.body)))
            self.end_headers()
            self.wfile.write(endpoint.body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "certificate.pem", directory / "private-key.pem")
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        endpoint = Endpoint(f"https://localhost:{server.server_port}/ciba")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield endpoint
        server.shutdown()
        thread.join()


class Keys:
    """A client's keys: one to sign with by ES256, one by RS256, and a certificate."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ec = ec.generate_private_key(ec.SECP256R1())
        self.rsa = rsa.generate_private_key(65537, 2048)
        self.certificate = _certificate(name, self.ec)

    @property
    def jwks(self) -> dict[str, Any]:
        own = json.loads(ECAlgorithm.to_jwk(self.ec.public_key()))
        der = base64.b64encode(self.certificate).decode()
        other = json.loads(RSAAlgorithm.to_jwk(self.rsa.public_key()))
        return {"keys": [own | {"kid": "ec", "x5c": [der]}, other | {"kid": "rsa"}]}

    def sign(self, claims: Mapping[str, Any], alg: str = "ES256") -> str:
        if alg == "none":
            return jwt.encode(dict(claims), None, algorithm="none")
        if alg == "RS256":
            return jwt.encode(dict(claims), self.rsa, algorithm=alg, headers={"kid": "rsa"})
        return jwt.encode(dict(claims), self.ec, algorithm=alg, headers={"kid": "ec"})


def _certificate(name: str, key: ec.EllipticCurvePrivateKey) -> bytes:
    subject, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=7))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.DER)


@dataclass
class RelyingParty:
    """One client of the suite; ``mode`` is how it learns that there is an answer."""

    op: Provider
    http: httpx.Client
    metadata: Mapping[str, Any]
    provider_keys: Mapping[str, Any]
    client_id: str
    keys: Keys
    mode: str
    by_certificate: bool = False

    # What it signs

    def assertion(self, alg: str = "ES256", **changes: Any) -> str:
        now = int(time.time())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.metadata["token_endpoint"],
            "iat": now,
            "exp": now + 60,
            "jti": secrets.token_urlsafe(16),
        }
        return self.keys.sign(claims | changes, alg)

    def claims(self, **changes: Any) -> dict[str, Any]:
        """The claims of a signed request; None takes one away."""
        now = int(time.time())
        token = {"client_notification_token": NOTIFICATION_TOKEN} if self.mode == "ping" else {}
        made = {
            "iss": self.client_id,
            "aud": self.op.issuer,
            "iat": now,
            "nbf": now,
            "exp": now + 300,
            "jti": secrets.token_urlsafe(16),
            "scope": "openid profile",
            "login_hint": CITIZEN,
            **token,
        }
        return {name: value for name, value in (made | changes).items() if value is not None}

    # What it sends

    def authentication(self) -> dict[str, str]:
        if self.by_certificate:
            return {"client_id": self.client_id}
        return {"client_assertion_type": ASSERTION, "client_assertion": self.assertion()}

    def send(self, request: str, **form: str) -> httpx.Response:
        """A signed request to the backchannel authentication endpoint."""
        url = self.metadata["backchannel_authentication_endpoint"]
        return self._post(url, {**self.authentication(), "request": request, **form})

    def ask(self, **changes: Any) -> httpx.Response:
        """A request signed as it must be, with other claims."""
        return self.send(self.keys.sign(self.claims(**changes)))

    def begin(self, **changes: Any) -> dict[str, Any]:
        """A request that is taken: CIBA Core §7.3."""
        answer = self.ask(**changes)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].split(";")[0] == "application/json"
        assert "no-store" in answer.headers["cache-control"]
        begun: dict[str, Any] = answer.json()
        assert len(begun["auth_req_id"]) >= 22
        assert begun["expires_in"] > 0
        assert begun["interval"] > 0
        return begun

    def token(self, auth_req_id: str, **form: str) -> httpx.Response:
        """A token request for an authentication request."""
        members = {"grant_type": GRANT, "auth_req_id": auth_req_id}
        own = {} if "client_id" in form else self.authentication()
        return self._post(self.metadata["token_endpoint"], {**own, **members, **form})

    def _post(self, url: str, form: Mapping[str, str]) -> httpx.Response:
        return self.http.post(url, data=dict(form), headers=self.certificate)

    @property
    def certificate(self) -> dict[str, str]:
        """The certificate of the connection, as the proxy in front tells it."""
        return {"Client-Cert": f":{base64.b64encode(self.keys.certificate).decode()}:"}

    # What it gets

    def decide(self, begun: Mapping[str, Any], action: str = "allow") -> None:
        """The citizen decides: the suite's ``automated_ciba_approval_url``."""
        query = {"auth_req_id": begun["auth_req_id"], "action": action}
        answer = self.http.post(f"{self.op.issuer}/sandbox/ciba", params=query)
        assert answer.status_code == 200, answer.text

    def tokens(self, begun: Mapping[str, Any]) -> dict[str, Any]:
        """The tokens, everything about them verified (CIBA Core §10.1.1)."""
        answer = self.token(begun["auth_req_id"])
        assert answer.status_code == 200, answer.text
        assert "no-store" in answer.headers["cache-control"]
        found: dict[str, Any] = answer.json()
        assert found["token_type"].lower() == "bearer"
        token = found["id_token"]
        header = jwt.get_unverified_header(token)
        assert header["alg"] in {"ES256", "PS256"}
        claims = jwt.decode(
            token,
            self.provider_keys[header["kid"]],
            algorithms=[header["alg"]],
            audience=self.client_id,
            issuer=self.op.issuer,
            leeway=2,
            options={"require": ["iss", "sub", "aud", "exp", "iat", "auth_time", "acr"]},
        )
        assert "nonce" not in claims
        return found | {"claims": claims}

    def userinfo(self, token: str, **headers: str) -> httpx.Response:
        """The resource endpoint, with the certificate unless ``headers`` say else."""
        shown = headers or self.certificate
        url = self.metadata["userinfo_endpoint"]
        return self.http.get(url, headers={"Authorization": f"Bearer {token}", **shown})


def error(answer: httpx.Response, *expected: str) -> str:
    """The error of a refusal, which is one of those expected."""
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"].split(";")[0] == "application/json"
    found: str = answer.json()["error"]
    assert found in expected, answer.text
    return found
