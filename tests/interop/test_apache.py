"""mod_auth_openidc as Debian packages it, with the sample of docs/libraries.md."""

import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from tests.conformance.live import Provider
from tests.conformance.suite import Browser, Page
from tests.interop.apache import PATIENCE, apache, installed
from tests.interop.conftest import over_tls
from tests.interop.documented import ISSUER, PORTAL, sample
from tests.ports import free_port

pytestmark = [
    over_tls,
    pytest.mark.skipif(
        not installed(), reason="apache2 with libapache2-mod-auth-openidc is not installed"
    ),
]

KEY_ID, FILES = "2027", "/etc/apache2/eid"
CLAIMS = ("iss", "sub", "acr", "name")
PAGE = "".join(f'<p id="{each}"><!--#echo var="OIDC_CLAIM_{each}" --></p>\n' for each in CLAIMS)
"""A page of the portal that shows what the module tells it."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where a server that is not root may read."""
    with TemporaryDirectory(prefix="idp-apache-") as made:
        yield Path(made)


@pytest.fixture
def portal(op: Provider, folder: Path) -> Iterator[str]:
    """A portal behind the sample's configuration, registered with its key; its URL."""
    port = free_port()
    url = f"https://localhost:{port}"
    client = op.register(
        client_name="Apache",
        redirect_uris=[f"{url}/account/eid"],
        post_logout_redirect_uris=[f"{url}/"],
        backchannel_logout_uri=f"{url}/account/eid?logout=backchannel",
        backchannel_logout_session_required=True,
        scope="openid profile",
        token_endpoint_auth_method="private_key_jwt",
        jwks={"keys": [new_key(folder / "eid")]},
    )
    names = {
        ISSUER: op.issuer,
        PORTAL: url,
        "OIDCClientID portal": f"OIDCClientID {client['client_id']}",
        FILES: f"{folder}/eid",
    }
    (folder / "eid.conf").write_text(sample("docs/libraries.md", "### Apache", "apache", names))
    (folder / "eid/passphrase").write_text(secrets.token_urlsafe())
    (folder / "pages/account").mkdir(parents=True)
    (folder / "pages/account/index.html").write_text(PAGE)
    with apache(folder, port, op):
        yield url


def new_key(folder: Path) -> dict[str, Any]:
    """Write a new RSA key, private and public; the public one as it is registered."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem, spki = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    pkcs8 = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    folder.mkdir()
    (folder / "private-key.pem").write_bytes(key.private_bytes(pem, *pkcs8))
    (folder / "public-key.pem").write_bytes(key.public_key().public_bytes(pem, spki))
    public: dict[str, Any] = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**public, "kid": KEY_ID, "use": "sig", "alg": "RS256"}


def test_login_and_back_channel_logout(op: Provider, browser: Browser, portal: str) -> None:
    """Apache redeems the code by its key, passes the claims on, and hears of the logout."""
    protected = f"{portal}/account/index.html"
    url = sent_away(browser, protected)
    asked = dict(parse_qsl(urlsplit(url).query))
    assert asked["code_challenge_method"] == "S256"
    assert asked["nonce"]
    back = browser.log_in(browser.open(url))
    shown = Page.of(browser.http.get(back.url, follow_redirects=True))
    assert shown.url == protected
    assert shown.texts["iss"] == op.issuer
    assert shown.texts["acr"] == "urn:vn:eid:level:1"
    assert shown.texts["name"] == "Trần Thị Mai"
    assert browser.http.get(protected).status_code == 200

    page = browser.open(f"{op.issuer}/logout")
    assert isinstance(page, Page)
    browser.submit(page, ("decision", "logout"))
    deadline = time.monotonic() + PATIENCE
    while browser.http.get(protected).status_code == 200:
        assert time.monotonic() < deadline, "Apache has not heard of it"
        time.sleep(0.05)
    browser.seen.clear()
    browser.log_in(browser.open(sent_away(browser, protected)))
    assert browser.seen == ["id_number", "otp"]


def sent_away(browser: Browser, protected: str) -> str:
    """Where Apache sends a browser that it does not know."""
    answer = browser.http.get(protected)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]
