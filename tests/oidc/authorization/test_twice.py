"""A form that is sent twice ends where the first one led (a double click, an impatient reload)."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import text
from werkzeug.test import Client as Http
from werkzeug.test import TestResponse

from idp.login.replay import SECONDS
from tests.oidc.consent.test_details import FEE
from tests.oidc.front import CODE, PORTAL, Browser, Front, Page, X, answer

AT_ONCE = 5


def twin(front: Front, browser: Browser) -> Browser:
    """Another request of the same browser: the same cookies, on a connection of its own."""
    http = Http(front.app)
    for (domain, path, name), cookie in browser.http._cookies.items():
        http.set_cookie(name, cookie.value, domain=domain, path=path, secure=True)
    return Browser(http)


def pressed(front: Front, browser: Browser, page: TestResponse, **fields: str) -> list[str]:
    """Where each of five equal forms ends that are sent at the same moment."""
    form, start = Page(page.text), threading.Barrier(AT_ONCE)
    twins = [twin(front, browser) for _ in range(AT_ONCE)]

    def press(each: Browser) -> str:
        start.wait(20)
        done = each.post(form.action, {**form.hidden, **fields})
        assert done.status_code == 303, done.text
        return done.headers["Location"]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(press, twins))


def asked_for_a_code(front: Front, browser: Browser) -> TestResponse:
    page = front.authorize(browser)
    return browser.submit(page, id_number=X.digits, method="otp")


def counted(front: Front, event: str) -> int:
    return [each["event"] for each in front.events()].count(event)


def test_a_code_form_sent_twice_at_the_same_moment_ends_at_the_same_place(front: Front) -> None:
    browser = front.browser()
    ends = pressed(front, browser, asked_for_a_code(front, browser), otp=CODE, action="verify")
    assert len(set(ends)) == 1
    assert (counted(front, "AuthorizationGranted"), counted(front, "ProofAccepted")) == (1, 1)


def test_a_code_form_sent_again_afterwards_ends_at_the_same_place(front: Front) -> None:
    browser = front.browser()
    form = Page(asked_for_a_code(front, browser).text)
    data = {**form.hidden, "otp": CODE, "action": "verify"}
    first, again = browser.post(form.action, data), browser.post(form.action, data)
    assert answer(first)["code"] == answer(again)["code"]
    assert "id_token" in front.tokens(again)
    assert front.redeem(first).get_json()["error"] == "invalid_grant"  # the code works once


def consents(front: Front) -> int:
    with front.database.read() as connection:
        return connection.scalar(text("SELECT count(*) FROM consents")) or 0


@pytest.mark.parametrize("again", [False, True])
def test_a_consent_form_sent_twice_at_the_same_moment_gives_one_consent(
    front: Front, again: bool
) -> None:
    browser = front.browser()
    asked = {"scope": "openid profile phone"}
    if again:  # one was given before
        page = browser.log_in(front.authorize(browser, **asked))
        browser.submit(page, claims=["name"], decision="allow")
    before = consents(front)
    front.clock.advance(5)
    page = front.authorize(browser, **asked, prompt="consent") if again else None
    page = page or browser.log_in(front.authorize(browser, **asked))
    assert "/consent/" in browser.at
    ends = pressed(front, browser, page, claims=["name"], decision="allow")
    assert len(set(ends)) == 1
    assert "code=" in ends[0]
    assert counted(front, "ConsentGiven") == consents(front) == before + 1
    late = browser.post(Page(page.text).action, {**Page(page.text).hidden, "decision": "allow"})
    assert "code" in answer(late)
    assert counted(front, "ConsentGiven") == consents(front) == before + 1


def test_a_transaction_that_is_approved_twice_at_the_same_moment_is_approved_once(
    front: Front,
) -> None:
    front.change(replace(PORTAL, authorization_details_types=("transaction_approval",)))
    browser = front.browser()
    page = browser.log_in(front.authorize(browser, authorization_details=json.dumps([FEE])))
    ends = pressed(front, browser, page, decision="allow")
    assert len(set(ends)) == 1
    assert counted(front, "ConsentGiven") == consents(front) == 1
    assert "code=" in ends[0]


def test_two_forms_of_two_logins_sent_at_the_same_moment_give_two_consents(front: Front) -> None:
    browser = front.signed_in()
    start = threading.Barrier(2)
    tabs = []
    for scope in ("openid profile", "openid phone"):
        page = front.authorize(browser, scope=scope)
        tabs.append((twin(front, browser), Page(page.text), scope.split()[1]))

    def press(tab: tuple[Browser, Page, str]) -> None:
        each, form, scope = tab
        start.wait(20)
        claim = {"profile": "name", "phone": "phone_number"}[scope]
        done = each.post(form.action, {**form.hidden, "claims": [claim], "decision": "allow"})
        assert "code" in answer(done)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(press, tabs))
    assert counted(front, "ConsentGiven") == consents(front) == 2
    account = front.citizens[X].id
    known = front.services.consents.find(account, "portal")
    assert known is not None
    assert known.granted >= {"name", "phone_number"}


@pytest.mark.parametrize("where", ["identify", "otp", "consent"])
def test_a_no_sent_again_afterwards_ends_at_the_same_place(front: Front, where: str) -> None:
    browser = front.browser()
    front.change(replace(PORTAL, scope=("openid", "profile")))
    page = front.authorize(browser, scope="openid profile", prompt="consent")
    if where != "identify":
        page = browser.submit(page, id_number=X.digits, method="otp")
    if where == "consent":
        page = browser.submit(page, otp=CODE, action="verify")
    form = Page(page.text)
    no = {"decision": "deny"} if where == "consent" else {"action": "cancel"}
    first = browser.post(form.action, {**form.hidden, **no})
    assert answer(first)["error"] == "access_denied"
    again = browser.post(form.action, {**form.hidden, **no})
    assert again.headers["Location"] == first.headers["Location"]
    assert counted(front, "LoginRefused") == 1
    front.clock.advance(SECONDS)
    assert browser.post(form.action, {**form.hidden, **no}).status_code == 409


def test_what_the_relying_party_has_redeemed_is_not_given_again(front: Front) -> None:
    browser = front.browser()
    form = Page(asked_for_a_code(front, browser).text)
    data = {**form.hidden, "otp": CODE, "action": "verify"}
    assert "id_token" in front.tokens(browser.post(form.action, data))
    late = browser.post(form.action, data)
    assert late.status_code == 409
    assert "code=" not in late.text


def test_the_answer_is_for_the_same_browser_and_for_some_seconds(front: Front) -> None:
    browser = front.browser()
    form = Page(asked_for_a_code(front, browser).text)
    data = {**form.hidden, "otp": CODE, "action": "verify"}
    assert "code" in answer(browser.post(form.action, data))
    other = front.browser().once("POST", form.action, data=data)
    assert "code=" not in other.headers.get("Location", "") + other.text
    front.clock.advance(SECONDS)
    late = browser.post(form.action, data)
    assert late.status_code == 409
    assert "Location" not in late.headers


def test_a_wrong_code_sent_twice_is_no_login_and_costs_a_try_each_time(front: Front) -> None:
    browser = front.browser()
    form = Page(asked_for_a_code(front, browser).text)
    wrong = {**form.hidden, "otp": f"{(int(CODE) + 1) % 1_000_000:06}", "action": "verify"}
    for _ in range(2):
        assert browser.post(form.action, wrong).status_code == 422
    right = browser.post(form.action, {**wrong, "otp": CODE})
    assert "code" in answer(right)


def test_another_code_is_not_taken_for_the_one_that_was(front: Front) -> None:
    browser = front.browser()
    form = Page(asked_for_a_code(front, browser).text)
    data = {**form.hidden, "otp": CODE, "action": "verify"}
    assert "code" in answer(browser.post(form.action, data))
    other = browser.post(form.action, {**data, "otp": f"{(int(CODE) + 1) % 1_000_000:06}"})
    assert other.status_code == 409
    assert "Location" not in other.headers


def test_consent_given_twice_at_the_same_moment_ends_at_the_same_place(front: Front) -> None:
    browser = front.browser()
    page = browser.log_in(front.authorize(browser, scope="openid profile"))
    assert page.status_code == 200
    assert "decision" in page.text
    ends = pressed(front, browser, page, decision="allow")
    assert len(set(ends)) == 1
    assert counted(front, "AuthorizationGranted") == 1


def test_the_number_sent_twice_sends_one_code(front: Front) -> None:
    browser = front.browser()
    form = Page(front.authorize(browser).text)
    data = {**form.hidden, "id_number": X.digits, "method": "otp"}
    for _ in range(2):
        assert browser.once("POST", form.action, data=data).status_code == 303
    assert counted(front, "CodeSent") == 1
