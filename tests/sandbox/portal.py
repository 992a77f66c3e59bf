"""A portal and its citizens at a whole sandbox: a client, and a browser with its cookies."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from werkzeug.test import Client as Http
from werkzeug.test import TestResponse

from idp.app import Application
from tests.oidc.front import Page

ISSUER = "http://localhost:8000"
CALLBACK = "https://portal.example.vn/cb"
VERIFIER = "v" * 43
NONCE = "n-0S6_WzA2Mj"
MAI, MINH = "000199000001", "000099000002"
LEVEL_2 = "urn:vn:eid:level:2"


@dataclass
class Portal:
    """A relying party that registered itself, as a developer does with curl."""

    app: Application
    metadata: Mapping[str, Any]
    http: Http = field(init=False)

    def __post_init__(self) -> None:
        self.http = Http(self.app)

    @property
    def client_id(self) -> str:
        found: str = self.metadata["client_id"]
        return found

    @property
    def auth(self) -> tuple[str, str]:
        return self.client_id, self.metadata["client_secret"]

    # The browser

    def authorize(self, **changes: str) -> TestResponse:
        """The request, in a new browser."""
        self.http = Http(self.app)
        members = {
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": "openid profile",
            "state": "s",
            "nonce": NONCE,
            "acr_values": LEVEL_2,
            "code_challenge": create_s256_code_challenge(VERIFIER),
            "code_challenge_method": "S256",
            **changes,
        }
        return self.go("GET", f"/authorize?{urlencode({k: v for k, v in members.items() if v})}")

    def go(self, method: str, path: str, **options: Any) -> TestResponse:
        """One request and what follows, until somebody else's address."""
        response = self.http.open(path, method=method, base_url=ISSUER, **options)
        while response.headers.get("Location", "").startswith("/"):
            response = self.http.get(response.headers["Location"], base_url=ISSUER)
        return response

    def submit(self, page: TestResponse, **fields: Any) -> TestResponse:
        form = Page(page.text)
        return self.go("POST", form.action, data={**form.hidden, **fields})

    def log_in(self, page: TestResponse, number: str = MINH) -> dict[str, str]:
        """The members of the authorization response after a login by code and passcode."""
        page = self.submit(page, id_number=number, method="otp")
        page = self.submit(page, otp="000000", action="verify")
        if 'name="passcode"' in page.text:
            page = self.submit(page, passcode="111111", action="verify")
        if 'value="allow"' in page.text:
            page = self.submit(page, decision="allow", claims=list(Page(page.text).boxes))
        assert page.status_code == 303, page.text
        return members(page)

    # The back channel

    def redeem(self, answer: Mapping[str, str]) -> TestResponse:
        form = {
            "grant_type": "authorization_code",
            "code": answer["code"],
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        return self.post("/token", form)

    def post(self, path: str, form: Mapping[str, str]) -> TestResponse:
        return self.http.post(path, base_url=ISSUER, data=form, auth=self.auth)

    def tokens(self, number: str = MINH, **changes: str) -> dict[str, Any]:
        """A whole login's tokens."""
        redeemed = self.redeem(self.log_in(self.authorize(**changes), number))
        assert redeemed.status_code == 200, redeemed.text
        found: dict[str, Any] = redeemed.get_json()
        return found

    def userinfo(self, tokens: Mapping[str, Any]) -> TestResponse:
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        return self.http.get("/userinfo", base_url=ISSUER, headers=bearer)

    def jwks(self) -> dict[str, jwt.PyJWK]:
        """The published keys by kid, as a portal would cache them."""
        found = jwt.PyJWKSet.from_dict(self.http.get("/jwks", base_url=ISSUER).get_json())
        return {str(each.key_id): each for each in found.keys}

    def verify(self, id_token: str) -> dict[str, Any]:
        """The claims, verified as a portal must (OIDC Core §3.1.3.7)."""
        key = self.jwks()[jwt.get_unverified_header(id_token)["kid"]]
        claims: dict[str, Any] = jwt.decode(
            id_token, key, algorithms=["RS256", "ES256"], audience=self.client_id, issuer=ISSUER
        )
        if claims.get("nonce") != NONCE:
            raise jwt.InvalidTokenError("another nonce")
        return claims

    # The sandbox

    def force(self, result: str, **more: Any) -> None:
        done = self.http.post(
            f"/sandbox/api/clients/{self.client_id}/next",
            base_url=ISSUER,
            json={"result": result, **more},
            auth=self.auth,
        )
        assert done.status_code == 200, done.text
        assert done.get_json()["pending"]

    def pending(self) -> list[dict[str, Any]]:
        path = f"/sandbox/api/clients/{self.client_id}/next"
        found: list[dict[str, Any]] = self.http.get(
            path, base_url=ISSUER, auth=self.auth
        ).get_json()["pending"]
        return found

    def exchanges(self) -> list[dict[str, Any]]:
        path = f"/sandbox/api/clients/{self.client_id}/exchanges"
        answer = self.http.get(path, base_url=ISSUER, auth=self.auth)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.get_json()["exchanges"]
        return found


def members(response: TestResponse) -> dict[str, str]:
    """The members of an authorization response, from the query or the fragment."""
    parts = urlsplit(response.headers["Location"])
    return dict(parse_qsl(parts.query or parts.fragment))


def unverified(id_token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(id_token, options={"verify_signature": False})
    return found


def register(app: Application, **metadata: Any) -> Portal:
    asked = {
        "client_name": "Cổng dịch vụ công Hoa Sen",
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": "openid profile",
        **metadata,
    }
    done = Http(app).post(
        "/register",
        base_url=ISSUER,
        data=json.dumps(asked),
        content_type="application/json",
    )
    assert done.status_code == 201, done.text
    return Portal(app, done.get_json())
