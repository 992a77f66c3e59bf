"""oidcc-session-management-certification-test-plan: tests named like its modules.

That the frame's script computes what this does is held in a real browser:
``tests/browser/test_logout.py``.
"""

import hashlib
import re
from typing import Any
from urllib.parse import urljoin

import jwt

from tests.conformance.leaving import log_out, party, sent_back, served
from tests.conformance.live import Provider
from tests.conformance.suite import Browser, Callback


def answered(browser: Browser, client_id: str, session_state: str, origin: str) -> str:
    """What the provider's frame answers to a relying party's page (Session Management 1.0 §3.3)."""
    state = browser.http.cookies.get("__Host-eid_browser_state", "")
    hashed, salt = session_state.split(".")
    text = f"{client_id} {origin} {state} {salt}"
    same = hashlib.sha256(text.encode()).hexdigest() == hashed
    return "unchanged" if same else "changed"


def test_oidcc_session_management_discovery_endpoint_verification(
    metadata: dict[str, Any],
) -> None:
    assert metadata["check_session_iframe"].startswith("https://")
    assert metadata["end_session_endpoint"].startswith("https://")


def test_oidcc_session_management_rp_initiated_logout(
    op: Provider, browser: Browser, metadata: dict[str, Any], jwks: jwt.PyJWKSet
) -> None:
    with served(op) as server:
        rp = party(op, server, browser, metadata, jwks)
        origin = server.url("")
        callback = rp.authorize()
        given, client_id = callback.members["session_state"], rp.client["client_id"]
        assert re.fullmatch(r"[!-~]+", given)  # no space in it (§2)
        tokens = rp.exchange(callback)
        framed = {"Referer": f"{origin}/", "Sec-Fetch-Dest": "iframe"}
        page = rp.http.get(metadata["check_session_iframe"], headers=framed)
        assert page.status_code == 200
        assert f"frame-ancestors {origin}" in page.headers["content-security-policy"]
        assert "x-frame-options" not in page.headers
        script = re.search(r'<script src="([^"]+)">', page.text)
        assert script is not None
        url = urljoin(str(page.url), script[1])
        assert "postMessage" in rp.http.get(url).text
        assert answered(browser, client_id, given, origin) == "unchanged"
        at = log_out(rp, tokens)
        assert answered(browser, client_id, given, origin) == "changed"
        assert isinstance(at, Callback)
        sent_back(rp, at.url)
