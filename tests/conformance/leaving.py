"""A relying party at the suite's own https server, for the plans about logout."""

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt

from tests.conformance.live import Provider
from tests.conformance.suite import CLIENT, Browser, Callback, Page, RelyingParty, Tokens
from tests.outbound.hostile import Hostile, hostile, ok

STATE = "s" * 128  # as long as the suite's


@contextmanager
def served(op: Provider) -> Iterator[Hostile]:
    """The suite's server: it answers 200 and remembers what came."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(op.directory / "certificate.pem", op.directory / "private-key.pem")
    with hostile(tls) as server:
        server.answer(ok(b""))
        yield server


def party(
    op: Provider,
    server: Hostile,
    browser: Browser,
    metadata: dict[str, Any],
    jwks: jwt.PyJWKSet,
    **members: Any,
) -> RelyingParty:
    """The suite as a client at ``server``."""
    client = op.register(
        **CLIENT,
        redirect_uris=[server.url("/callback")],
        post_logout_redirect_uris=[server.url("/post_logout_redirect")],
        **members,
    )
    return RelyingParty(browser, client, metadata, jwks)


def log_out(rp: RelyingParty, tokens: Tokens) -> Page | Callback:
    """Send the browser to the end_session_endpoint."""
    asked = {
        "id_token_hint": tokens.id_token_text,
        "post_logout_redirect_uri": rp.client["post_logout_redirect_uris"][0],
        "state": STATE,
    }
    return rp.browser.open(f"{rp.metadata['end_session_endpoint']}?{urlencode(asked)}")


def sent_back(rp: RelyingParty, url: str) -> None:
    """The browser came back with the state alone, and nobody is logged in any more."""
    address, _, query = url.partition("?")
    assert address == rp.client["post_logout_redirect_uris"][0]
    assert dict(parse_qsl(query)) == {"state": STATE}
    rp.refused(rp.open(prompt="none"), "login_required")


def came(server: Hostile, path: str) -> bytes:
    """The one request that comes to a path; waited for."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        if found := [each for each in server.requests if _path(each) == path]:
            assert len(found) == 1
            return found[0]
        time.sleep(0.05)
    raise AssertionError(f"nothing came to {path}")


def target(request: bytes) -> str:
    """What a request is for: its path and query."""
    return request.split(b" ", 2)[1].decode("ascii")


def _path(request: bytes) -> str:
    return urlsplit(target(request)).path
