"""Clients with certificates, for the plans that want them: RFC 8705."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import jwt

from tests.certificates import Pair, write
from tests.conformance.fapi import FapiParty
from tests.conformance.live import Provider
from tests.conformance.suite import Tokens


@dataclass
class BoundParty(FapiParty):
    """A client whose tokens are bound to its certificate."""

    back_channel: httpx.Client = field(default_factory=httpx.Client)

    @property
    def http(self) -> httpx.Client:
        """Connections that show the certificate; the browser's show none."""
        return self.back_channel

    def send(self, url: str, form: Mapping[str, str], **how: Any) -> httpx.Response:
        """A form to one of the provider's endpoints, without a proof."""
        return super().send(url, form, **{"proof": False, **how})

    def verified(self, response: httpx.Response, *, nonce: str | None) -> Tokens:
        """The tokens of a good answer; one bound to a certificate is used like any other."""
        assert response.status_code == 200, response.text
        answer = response.json()
        assert answer["token_type"].lower() == "bearer"
        claims = self.verify_id_token(answer["id_token"], answer["access_token"], nonce)
        return Tokens(answer, claims)

    def ask_userinfo(self, tokens: Tokens, method: str = "GET", **how: Any) -> httpx.Response:
        """Ask the UserInfo endpoint over a connection with the certificate."""
        how = how or {"headers": {"Authorization": f"Bearer {tokens.access_token}"}}
        return self._bare(method, self.metadata["userinfo_endpoint"], **how)


@dataclass
class MtlsParty(BoundParty):
    """One that the certificate authenticates, too."""

    def authentication(self, **changes: Any) -> dict[str, str]:
        """The certificate authenticates; the form only names the client (RFC 8705 §2)."""
        return {"client_id": self.client["client_id"], **changes}


@dataclass(frozen=True)
class Certificates:
    """The operator's authority for clients, and where the tests keep their files."""

    ca: Pair
    directory: Path

    def connect(self, op: Provider, pair: Pair | None, name: str) -> httpx.Client:
        """A client of HTTP that shows a certificate, or none."""
        trust = ssl.create_default_context(cafile=str(op.ca))
        if pair:
            trust.load_cert_chain(*write(self.directory, name, pair))
        limits = httpx.Limits(max_keepalive_connections=0)
        return httpx.Client(verify=trust, timeout=20, trust_env=False, limits=limits)


def discovered(op: Provider) -> tuple[dict[str, Any], jwt.PyJWKSet]:
    """The provider's metadata and keys."""
    with op.http() as http:
        metadata = http.get(f"{op.issuer}/.well-known/openid-configuration").json()
        return metadata, jwt.PyJWKSet.from_dict(http.get(metadata["jwks_uri"]).json())
