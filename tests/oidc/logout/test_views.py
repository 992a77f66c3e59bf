"""RP-initiated logout over HTTP. Tests with a conformance module's name do what it does."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import Client as Http
from werkzeug.test import TestResponse

from idp.core.handles import digest
from idp.jose.jwt import sign_jwt
from idp.login.replay import SECONDS
from idp.oidc.logout.delivery import Delivery
from idp.oidc.logout.repository import Outbox
from tests.oidc.front import (
    CLINIC,
    GOODBYE,
    ISSUER,
    PORTAL,
    Browser,
    Front,
    Page,
    X,
    Y,
    answer,
    claims_of,
    error,
)
from tests.oidc.logout.world import listens, session_id, visit


def messages_of(front: Front, session: str) -> list[Delivery]:
    """Every message about a session."""
    return list(Outbox(front.database, front.clock).of_session(digest(session)))


def hint(front: Front, browser: Browser) -> str:
    """An ID token that the portal got in the browser's session."""
    found: str = front.tokens(front.authorize(browser))["id_token"]
    return found


def logged_in(front: Front, browser: Browser) -> bool:
    return "code" in answer(front.authorize(browser, prompt="none"))


def confirmed(response: TestResponse) -> TestResponse:
    """The confirmation page, which leads nowhere by itself."""
    assert response.status_code == 200
    assert "Location" not in response.headers
    buttons = Page(response.text).buttons
    assert buttons == [("decision", "logout"), ("decision", "stay")]
    return response


def test_oidcc_rp_initiated_logout(front: Front) -> None:
    browser = front.signed_in()
    token = hint(front, browser)
    gone = browser.get(
        "/logout", id_token_hint=token, post_logout_redirect_uri=GOODBYE, state="a b"
    )
    assert gone.status_code == 303
    assert gone.headers["Location"] == f"{GOODBYE}?state=a+b"
    assert "__Host-eid_session=;" in gone.headers["Set-Cookie"]
    assert "Max-Age=0" in gone.headers["Set-Cookie"]
    assert not logged_in(front, browser)
    assert [each["event"] for each in front.events()[-3:-1]] == ["SessionEnded", "LogoutCompleted"]


def test_oidcc_rp_initiated_logout_no_state(front: Front) -> None:
    browser = front.signed_in()
    gone = browser.get(
        "/logout", id_token_hint=hint(front, browser), post_logout_redirect_uri=GOODBYE
    )
    assert gone.headers["Location"] == GOODBYE
    assert not logged_in(front, browser)


def test_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(front: Front) -> None:
    browser = front.signed_in()
    gone = browser.get("/logout", id_token_hint=hint(front, browser))
    assert gone.status_code == 200
    assert "Bạn đã đăng xuất" in gone.text
    assert not logged_in(front, browser)


@pytest.mark.parametrize("members", [{}, {"state": "s"}])
def test_oidcc_rp_initiated_logout_no_params_only_state(
    front: Front, members: dict[str, str]
) -> None:
    browser = front.signed_in()
    page = confirmed(browser.get("/logout", **members))
    assert logged_in(front, browser)
    gone = browser.submit(page, decision="logout")
    assert "Bạn đã đăng xuất" in gone.text
    assert not logged_in(front, browser)


Change = Callable[[Front, str], dict[str, str]]
UNTRUSTED: dict[str, Change] = {
    "bad_post_logout_redirect_uri": lambda _, token: {
        "id_token_hint": token,
        "post_logout_redirect_uri": "https://evil.example/",
    },
    "query_added_to_post_logout_redirect_uri": lambda _, token: {
        "id_token_hint": token,
        "post_logout_redirect_uri": f"{GOODBYE}?foo=bar",
    },
    "no_id_token_hint": lambda _, token: {"post_logout_redirect_uri": GOODBYE},
    "modified_id_token_hint": lambda _, token: {
        "id_token_hint": f"eyJhbGciOiJub25lIn0.{token.split('.')[1]}.",
        "post_logout_redirect_uri": GOODBYE,
    },
    "bad_id_token_hint": lambda _, token: {
        "id_token_hint": f"{token[:-4]}AAAA",
        "post_logout_redirect_uri": GOODBYE,
    },
    "other_issuer": lambda front, token: {
        "id_token_hint": signed(front, token, iss="https://other.example"),
        "post_logout_redirect_uri": GOODBYE,
    },
    "other_client_id": lambda _, token: {
        "id_token_hint": token,
        "client_id": "clinic",
        "post_logout_redirect_uri": GOODBYE,
    },
}


def signed(front: Front, token: str, **changes: Any) -> str:
    return sign_jwt(front.services.keys.signer("ES256"), {**claims_of(token), **changes})


@pytest.mark.attack("M03")
@pytest.mark.parametrize("case", UNTRUSTED)
def test_M03_oidcc_rp_initiated_logout_never_redirects_for(front: Front, case: str) -> None:
    browser = front.signed_in()
    token = hint(front, browser)
    response = browser.get("/logout", state="s", **UNTRUSTED[case](front, token))
    assert "Location" not in response.headers
    assert "//evil.example" not in response.text
    gone = browser.submit(confirmed(response), decision="logout")
    assert "Location" not in gone.headers
    assert not logged_in(front, browser)


@pytest.mark.attack("M03")
def test_M03_a_hint_of_another_citizen_or_session_ends_nothing_by_itself(front: Front) -> None:
    theirs = hint(front, front.signed_in(Y))
    earlier = hint(front, front.signed_in(X))
    browser = front.signed_in(X)
    for token in (theirs, earlier, signed(front, earlier, sid="")):
        page = browser.get("/logout", id_token_hint=token, post_logout_redirect_uri=GOODBYE)
        confirmed(page)
        assert logged_in(front, browser)


@pytest.mark.attack("M04")
def test_M04_an_expired_but_genuine_hint_is_accepted(front: Front) -> None:
    browser = front.signed_in()
    token = hint(front, browser)
    front.clock.advance(600)
    gone = browser.get("/logout", id_token_hint=token, post_logout_redirect_uri=GOODBYE)
    assert gone.headers["Location"] == GOODBYE
    assert not logged_in(front, browser)


@pytest.mark.attack("M05")
@pytest.mark.parametrize("state", ['"><script>alert(1)</script>', "a\r\nSet-Cookie: x=y"])
def test_M05_state_is_echoed_encoded(front: Front, state: str) -> None:
    browser = front.signed_in()
    token = hint(front, browser)
    members = {"client_id": "portal", "post_logout_redirect_uri": GOODBYE, "state": state}
    page = confirmed(browser.get("/logout", **members))
    assert "<script>" not in page.text
    gone = browser.get("/logout", id_token_hint=token, **members)
    assert gone.headers["Location"].isprintable()
    assert answer(gone) == {"state": state}


def test_a_client_without_a_hint_is_believed_once_the_citizen_agrees(front: Front) -> None:
    browser = front.signed_in()
    page = confirmed(
        browser.get("/logout", client_id="portal", post_logout_redirect_uri=GOODBYE, state="s")
    )
    assert "Cổng dịch vụ công" in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "form-action 'self' https://portal.example.vn;" in policy
    gone = browser.submit(page, decision="logout")
    assert gone.headers["Location"] == f"{GOODBYE}?state=s"
    assert not logged_in(front, browser)


def test_staying_changes_nothing(front: Front) -> None:
    browser = front.signed_in()
    stayed = browser.submit(confirmed(browser.get("/logout")), decision="stay")
    assert "Bạn vẫn đang đăng nhập" in stayed.text
    assert logged_in(front, browser)


@pytest.mark.attack("J04")
def test_J04_nobody_elses_form_logs_out(front: Front) -> None:
    browser = front.signed_in()
    page = Page(browser.get("/logout").text)
    others = Page(front.signed_in(Y).get("/logout").text)
    for token in ("", "x", others.hidden["csrf_token"]):
        form = {"csrf_token": token, "decision": "logout"}
        assert browser.post("/logout", form).status_code == 403
    form = {**page.hidden, "decision": "logout"}
    assert browser.post("/logout", form, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert browser.post("/logout", {**page.hidden, "decision": "maybe"}).status_code == 400
    assert logged_in(front, browser)
    form["post_logout_redirect_uri"] = "https://evil.example/"
    assert "Location" not in browser.post("/logout", form).headers
    assert not logged_in(front, browser)


@pytest.mark.attack("J21")
@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "OPTIONS"])
def test_J21_no_other_method_logs_out(front: Front, method: str) -> None:
    browser = front.signed_in()
    response = browser.once(method, "/logout", query_string={"id_token_hint": hint(front, browser)})
    assert response.status_code == 405
    assert logged_in(front, browser)


def test_a_post_of_another_site_meets_the_session(front: Front) -> None:
    browser = front.signed_in()
    form = {"id_token_hint": hint(front, browser), "post_logout_redirect_uri": GOODBYE}
    kept = front.browser().once("POST", "/logout", data=form)
    assert kept.headers["Location"].startswith("/logout?kept=")
    gone = browser.get(kept.headers["Location"])
    assert gone.headers["Location"] == GOODBYE
    assert not logged_in(front, browser)


def test_without_a_session_there_is_nothing_to_ask(front: Front) -> None:
    browser = front.signed_in()
    token = hint(front, browser)
    nobody = front.browser()
    back = nobody.get("/logout", id_token_hint=token, post_logout_redirect_uri=GOODBYE)
    assert back.headers["Location"] == GOODBYE
    page = nobody.get("/logout", client_id="portal", post_logout_redirect_uri=GOODBYE)
    assert page.status_code == 200
    assert GOODBYE in page.text
    assert "Bạn đã đăng xuất" in nobody.get("/logout").text
    assert logged_in(front, browser)


def test_a_client_that_changed_vouches_for_nothing(front: Front) -> None:
    browser = front.signed_in()
    token = hint(front, browser)
    front.change(replace(PORTAL, post_logout_redirect_uris=()))
    page = browser.get("/logout", id_token_hint=token, post_logout_redirect_uri=GOODBYE)
    assert "Location" not in page.headers
    page = browser.get("/logout", client_id="nobody", post_logout_redirect_uri=GOODBYE)
    assert "Location" not in page.headers


def test_what_cannot_be_read_is_a_page(front: Front) -> None:
    browser = front.signed_in()
    assert browser.get("/logout?client_id=portal&client_id=clinic").status_code == 400
    assert browser.get("/logout", state="s" * 5_000).status_code == 400


@pytest.mark.attack("D08")
def test_D08_after_logout_nothing_of_the_session_is_of_use(front: Front) -> None:
    browser = front.signed_in()
    tokens = front.tokens(front.authorize(browser))
    code = front.authorize(browser)
    browser.get("/logout", id_token_hint=tokens["id_token"])
    assert front.redeem(code).get_json()["error"] == "invalid_grant"
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert front.token(refresh).get_json()["error"] == "invalid_grant"
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert Http(front.app).get("/userinfo", base_url=ISSUER, headers=headers).status_code == 401


@pytest.mark.attack("D11")
def test_D11_redemption_racing_with_logout_leaves_no_token_alive(front: Front) -> None:
    browser = front.signed_in()
    for _ in range(20):
        token, code = hint(front, browser), front.authorize(browser)
        barrier = threading.Barrier(2)

        def leave(browser: Browser, token: str, barrier: threading.Barrier) -> TestResponse:
            barrier.wait(10)
            return browser.get("/logout", id_token_hint=token)

        def redeem(code: TestResponse, barrier: threading.Barrier) -> TestResponse:
            barrier.wait(10)
            return front.redeem(code)

        with ThreadPoolExecutor(2) as pool:
            left = pool.submit(leave, browser, token, barrier)
            redeemed = pool.submit(redeem, code, barrier).result(20)
            assert left.result(20).status_code == 200
        given = redeemed.get_json()
        if redeemed.status_code == 200:
            headers = {"Authorization": f"Bearer {given['access_token']}"}
            used = Http(front.app).get("/userinfo", base_url=ISSUER, headers=headers)
            assert used.status_code == 401
            refresh = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"]}
            given = front.token(refresh).get_json()
        assert given["error"] == "invalid_grant"
        browser.log_in(front.authorize(browser))


@pytest.mark.attack("J19")
def test_J19_the_pages_are_not_kept_by_the_browser(front: Front) -> None:
    browser = front.signed_in()
    assert browser.get("/logout").headers["Cache-Control"] == "no-store"
    gone = browser.submit(browser.get("/logout"), decision="logout")
    assert gone.headers["Cache-Control"] == "no-store"
    assert error(front.authorize(browser, prompt="none")) == "login_required"
    assert "id_number" in front.authorize(browser, CLINIC).text


def test_a_logout_that_is_confirmed_twice_at_the_same_moment_is_done_once(front: Front) -> None:
    listens(front, "https://portal.example.vn/backchannel")
    browser = front.signed_in()
    session = session_id(front, browser)
    visit(front, browser, PORTAL)
    page = Page(browser.get("/logout", client_id="portal", post_logout_redirect_uri=GOODBYE).text)
    form, cookies = {**page.hidden, "decision": "logout"}, browser.http
    start = threading.Barrier(5)

    def press(_: int) -> TestResponse:
        twin = Http(front.app)
        for each in ("__Host-eid_session", "__Host-eid_login"):
            found = cookies.get_cookie(each, domain="id.example.vn")
            if found is not None:
                twin.set_cookie(each, found.value, domain="id.example.vn", secure=True)
        start.wait(10)
        return twin.post("/logout", data=form, base_url=ISSUER)

    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(press, range(5)))
    assert all(each.status_code in (200, 303) for each in answers)
    assert len(messages_of(front, session)) == 1
    assert [each["event"] for each in front.events()].count("LogoutCompleted") == 1
    assert not logged_in(front, browser)


@pytest.mark.parametrize("told", [False, True])
def test_a_logout_that_is_confirmed_twice_ends_where_the_first_answer_led(
    front: Front, told: bool
) -> None:
    """A browser shows the answer to the second of two clicks, and sent it before the first came."""
    if told:  # the page with the frames of front-channel logout lies on the way
        front.change(replace(PORTAL, frontchannel_logout_uri="https://portal.example.vn/out"))
    browser = front.signed_in()
    visit(front, browser, PORTAL)
    page = Page(browser.get("/logout", client_id="portal", post_logout_redirect_uri=GOODBYE).text)
    form, twin, stranger = {**page.hidden, "decision": "logout"}, Http(front.app), Http(front.app)
    for name in ("__Host-eid_session", "__Host-eid_login"):
        cookie = browser.http.get_cookie(name, domain="id.example.vn")
        assert cookie is not None
        twin.set_cookie(name, cookie.value, domain="id.example.vn", secure=True)
    first = browser.once("POST", "/logout", data=form)
    again = twin.post("/logout", data=form, base_url=ISSUER)
    assert first.headers["Location"].startswith("/logout?ended=" if told else GOODBYE)
    assert again.headers.get("Location") == first.headers["Location"]
    assert stranger.post("/logout", data=form, base_url=ISSUER).status_code == 200
    front.clock.advance(SECONDS)
    late = twin.post("/logout", data=form, base_url=ISSUER)
    assert late.headers.get("Location") == GOODBYE
    assert [each["event"] for each in front.events()].count("LogoutCompleted") == 1


def test_an_answer_to_leave_one_relying_party_acts_once(front: Front) -> None:
    listens(front, "https://portal.example.vn/backchannel")
    browser = front.signed_in()
    session = session_id(front, browser)
    visit(front, browser, PORTAL, CLINIC)
    page = Page(browser.get("/logout", client_id="portal", post_logout_redirect_uri=GOODBYE).text)
    form = {**page.hidden, "decision": "here"}
    first = browser.post("/logout", form)
    visit(front, browser, PORTAL)  # the citizen comes back to it
    again = browser.post("/logout", form)
    assert (first.status_code, again.status_code) == (303, 303)
    assert again.headers["Location"] == GOODBYE
    assert len(messages_of(front, session)) == 1
    assert [each["event"] for each in front.events()].count("RelyingPartyLeft") == 1


def test_another_page_s_answer_is_not_taken_for_this_one(front: Front) -> None:
    browser = front.signed_in()
    page = Page(browser.get("/logout").text)
    form = {**page.hidden, "confirmation": "another", "decision": "logout"}
    assert browser.post("/logout", form).status_code == 403
    assert logged_in(front, browser)
