"""The verification kit (docs/verify) takes the tokens that a running provider gives."""

from urllib.parse import parse_qs

import jwt
import pytest

from tests.conformance.leaving import came, log_out, party, served
from tests.conformance.live import Provider
from tests.conformance.suite import Browser
from tests.interop.conftest import over_tls
from tests.interop.relying_party import TRUST
from tests.verify.languages import LANGUAGES, program

LOGOUT = "/backchannel_logout"


@over_tls
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_login_and_its_logout(
    op: Provider, browser: Browser, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in TRUST:
        monkeypatch.setenv(name, str(op.ca))
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    with op.http() as http, served(op) as server:
        metadata = http.get(f"{op.issuer}/.well-known/openid-configuration").json()
        jwks = jwt.PyJWKSet.from_dict(http.get(metadata["jwks_uri"]).json())
        rp = party(op, server, browser, metadata, jwks, backchannel_logout_uri=server.url(LOGOUT))
        tokens = rp.exchange(rp.authorize(max_age="600"))
        log_out(rp, tokens)
        form = parse_qs(came(server, LOGOUT).partition(b"\r\n\r\n")[2].decode("ascii"))
    expected = {
        "nonce": rp.asked["nonce"],
        "min_acr": "urn:vn:eid:level:1",
        "max_age": 600,
        "access_token": tokens.access_token,
    }
    settings = {
        "issuer": op.issuer,
        "client_id": rp.client["client_id"],
        "jwks_uri": metadata["jwks_uri"],
        "alg": rp.client["id_token_signed_response_alg"],
        "refetch_after": 30,
    }
    with program(LANGUAGES[language](), settings) as ask:
        login = ask({"id_token": tokens.id_token_text, "expected": expected})
        logout = ask({"logout_token": form["logout_token"][0]})
        again = ask({"logout_token": form["logout_token"][0]})
    assert login["claims"] == tokens.id_token
    assert logout["claims"]["sid"] == login["claims"]["sid"]
    assert again == {"refused": "jti"}
