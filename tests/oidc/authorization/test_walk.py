"""From a request to its answer, over HTTP: sessions, hints, levels, two tabs, Back."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import text

from idp.accounts.model import Lock
from idp.core.assurance import acr
from idp.jose.jwt import sign_jwt
from idp.login.replay import SECONDS
from idp.oidc.clients.model import Client, ClientStatus
from idp.storage.database import metadata
from tests.oidc.front import (
    CALLBACK,
    CLINIC,
    ISSUER,
    OTHER_CALLBACK,
    PORTAL,
    Browser,
    Front,
    Page,
    X,
    Y,
    answer,
    claims_of,
    error,
    resume_url,
)


def id_token(front: Front, browser: Browser) -> str:
    """An ID token that the portal got for the browser's citizen."""
    found: str = front.tokens(front.authorize(browser))["id_token"]
    return found


def test_the_first_login(front: Front) -> None:
    browser = front.browser()
    done = browser.log_in(front.authorize(browser))
    assert answer(done).keys() == {"code", "state", "iss", "session_state"}
    claims = claims_of(front.tokens(done)["id_token"])
    account = front.citizens[X]
    assert claims["sub"] == front.services.subjects.sub(PORTAL, account.id)
    assert claims["nonce"] == "n"
    assert claims["acr"] == acr(1)
    assert claims["amr"] == ["otp", "sms"]
    assert claims["auth_time"] == front.clock()
    assert not {"name", "pid", "birthdate"} & claims.keys()


def test_a_login_by_code_costs_at_most_eight_round_trips(front: Front) -> None:
    browser = front.browser()
    front.tokens(browser.log_in(front.authorize(browser)))
    assert front.store.round_trips <= 8


def test_every_event_of_a_login_is_in_the_audit_log(front: Front) -> None:
    browser = front.browser()
    front.tokens(browser.log_in(front.authorize(browser)))
    names = [each["event"] for each in front.events()]
    assert names[-3:] == ["SessionStarted", "AuthorizationGranted", "TokenIssued"]
    granted = front.events()[-2]
    assert (granted["client_id"], granted["acr"]) == ("portal", acr(1))
    assert granted["pseudonym"] != front.citizens[X].id


def test_a_session_answers_at_once(front: Front) -> None:
    browser = front.signed_in()
    first = front.clock()
    front.clock.advance(60)
    before = front.store.round_trips
    again = front.authorize(browser)
    assert front.store.round_trips - before == 2
    claims = claims_of(front.tokens(again)["id_token"])
    assert claims["auth_time"] == first


def test_two_relying_parties_share_the_session_and_nothing_else(front: Front) -> None:
    browser = front.signed_in()
    mine = claims_of(id_token(front, browser))
    theirs = answer(front.authorize(browser, CLINIC))
    assert "code" in theirs
    session = front.services.subjects
    assert mine["sub"] == session.sub(PORTAL, front.citizens[X].id)
    assert mine["sub"] != session.sub(CLINIC, front.citizens[X].id)


@pytest.mark.attack("J11")
def test_J11_a_session_that_rested_too_long_logs_in_again(front: Front) -> None:
    browser = front.signed_in()
    front.clock.advance(15 * 60 - 1)
    assert "code" in answer(front.authorize(browser))
    front.clock.advance(15 * 60)
    assert error(front.authorize(browser, prompt="none")) == "login_required"


def test_prompt_none(front: Front) -> None:
    assert error(front.authorize(front.browser(), prompt="none")) == "login_required"
    assert "code" in answer(front.authorize(front.signed_in(), prompt="none"))


@pytest.mark.parametrize("prompt", ["login", "select_account"])
def test_prompt_login_asks_again(front: Front, prompt: str) -> None:
    browser = front.signed_in()
    front.clock.advance(5)
    page = front.authorize(browser, prompt=prompt)
    assert "id_number" in page.text
    done = browser.log_in(page)
    assert claims_of(front.tokens(done)["id_token"])["auth_time"] == front.clock()


def test_prompt_login_may_end_with_another_citizen(front: Front) -> None:
    browser = front.signed_in(X)
    done = browser.log_in(front.authorize(browser, prompt="login"), Y)
    sub = claims_of(front.tokens(done)["id_token"])["sub"]
    assert sub == front.services.subjects.sub(PORTAL, front.citizens[Y].id)


@pytest.mark.attack("B11")
@pytest.mark.parametrize(("max_age", "asks"), [("1", True), ("0", True), ("5", True), ("6", False)])
def test_B11_max_age(front: Front, max_age: str, asks: bool) -> None:
    browser = front.signed_in()
    front.clock.advance(5)
    response = front.authorize(browser, max_age=max_age)
    assert ("id_number" in response.text) is asks
    claims = claims_of(front.tokens(browser.log_in(response))["id_token"])
    assert claims["auth_time"] == front.clock() - (0 if asks else 5)


def test_a_weak_session_is_stepped_up_not_restarted(front: Front) -> None:
    browser = front.signed_in()
    before = claims_of(id_token(front, browser))
    page = front.authorize(browser, acr_values=acr(2))
    assert 'name="passcode"' in page.text
    claims = claims_of(front.tokens(browser.log_in(page))["id_token"])
    assert claims["acr"] == acr(2)
    assert claims["amr"] == ["mfa", "otp", "pin", "sms"]
    assert claims["sid"] == before["sid"]


def test_the_cookie_changes_when_the_session_rises(front: Front) -> None:
    browser = front.signed_in()
    old = browser.http.get_cookie("__Host-eid_session", domain="id.example.vn")
    browser.log_in(front.authorize(browser, acr_values=acr(2)))
    new = browser.http.get_cookie("__Host-eid_session", domain="id.example.vn")
    assert old is not None
    assert new is not None
    assert old.value != new.value
    browser.http.set_cookie("__Host-eid_session", old.value, domain="id.example.vn")
    assert error(front.authorize(browser, prompt="none")) == "login_required"


def test_a_session_whose_cookie_has_the_old_name_survives_the_upgrade(front: Front) -> None:
    browser = front.signed_in()
    for name in ("session", "login"):
        cookie = browser.http.get_cookie(f"__Host-eid_{name}", domain="id.example.vn")
        assert cookie is not None
        browser.http.delete_cookie(f"__Host-eid_{name}", domain="id.example.vn")
        browser.http.set_cookie(f"__Host-{name}", cookie.value, domain="id.example.vn")
    browser.log_in(front.authorize(browser, acr_values=acr(2)))  # a step-up: the passcode alone
    for name in ("session", "login"):
        browser.http.delete_cookie(f"__Host-{name}", domain="id.example.vn")
    assert answer(front.authorize(browser, prompt="none"))["code"]  # the new names were set


@pytest.mark.attack("B09")
def test_B09_an_unreachable_level_is_never_pretended(front: Front) -> None:
    browser = front.signed_in()
    unmet = "unmet_authentication_requirements"
    assert error(front.authorize(browser, acr_values=acr(3))) == unmet
    claims = {"id_token": {"acr": {"essential": True, "values": [acr(4)]}}}
    assert error(front.authorize(browser, claims=json.dumps(claims))) == unmet
    assert error(front.authorize(browser, acr_values=acr(2), prompt="none")) == "login_required"


@pytest.mark.attack("B09")
def test_B09_a_citizen_without_the_factor_is_told_and_the_service_too(front: Front) -> None:
    front.services.accounts.set_passcode(front.citizens[X].id, None)
    browser = front.browser()
    page = browser.log_in(front.authorize(browser, acr_values=acr(2)))
    assert page.status_code == 403
    done = browser.submit(page, action="cancel")
    assert error(done) == "unmet_authentication_requirements"


def test_a_clients_methods_must_be_able_to_reach_the_level(front: Front) -> None:
    front.change(replace(PORTAL, methods=("passkey",)))
    assert error(front.authorize(front.browser())) == "unmet_authentication_requirements"


@pytest.mark.attack("B13")
def test_B13_a_hint_of_another_citizen_never_gets_this_ones_code(front: Front) -> None:
    hint = id_token(front, front.signed_in(Y))
    browser = front.signed_in(X)
    assert error(front.authorize(browser, prompt="none", id_token_hint=hint)) == "login_required"
    page = front.authorize(browser, id_token_hint=hint)
    assert "id_number" in page.text
    assert error(browser.log_in(page, X)) == "login_required"
    done = browser.log_in(front.authorize(browser, id_token_hint=hint), Y)
    assert claims_of(front.tokens(done)["id_token"])["sub"] == claims_of(hint)["sub"]


def test_a_hint_of_this_citizen_answers_at_once_even_when_expired(front: Front) -> None:
    browser = front.signed_in()
    hint = id_token(front, browser)
    front.clock.advance(600)
    done = front.authorize(browser, prompt="none", id_token_hint=hint)
    assert claims_of(front.tokens(done)["id_token"])["sub"] == claims_of(hint)["sub"]


def test_a_session_that_is_only_too_old_is_not_called_too_weak(front: Front) -> None:
    browser = front.signed_in()
    front.clock.advance(10)
    page = front.authorize(browser, max_age="1")
    assert "id_number" in page.text
    assert 'class="inset"' not in page.text


def test_a_step_up_for_a_hint_is_for_that_citizen_alone(front: Front) -> None:
    browser = front.signed_in(X)
    hint = id_token(front, browser)
    page = front.authorize(browser, prompt="login", id_token_hint=hint)
    assert error(browser.log_in(page, Y)) == "login_required"


@pytest.mark.attack("B14")
def test_B14_hints_that_are_not_ours(front: Front) -> None:
    browser = front.signed_in()
    good = id_token(front, browser)
    header, payload, signature = good.split(".")
    signer = front.services.keys.signer("ES256")
    claims = claims_of(good)
    hostile = [
        "x",
        f"{header}.{payload}.{signature[:-4]}AAAA",
        f"eyJhbGciOiJub25lIn0.{payload}.",
        sign_jwt(signer, {**claims, "aud": "clinic"}),
        sign_jwt(signer, {**claims, "aud": ["portal", "clinic"]}),
        sign_jwt(signer, {**claims, "iss": "https://other.example"}),
        sign_jwt(signer, claims, typ="at+jwt"),
        sign_jwt(signer, {**claims, "sub": None}),
    ]
    for hint in hostile:
        assert error(front.authorize(browser, id_token_hint=hint)) == "invalid_request"
    assert "code" in answer(front.authorize(browser, id_token_hint=sign_jwt(signer, claims)))


def test_the_sub_claim_works_like_a_hint(front: Front) -> None:
    browser = front.signed_in(X)
    subject = front.services.subjects.sub(PORTAL, front.citizens[Y].id)
    claims = json.dumps({"id_token": {"sub": {"value": subject}}})
    assert error(front.authorize(browser, prompt="none", claims=claims)) == "login_required"


def test_cancel_counts_once_and_is_told_again_for_some_seconds(front: Front) -> None:
    browser = front.browser()
    page = front.authorize(browser)
    assert error(browser.submit(page, action="cancel")) == "access_denied"
    assert error(browser.get(resume_url(page))) == "access_denied"  # sent twice
    front.clock.advance(SECONDS)
    assert browser.get(resume_url(page)).status_code == 409
    assert [each["event"] for each in front.events()].count("LoginRefused") == 1


def test_back_after_the_end_explains_and_gives_no_second_code(front: Front) -> None:
    browser = front.browser()
    page = front.authorize(browser)
    first = answer(browser.log_in(page))
    assert answer(browser.get(resume_url(page)))["code"] == first["code"]  # sent twice
    front.clock.advance(SECONDS)
    again = browser.get(resume_url(page))
    assert again.status_code == 409
    assert "code=" not in again.text
    assert "https://portal.example.vn/" in again.text


def test_fifty_returns_at_once_give_one_code(front: Front) -> None:
    browser = front.browser()
    first = front.authorize(browser, response_mode="form_post")
    asked = browser.submit(first, id_number=X.digits, method="otp")
    page = Page(asked.text)
    proved = browser.once("POST", page.action, data={**page.hidden, "otp": "000000"})
    resume = proved.headers["Location"]
    assert resume == resume_url(first)  # a form is answered by a redirect, not by a page
    jar = browser.http.get_cookie("__Host-eid_login", domain="id.example.vn")
    assert jar is not None
    barrier = threading.Barrier(50)

    def come_back(_: int) -> tuple[int, bool]:
        mine = front.browser()
        mine.http.set_cookie("__Host-eid_login", jar.value, domain="id.example.vn")
        barrier.wait(20)
        response = mine.once("GET", resume)
        return response.status_code, 'name="code"' in response.text

    with ThreadPoolExecutor(50) as pool:
        found = list(pool.map(come_back, range(50)))
    assert sorted(found) == [(200, True), *[(409, False)] * 49]


@pytest.mark.attack("J09")
@pytest.mark.attack("A23")
def test_J09_A23_two_tabs_two_clients_interleaved(front: Front) -> None:
    browser = front.browser()
    first = front.authorize(browser, state="one", acr_values=acr(2))
    second = front.authorize(browser, CLINIC, state="two")
    first = browser.submit(first, id_number=X.digits, method="otp")
    second = browser.submit(second, id_number=X.digits, method="otp")
    done_second = browser.submit(second, otp="000000", action="verify")
    first = browser.submit(first, otp="000000", action="verify")
    done_first = browser.log_in(first)
    assert done_second.headers["Location"].startswith(OTHER_CALLBACK)
    assert done_first.headers["Location"].startswith(CALLBACK)
    assert (answer(done_first)["state"], answer(done_second)["state"]) == ("one", "two")
    assert claims_of(front.tokens(done_first)["id_token"])["acr"] == acr(2)


@pytest.mark.attack("J07")
@pytest.mark.parametrize("step", ["/authorize/resume?t=", "/consent/"])
def test_J07_no_step_is_skipped(front: Front, step: str) -> None:
    browser = front.browser()
    ticket = Page(front.authorize(browser, scope="openid profile").text).action.split("/")[2]
    page = browser.get(step + ticket)
    assert page.status_code == 200
    assert 'name="id_number"' in page.text


@pytest.mark.attack("J07")
def test_J07_a_ticket_of_another_browser_is_of_no_use(front: Front) -> None:
    browser, other = front.browser(), front.signed_in()
    ticket = Page(front.authorize(browser).text).action.split("/")[2]
    for path in (f"/authorize/resume?t={ticket}", f"/consent/{ticket}", "/authorize/resume?t=x"):
        response = other.once("GET", path)
        assert response.status_code == 400
        assert "Location" not in response.headers


def test_an_account_locked_since_leaves_the_session_without_use(front: Front) -> None:
    browser = front.signed_in(X)
    front.services.accounts.set_lock(front.citizens[X].id, Lock.AUTHORITY)
    assert error(front.authorize(browser, prompt="none")) == "login_required"
    page = front.authorize(browser)
    assert "id_number" in page.text
    assert "code" in answer(browser.log_in(page, Y))


def test_an_account_locked_during_the_login_is_told_to_its_holder(front: Front) -> None:
    browser = front.browser()
    asked = browser.submit(front.authorize(browser), id_number=X.digits, method="otp")
    front.services.accounts.set_lock(front.citizens[X].id, Lock.HOLDER)
    page = browser.submit(asked, otp="000000", action="verify")
    assert page.status_code == 403
    assert error(browser.submit(page, action="cancel")) == "access_denied"


@pytest.mark.attack("D09")
@pytest.mark.parametrize(
    "changed",
    [
        replace(PORTAL, status=ClientStatus.DISABLED),
        replace(PORTAL, redirect_uris=("https://portal.example.vn/new",)),
    ],
)
def test_D09_a_client_that_lost_its_place_during_the_login_gets_nothing(
    front: Front, changed: Client
) -> None:
    browser = front.browser()
    asked = browser.submit(front.authorize(browser), id_number=X.digits, method="otp")
    front.change(changed)
    page = browser.submit(asked, otp="000000", action="verify")
    assert page.status_code == 400
    assert "Location" not in page.headers


def test_a_code_never_leaves_without_its_record(front: Front) -> None:
    browser = front.browser()
    asked = browser.submit(front.authorize(browser), id_number=X.digits, method="otp")
    page = Page(asked.text)
    with front.database.begin() as connection:
        metadata.tables["audit_entries"].drop(connection)
    response = browser.once("POST", page.action, data={**page.hidden, "otp": "000000"})
    assert response.status_code == 503
    assert "Retry-After" in response.headers
    assert "Location" not in response.headers
    assert "Set-Cookie" not in response.headers


def test_a_database_that_does_not_answer_is_a_503(front: Front) -> None:
    browser = front.signed_in()
    with front.database.begin() as connection:
        connection.execute(text("DROP TABLE consents"))
    response = front.authorize(browser)
    assert response.status_code == 503
    assert ISSUER not in response.headers.get("Location", "")
