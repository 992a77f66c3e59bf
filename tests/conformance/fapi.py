"""A relying party under FAPI 2.0, as the conformance suite plays it.

It authenticates with ``private_key_jwt``, pushes every request, and binds its tokens with DPoP. In
the variants of the message signing plan it signs its requests and wants signed answers (JARM).
"""

import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from jwt.utils import base64url_encode

from tests.conformance.live import Provider
from tests.conformance.suite import SKEW, Browser, Callback, Page, RelyingParty, Tokens
from tests.proofs import DpopKey

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ERRORS = {"invalid_request", "invalid_request_object", "invalid_request_uri", "access_denied"}
"""What the suite takes for the refusal of a request object."""
RS256 = rsa.generate_private_key(65537, 2048)


@dataclass(frozen=True)
class Key:
    """A client's signing key (P-256), and one for the algorithm that FAPI does not have."""

    kid: str = field(default_factory=lambda: secrets.token_urlsafe(8))
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    @property
    def jwks(self) -> dict[str, Any]:
        """Both public keys, as the client registers them."""
        found = dict(ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True))
        other = dict(RSAAlgorithm.to_jwk(RS256.public_key(), as_dict=True))
        return {"keys": [found | {"kid": self.kid}, other | {"kid": f"{self.kid}-rsa"}]}

    def sign(self, claims: Mapping[str, Any], alg: str = "ES256", **header: Any) -> str:
        """A JWT of the client's; claims that are None are left out."""
        said = {name: each for name, each in claims.items() if each is not None}
        if alg == "RS256":
            return jwt.encode(said, RS256, alg, {"kid": f"{self.kid}-rsa", **header})
        if alg == "none":
            return jwt.encode(said, None, alg, {"kid": self.kid, **header})
        return jwt.encode(said, self.key, alg, {"kid": self.kid, **header})


@dataclass
class FapiParty(RelyingParty):
    """A client under a FAPI 2.0 profile. ``signed`` requests, and answers by ``jarm``."""

    key: Key = field(default_factory=Key)
    dpop: DpopKey = field(default_factory=DpopKey)
    signed: bool = False
    jarm: bool = False
    nonce: str = ""
    verifier: str = ""

    @classmethod
    def register(
        cls,
        op: Provider,
        browser: Browser,
        metadata: Mapping[str, Any],
        jwks: jwt.PyJWKSet,
        *,
        signed: bool = False,
        jarm: bool = False,
        **members: Any,
    ) -> "FapiParty":
        """A new client, and its party."""
        key = Key()
        plain: dict[str, Any] = {
            "client_name": "FAPI conformance suite",
            "profile": "fapi2-message-signing" if signed else "fapi2-security",
            "token_endpoint_auth_method": "private_key_jwt",
            "redirect_uris": [f"https://{secrets.token_hex(8)}.example/callback"],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid profile email phone address offline_access",
            "id_token_signed_response_alg": "ES256",
            "authorization_signed_response_alg": "ES256" if jarm else None,
            "dpop_bound_access_tokens": True,
            "jwks": key.jwks,
        }
        chosen = {name: each for name, each in (plain | members).items() if each is not None}
        client = op.register(**chosen)
        return cls(browser, client, metadata, jwks, key=key, signed=signed, jarm=jarm)

    def second(self, op: Provider, **members: Any) -> "FapiParty":
        """The suite's other client, in the same browser."""
        return self.register(
            op,
            self.browser,
            self.metadata,
            self.jwks,
            signed=self.signed,
            jarm=self.jarm,
            **members,
        )

    # Client authentication and proofs

    def assertion(self, *, alg: str = "ES256", **changes: Any) -> str:
        """A client assertion; a claim changed to None is left out."""
        now, client_id = int(time.time()), self.client["client_id"]
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": self.metadata["issuer"],
            "jti": secrets.token_urlsafe(16),
            "iat": now,
            "exp": now + 60,
        }
        return self.key.sign(claims | changes, alg)

    def authentication(self, **changes: Any) -> dict[str, str]:
        """The parameters that authenticate the client."""
        assertion = self.assertion(**changes)
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}

    def send(
        self,
        url: str,
        form: Mapping[str, str],
        *,
        authentication: Mapping[str, str] | None = None,
        proof: bool | str = True,
        proof_claims: Mapping[str, Any] | None = None,
    ) -> httpx.Response:
        """A form to one of the provider's endpoints, again with its nonce if it asks for one.

        ``authentication`` and ``proof`` stand in for the client's own; each try has fresh ones.
        """
        for _ in range(2):
            known = self.authentication() if authentication is None else authentication
            headers = {}
            if proof:
                own = self.proof("POST", url, **(proof_claims or {}))
                headers["DPoP"] = own if proof is True else str(proof)
            response = self._bare("POST", url, headers=headers, data={**form, **known})
            self.nonce = response.headers.get("dpop-nonce", self.nonce)
            if not self._nonce_wanted(response):
                break
        return response

    def proof(self, method: str, url: str, *, token: str = "", **claims: Any) -> str:
        """A DPoP proof with the last nonce that the provider gave."""
        return self.dpop.proof(
            method, url, now=time.time(), nonce=self.nonce, token=token, **claims
        )

    def _nonce_wanted(self, response: httpx.Response) -> bool:
        return response.status_code in {400, 401} and "use_dpop_nonce" in (
            response.text + response.headers.get("www-authenticate", "")
        )

    # Front channel

    def parameters(self, **changes: str | None) -> dict[str, str]:
        """The request of the suite, with PKCE; ``None`` leaves a parameter out."""
        self.verifier = secrets.token_urlsafe(48)
        challenge = base64url_encode(hashlib.sha256(self.verifier.encode()).digest()).decode()
        plain: dict[str, str | None] = {
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "response_mode": "jwt" if self.jarm else None,
        }
        return super().parameters(**(plain | changes))

    def request_object(
        self, members: Mapping[str, Any], *, alg: str = "ES256", key: Key | None = None, **jwt_: Any
    ) -> str:
        """The signed request object of the suite; ``jwt_`` changes claims of the JWT's own."""
        now, client_id = int(time.time()), self.client["client_id"]
        own = {
            "iss": client_id,
            "aud": self.metadata["issuer"],
            "iat": now,
            "nbf": now,
            "exp": now + 300,
            "client_id": client_id,
        }
        claims = {**members, **own, **jwt_}
        return (key or self.key).sign(claims, alg, typ="oauth-authz-req+jwt")

    def push(self, *, form: Mapping[str, str] | None = None, **changes: Any) -> httpx.Response:
        """Push the request of the suite, in an object where this client signs.

        ``form`` is pushed instead, if given.
        """
        if form is None:
            members = self.parameters(**changes)
            form = {"request": self.request_object(members)} if self.signed else members
        return self.send(
            self.metadata["pushed_authorization_request_endpoint"],
            {"client_id": self.client["client_id"], **form},
        )

    def pushed(self, response: httpx.Response) -> str:
        """The reference in the answer to a good push (RFC 9126 §2.2)."""
        assert response.status_code == 201, response.text
        assert response.headers["content-type"].split(";")[0] == "application/json"
        assert "no-store" in response.headers["cache-control"]
        answer = response.json()
        assert 5 <= answer["expires_in"] < 600
        reference: str = answer["request_uri"]
        assert len(reference.rpartition(":")[2]) >= 22  # 128 bits
        return reference

    def not_pushed(self, response: httpx.Response, *errors: str) -> None:
        """Check that a push was refused (RFC 9126 §2.3)."""
        assert response.status_code in {400, 401}, response.text
        assert response.json()["error"] in (errors or ERRORS)
        assert "no-store" in response.headers["cache-control"]

    def visit(self, request_uri: str, **beside: str) -> Page | Callback:
        """Send the browser to the authorization endpoint with a reference."""
        named = {"client_id": self.client["client_id"], "request_uri": request_uri}
        return self.browser.open(self.url(named | beside))

    def open(self, **changes: str | None) -> Page | Callback:
        """Push a request and send the browser there."""
        return self.visit(self.pushed(self.push(**changes)))

    def unwrapped(self, callback: Callback) -> Callback:
        """An answer, taken out of the JWT that it came in (JARM §2.4)."""
        if not self.jarm or "response" not in callback.members:
            return callback
        assert callback.members.keys() == {"response"}
        text = callback.members["response"]
        header = jwt.get_unverified_header(text)
        assert header["alg"] == "ES256"
        claims = jwt.decode(
            text,
            self.jwks[header["kid"]],
            algorithms=["ES256"],
            audience=self.client["client_id"],
            issuer=self.metadata["issuer"],
            leeway=SKEW,
            options={"require": ["iss", "aud", "exp"]},
        )
        assert claims["exp"] - time.time() <= 600
        members = {name: each for name, each in claims.items() if name not in {"aud", "exp"}}
        return replace(callback, members=members)

    def granted(self, callback: Callback) -> Callback:
        """Check a good answer: in a JWT if that was asked for."""
        assert ("response" in callback.members) is self.jarm
        return super().granted(self.unwrapped(callback))

    def refused(self, at: Page | Callback, *errors: str) -> Callback:
        """Check that an answer is an error, one of ``errors``, wrapped like a good one."""
        assert isinstance(at, Callback), "the citizen is not to be asked"
        return super().refused(self.unwrapped(at), *errors)

    # Back channel

    def redeem(self, callback: Callback, **changes: str) -> httpx.Response:
        """Send the code to the token endpoint, with the verifier."""
        return super().redeem(callback, **({"code_verifier": self.verifier} | changes))

    def token(self, form: Mapping[str, str]) -> httpx.Response:
        """Send a request to the token endpoint; members that are empty are left out."""
        kept = {name: each for name, each in form.items() if each}
        return self.send(self.metadata["token_endpoint"], kept)

    def verified(self, response: httpx.Response, *, nonce: str | None) -> Tokens:
        """The tokens of a good answer, bound to the client's key (RFC 9449 §5)."""
        assert response.status_code == 200, response.text
        assert "no-store" in response.headers["cache-control"]
        answer = response.json()
        assert answer["token_type"].lower() == "dpop"
        assert answer["expires_in"] > 0
        claims = self.verify_id_token(answer["id_token"], answer["access_token"], nonce)
        return Tokens(answer, claims)

    def ask_userinfo(self, tokens: Tokens, method: str = "GET", **how: Any) -> httpx.Response:
        """Ask the UserInfo endpoint with a proof, unless ``how`` says else."""
        url = self.metadata["userinfo_endpoint"]
        for _ in range(2):
            proof = self.proof(method, url, token=tokens.access_token)
            headers = {"Authorization": f"DPoP {tokens.access_token}", "DPoP": proof}
            response = self._bare(method, url, **(how or {"headers": headers}))
            self.nonce = response.headers.get("dpop-nonce", self.nonce)
            if how or not self._nonce_wanted(response):
                break
        return response

    def happy(self, **changes: str | None) -> Tokens:
        """A login, its tokens verified and UserInfo asked."""
        tokens = self.exchange(self.authorize(**changes))
        self.userinfo(tokens)
        return tokens
