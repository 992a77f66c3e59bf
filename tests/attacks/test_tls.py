"""The provider over https: the transport itself, cookies, and what browsers are told."""

import socket
import ssl
from collections.abc import Iterator

import pytest

from tests.attacks.live import Live, serve
from tests.service import _certificate


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    directory = tmp_path_factory.mktemp("secure")
    directory.chmod(0o700)
    with serve(directory, _certificate(directory)) as provider:
        yield provider


def handshake(live: Live, context: ssl.SSLContext) -> tuple[str | None, str]:
    """The version and cipher suite that the server agrees to."""
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", live.port), timeout=5) as plain,
        context.wrap_socket(plain) as connection,
    ):
        chosen = connection.cipher()
        assert chosen
        return connection.version(), chosen[0]


@pytest.mark.attack("O07")
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_O07_old_versions_are_refused(secure: Live, version: ssl.TLSVersion) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with pytest.raises((ssl.SSLError, ConnectionError)):
        handshake(secure, context)


@pytest.mark.attack("O07")
@pytest.mark.parametrize("ciphers", ["AES128-SHA", "AES256-GCM-SHA384", "ECDHE-RSA-AES128-SHA"])
def test_O07_suites_without_forward_secrecy_or_authentication_are_refused(
    secure: Live, ciphers: str
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)):
        handshake(secure, context)


@pytest.mark.attack("O07")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_O07_todays_versions_are_spoken_with_aead_suites(
    secure: Live, version: ssl.TLSVersion
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = context.maximum_version = version
    spoken, suite = handshake(secure, context)
    assert spoken == version.name.replace("_", ".")
    assert "GCM" in suite or "CHACHA20" in suite


@pytest.mark.attack("J12")
@pytest.mark.attack("J20")
def test_J12_J20_cookies_and_answers_are_for_https_only(secure: Live) -> None:
    browser = secure.browser()
    page = browser.authorize()
    done = browser.log_in(page, secure.person())
    cookies = page.headers.get_list("set-cookie") + done.headers.get_list("set-cookie")
    (readable,) = (each for each in cookies if each.startswith("__Host-eid_browser_state="))
    cookies.remove(readable)  # no secret: for our frame in a relying party's page
    assert {"Secure", "SameSite=None", "Path=/"} <= set(readable.split("; "))
    assert {each.partition("=")[0] for each in cookies} == {
        "__Host-eid_login",
        "__Host-eid_session",
    }
    for each in cookies:
        parts = each.split("; ")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(parts)
        assert not [part for part in parts if part.startswith("Domain")]
        assert len(each) < 4096
    for answer in (page, done, browser.http.get("/nowhere"), browser.http.get("/jwks")):
        seconds, *rest = answer.headers["strict-transport-security"].split("; ")
        assert int(seconds.removeprefix("max-age=")) >= 31_536_000
        assert "includeSubDomains" in rest
