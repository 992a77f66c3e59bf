"""/authorize at its edge: methods, POST, error pages, headers."""

import re
from html import escape

import pytest

from idp.core.handles import Handle
from idp.oidc.authorization.kept import KEPT_TTL
from idp.storage.database import metadata
from tests.oidc.front import CALLBACK, ISSUER, Front, Page, X, answer, error


def error_page(front: Front, **changes: str) -> str:
    """The code on the error page that answers a request, which is as it must be."""
    response = front.authorize(front.browser(), **changes)
    assert 400 <= response.status_code < 500
    assert "Location" not in response.headers
    assert response.headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert "evil.example" not in response.text
    page = Page(response.text)
    recorded = front.events()[-1]
    assert recorded["event"] == "RequestRefused"
    assert recorded["reference"] == page.ids["reference"]
    assert recorded["code"] == page.ids["error-code"]
    return page.ids["error-code"]


@pytest.mark.attack("A17")
def test_before_a_destination_an_error_is_a_page(front: Front) -> None:
    assert error_page(front, redirect_uri="https://evil.example/cb") == "invalid_redirect_uri"
    assert error_page(front, redirect_uri="https://clinic.example.vn/cb") == "invalid_redirect_uri"
    assert error_page(front, redirect_uri="") == "invalid_redirect_uri"
    assert error_page(front, client_id="nobody") == "invalid_client"
    assert error_page(front, client_id="") == "invalid_client"
    assert error_page(front, state="s" * 5_000) == "invalid_request"


@pytest.mark.attack("J17")
@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "state", "scope", "login_hint"])
def test_J17_nothing_of_a_request_is_ever_unescaped(front: Front, name: str) -> None:
    hostile = "\"'><script>alert(1)</script>{{7*7}}"
    response = front.authorize(front.browser(), **{name: hostile})
    assert hostile not in response.text
    assert escape(hostile) not in response.text
    assert "<script>" not in response.headers.get("Location", "")


def test_after_a_destination_an_error_is_a_redirect(front: Front) -> None:
    browser = front.browser()
    assert error(front.authorize(browser, response_type="token")) == "unsupported_response_type"
    assert error(front.authorize(browser, response_type="")) == "unsupported_response_type"
    assert error(front.authorize(browser, scope="openid email")) == "invalid_scope"
    assert error(front.authorize(browser, response_mode="fragment")) == "invalid_request"
    assert error(front.authorize(browser, request="e30.e30.")) == "invalid_request_object"
    assert error(front.authorize(browser, request_uri="urn:x")) == "request_uri_not_supported"
    assert front.events()[-1]["event"] == "LoginRefused"


@pytest.mark.attack("A13")
@pytest.mark.attack("B05")
def test_A13_B05_parameters_of_query_and_body_are_counted_together(front: Front) -> None:
    members = front.request()
    evil = "/authorize?redirect_uri=https://evil.example/"
    assert front.browser().post(evil, members).status_code == 400
    assert error(front.browser().post("/authorize?nonce=other", members)) == "invalid_request"


@pytest.mark.attack("B07")
@pytest.mark.parametrize("state", ['"><script>', "a\r\nSet-Cookie: x=y", "x" * 4096, "🌾 +&=#"])
def test_B07_state_comes_back_as_it_was(front: Front, state: str) -> None:
    browser = front.signed_in()
    assert answer(front.authorize(browser, state=state))["state"] == state
    assert error(front.authorize(browser, state=state, prompt="unknown"), state)


@pytest.mark.attack("A24")
@pytest.mark.parametrize("target", ["//evil.example", "/\\evil.example", "https:evil.example"])
def test_A24_no_parameter_says_where_the_login_goes(front: Front, target: str) -> None:
    browser = front.browser()
    names = ("next", "return_to", "return_path", "continue")
    done = browser.log_in(front.authorize(browser, **dict.fromkeys(names, target)))
    assert done.headers["Location"].startswith(f"{CALLBACK}?")
    ticket = Page(front.authorize(front.browser()).text).action.split("/")[2]
    for path in ("/authorize/resume", f"/login/{ticket}", f"/consent/{ticket}", "/logout"):
        response = browser.once("GET", path, query_string=dict.fromkeys(names, target))
        assert "evil" not in response.headers.get("Location", "")


@pytest.mark.attack("B18")
@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_B18_no_other_method_does_anything(front: Front, method: str) -> None:
    browser = front.signed_in()
    before = front.store.round_trips
    for path in ("/authorize", "/authorize/resume"):
        response = browser.once(method, path, query_string=front.request())
        assert response.status_code == 405
        assert "Location" not in response.headers
        assert "Access-Control-Allow-Origin" not in response.headers
    assert front.store.round_trips == before


@pytest.mark.attack("D17")
def test_D17_the_answer(front: Front) -> None:
    browser = front.browser()
    done = browser.log_in(front.authorize(browser))
    assert done.status_code == 303
    assert answer(done)["iss"] == ISSUER
    assert done.headers["Location"].startswith(f"{CALLBACK}?code=")
    assert done.headers["Referrer-Policy"] == "no-referrer"
    assert done.headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in done.headers
    assert not done.data


@pytest.mark.attack("J12")
def test_J12_every_cookie_is_as_it_must_be(front: Front) -> None:
    browser = front.browser()
    first = front.authorize(browser, ui_locales="en")
    done = browser.log_in(first)
    cookies = [*first.headers.getlist("Set-Cookie"), *done.headers.getlist("Set-Cookie")]
    assert {each.partition("=")[0] for each in cookies} == {
        "__Host-eid_login",
        "__Host-eid_session",
        "__Host-eid_lang",
        "__Host-eid_browser_state",
    }
    (readable,) = (each for each in cookies if each.startswith("__Host-eid_browser_state="))
    cookies.remove(readable)  # no secret: our frame in a relying party's page compares it
    assert {"Secure", "SameSite=None", "Path=/"} <= set(readable.split("; "))
    for each in cookies:
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(each.split("; "))


@pytest.mark.attack("D15")
def test_D15_codes_are_random_handles_that_say_nothing(front: Front) -> None:
    browser = front.signed_in()
    codes = [answer(front.authorize(browser))["code"] for _ in range(50)]
    assert all(Handle.parse(each) for each in codes)
    assert len({each[:6] for each in codes}) == len({each[11:17] for each in codes}) == 50


@pytest.mark.attack("Q07")
@pytest.mark.attack("B17")
def test_Q07_B17_no_number_in_any_url_and_a_hint_of_one_tells_nothing(front: Front) -> None:
    known, unknown = (
        front.authorize(front.browser(), login_hint=number) for number in (X.digits, "000199999999")
    )
    for page in (known, unknown):
        assert not re.search(r"0001[0-9]{8}", re.sub(r'href="[^"]*"', "", page.text))
    browser = front.browser()
    done = browser.log_in(front.authorize(browser))
    assert X.digits not in browser.at
    assert X.digits not in done.headers["Location"]


def test_post_is_kept_and_asked_again_by_get(front: Front) -> None:
    browser = front.browser()
    kept = browser.once("POST", "/authorize", data=front.request())
    assert kept.status_code == 303
    location = kept.headers["Location"]
    assert location.startswith("/authorize?kept=")
    page = browser.get(location)
    assert "code" in answer(browser.log_in(page))


def test_a_cross_site_post_meets_the_session(front: Front) -> None:
    browser = front.signed_in()
    elsewhere = {"Sec-Fetch-Site": "cross-site", "Origin": "https://portal.example.vn"}
    # The POST of another site carries no Lax cookie; the navigation that follows does.
    kept = front.browser().once("POST", "/authorize", data=front.request(), headers=elsewhere)
    assert "code" in answer(browser.get(kept.headers["Location"]))


def test_a_bad_post_is_told_at_once_and_not_kept(front: Front) -> None:
    response = front.browser().once("POST", "/authorize", data=front.request(scope="x"))
    assert error(response) == "invalid_scope"
    assert front.store.round_trips == 0


def test_what_was_kept_ends(front: Front) -> None:
    browser = front.browser()
    kept = browser.once("POST", "/authorize", data=front.request()).headers["Location"]
    assert browser.get(kept).status_code == 200
    front.clock.advance(KEPT_TTL)
    for path in (kept, "/authorize?kept=x", f"/authorize?kept={Handle.new()}"):
        assert browser.get(path).status_code == 400


@pytest.mark.attack("D07")
def test_D07_a_code_is_no_handle_of_anything_else_here(front: Front) -> None:
    browser = front.signed_in()
    code = answer(front.authorize(browser))["code"]
    assert browser.get("/authorize", kept=code).status_code == 400
    other = front.browser()
    other.http.set_cookie("__Host-eid_session", code, domain="id.example.vn")
    assert error(front.authorize(other, prompt="none")) == "login_required"


def test_the_page_speaks_the_language_asked_for(front: Front) -> None:
    page = front.authorize(front.browser(), ui_locales="se en-GB")
    assert '<html lang="en">' in page.text
    assert '<html lang="vi">' in front.authorize(front.browser(), ui_locales="se").text


def test_the_switch_on_the_page_wins_over_the_relying_party(front: Front) -> None:
    browser = front.browser()
    page = front.authorize(browser, ui_locales="vi", lang="en")
    assert '<html lang="en">' in page.text
    code = browser.submit(page, id_number=X.digits, method="otp")
    assert '<html lang="en">' in code.text


def test_a_page_without_its_record_is_still_a_page(front: Front) -> None:
    with front.database.begin() as connection:
        metadata.tables["audit_entries"].drop(connection)
    response = front.authorize(front.browser(), redirect_uri="https://evil.example/cb")
    assert response.status_code == 400
    assert Page(response.text).ids["error-code"] == "invalid_redirect_uri"


def test_the_pages_name_who_asks_and_may_lead_there(front: Front) -> None:
    page = front.authorize(front.browser())
    assert "Cổng dịch vụ công" in page.text
    assert (
        "form-action 'self' https://portal.example.vn;" in (page.headers["Content-Security-Policy"])
    )


def test_too_many_logins_from_one_address_are_asked_to_wait(front: Front) -> None:
    limit = front.services.desk.settings.starts
    for _ in range(limit.maximum):
        front.store.run(limit.hit("127.0.0.1"))
    for response in (
        front.authorize(front.browser()),
        front.browser().once("POST", "/authorize", data=front.request()),
    ):
        assert response.status_code == 429
        assert response.headers["Retry-After"]
