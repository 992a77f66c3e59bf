"""Session management: what relying parties are given, and the one page that they may frame."""

import hashlib
from dataclasses import replace

import pytest
from werkzeug.test import TestResponse

from idp.oidc.authorization.session_state import COOKIE
from idp.oidc.clients.model import ClientStatus
from tests.oidc.front import CLINIC, PORTAL, Browser, Front, Y, answer
from tests.oidc.logout.world import party, session_id

NAME = f"__Host-{COOKIE}"


def state_of(browser: Browser) -> str:
    """What the frame's script reads."""
    found = browser.http.get_cookie(NAME, domain="id.example.vn")
    return str(found.value) if found else ""


def unchanged(browser: Browser, response: TestResponse, client_id: str, seen_from: str) -> bool:
    """What the frame answers to a page at ``seen_from`` (Session Management 1.0 §4.2)."""
    hashed, salt = answer(response)["session_state"].split(".")
    text = f"{client_id} {seen_from} {state_of(browser)} {salt}"
    return hashlib.sha256(text.encode()).hexdigest() == hashed


def test_the_state_holds_while_the_login_does(front: Front) -> None:
    browser = front.signed_in()
    given = front.authorize(browser)
    at = ("portal", "https://portal.example.vn")
    assert unchanged(browser, given, *at)
    front.authorize(browser, CLINIC)
    assert unchanged(browser, given, *at)
    assert "Set-Cookie" not in given.headers  # nothing new to say
    browser.submit(browser.get("/logout"), decision="logout")
    assert state_of(browser) == ""
    assert not unchanged(browser, given, *at)
    browser.log_in(front.authorize(browser))
    assert not unchanged(browser, given, *at)
    assert unchanged(browser, front.authorize(browser), *at)


def test_another_citizen_in_the_same_browser_is_a_change(front: Front) -> None:
    browser = front.signed_in()
    given = front.authorize(browser)
    browser.log_in(front.authorize(browser, prompt="login"), Y)
    assert not unchanged(browser, given, "portal", "https://portal.example.vn")


def test_nobody_else_can_use_or_compare_it(front: Front) -> None:
    browser = front.signed_in()
    first, second = (answer(front.authorize(browser))["session_state"] for _ in "12")
    assert first != second
    given = front.authorize(browser)
    assert not unchanged(browser, given, "portal", "https://evil.example")
    assert not unchanged(browser, given, "clinic", "https://portal.example.vn")
    assert session_id(front, browser) not in state_of(browser)
    assert " " not in first


def test_the_cookie_is_for_frames_and_opens_nothing(front: Front) -> None:
    browser = front.signed_in()
    state = state_of(browser)
    stranger = front.browser()
    stranger.http.set_cookie(NAME, state, domain="id.example.vn", secure=True)
    assert answer(front.authorize(stranger, prompt="none"))["error"] == "login_required"


def test_an_origin_is_written_as_browsers_write_it(front: Front) -> None:
    browser = front.signed_in()
    there = party(front, "there")
    explicit = ("https://there.example.vn:443/cb",)
    front.change(replace(there, redirect_uris=explicit))
    given = front.authorize(browser, redirect_uri=explicit[0], client_id="there")
    assert unchanged(browser, given, "there", "https://there.example.vn")


def test_what_has_no_page_gets_no_state(front: Front) -> None:
    browser = front.signed_in()
    native = party(front, "native", application_type="native", token_endpoint_auth_method="none")
    uri = ("vn.example.app:/cb",)
    front.change(replace(native, redirect_uris=uri))
    pkce = {"code_challenge": "A" * 43, "code_challenge_method": "S256"}
    given = front.authorize(browser, redirect_uri=uri[0], client_id="native", **pkce)
    assert answer(given).keys() == {"code", "state", "iss"}
    only_profile = front.authorize(browser, scope="profile")
    assert "session_state" not in only_profile.headers.get("Location", "")


@pytest.mark.parametrize("prefix", ["https://portal.example.vn", "https://clinic.example.vn"])
def test_a_registered_relying_party_may_frame_the_page(front: Front, prefix: str) -> None:
    page = front.browser().once("GET", "/session", headers={"Referer": f"{prefix}/"})
    assert page.headers["Content-Security-Policy"].endswith(f"frame-ancestors {prefix}")
    assert "X-Frame-Options" not in page.headers
    assert page.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "check_session.js" in page.text
    assert "Set-Cookie" not in page.headers


@pytest.mark.attack("J14")
@pytest.mark.parametrize(
    "referer",
    [
        *("", "https://evil.example/", "https://portal.example.vn.evil.example/", "null"),
        *("http://[", "https://portal.example.vn:port/", "https://[portal.example.vn]/"),
    ],
)
def test_J14_nobody_else_may_frame_the_sessions_page(front: Front, referer: str) -> None:
    page = front.browser().once("GET", "/session", headers={"Referer": referer})
    assert page.headers["Content-Security-Policy"].endswith("frame-ancestors 'none'")
    assert page.headers["X-Frame-Options"] == "DENY"


def test_a_client_that_was_disabled_may_not_any_more(front: Front) -> None:
    front.change(replace(PORTAL, status=ClientStatus.DISABLED))
    page = front.browser().once(
        "GET", "/session", headers={"Referer": "https://portal.example.vn/"}
    )
    assert page.headers["Content-Security-Policy"].endswith("frame-ancestors 'none'")
