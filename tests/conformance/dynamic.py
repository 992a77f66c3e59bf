"""Dynamic clients of the suite: registered over the wire, with keys and documents of their own."""

import json
import secrets
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from tests.conformance.live import Provider
from tests.conformance.suite import RelyingParty

CALLBACK = "https://suite.example/test/a/idp/callback"
ALG = "RS256"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class Key:
    """A key pair of a client."""

    kid: str
    private: rsa.RSAPrivateKey

    @property
    def jwk(self) -> dict[str, Any]:
        """The public half."""
        members: dict[str, Any] = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return members | {"kid": self.kid, "use": "sig", "alg": ALG}

    def sign(self, claims: Mapping[str, Any], **headers: Any) -> str:
        """A JWT of the client's."""
        return jwt.encode(dict(claims), self.private, ALG, {"kid": self.kid, **headers})


@cache
def key(kid: str = "first") -> Key:
    """A key pair, the same for the same name."""
    return Key(kid, rsa.generate_private_key(65_537, 2048))


def key_set(*keys: Key) -> dict[str, Any]:
    """A JWK set."""
    return {"keys": [each.jwk for each in keys]}


@dataclass
class Documents:
    """The suite's own web server, and what it serves by path: JSON, or text as it is."""

    url: str = ""
    found: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def put(self, document: Any) -> str:
        """Serve a document; its URL."""
        path = f"/{secrets.token_urlsafe(9)}"
        self.found[path] = document
        return self.url + path


@contextmanager
def documents(op: Provider) -> Iterator[Documents]:
    """A server with a certificate that the provider trusts."""
    served = Documents()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            document = served.found[self.path]
            sent = (document if isinstance(document, str) else json.dumps(document)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(op.directory / "certificate.pem", op.directory / "private-key.pem")
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    served.url = f"https://localhost:{server.server_port}"
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class KeyedParty(RelyingParty):
    """A client that authenticates with ``private_key_jwt``."""

    key: Key = field(default_factory=key)
    audience: str = ""

    def token(self, form: Mapping[str, str]) -> httpx.Response:
        """Send a request to the token endpoint, with an assertion of the client's."""
        endpoint, now = self.metadata["token_endpoint"], int(time.time())
        claims = {
            "iss": self.client["client_id"],
            "sub": self.client["client_id"],
            "aud": self.audience or endpoint,
            "jti": secrets.token_urlsafe(16),
            "iat": now,
            "exp": now + 60,
        }
        proof = {
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.key.sign(claims),
        }
        return self._bare("POST", endpoint, data={**form, **proof})


@dataclass(frozen=True)
class Registrar:
    """The registration endpoint. Clients are the suite's: ``private_key_jwt``, one redirect URI."""

    http: httpx.Client
    endpoint: str

    def post(self, **members: Any) -> httpx.Response:
        """Send a registration; None leaves a member out."""
        plain = {
            "client_name": "OpenID conformance suite",
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": key_set(key()),
            "contacts": ["certification@oidf.org"],
        }
        sent = {name: each for name, each in (plain | members).items() if each is not None}
        return self.http.post(self.endpoint, json=sent)

    def register(self, **members: Any) -> dict[str, Any]:
        """A registration that succeeds (RFC 7591 §3.2.1)."""
        response = self.post(**members)
        assert response.status_code == 201, response.text
        assert response.headers["content-type"].split(";")[0] == "application/json"
        registered: dict[str, Any] = response.json()
        for name, each in members.items():
            assert registered.get(name) == each, name
        assert registered["registration_client_uri"].startswith(f"{self.endpoint}/")
        assert ("client_secret" in registered) is ("client_secret_expires_at" in registered)
        return registered

    def refused(self, error: str, **members: Any) -> None:
        """A registration that is refused (RFC 7591 §3.2.2)."""
        response = self.post(**members)
        assert response.status_code == 400
        assert response.headers["content-type"].split(";")[0] == "application/json"
        assert response.json()["error"] == error

    def read(self, registered: Mapping[str, Any]) -> dict[str, Any]:
        """The client's metadata at its management endpoint (RFC 7592 §2.1)."""
        token = registered["registration_access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        response = self.http.get(registered["registration_client_uri"], headers=headers)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found


class DynamicClients:
    """The suite's clients, each registered when the first test needs it."""

    def __init__(self, registrar: Registrar) -> None:
        self._registrar = registrar
        self._found: dict[str, dict[str, Any]] = {}

    def of(self, name: str, response_type: str) -> dict[str, Any]:
        """The client of this name."""
        assert response_type == "code"
        if name not in self._found:
            grants = ["authorization_code", "refresh_token"]
            self._found[name] = self._registrar.register(grant_types=grants)
        return self._found[name]
