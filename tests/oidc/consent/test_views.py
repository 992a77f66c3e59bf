"""The consent page over HTTP."""

from dataclasses import replace

import pytest
from werkzeug.test import Client as Http
from werkzeug.test import TestResponse

from idp.login.replay import SECONDS
from idp.oidc.clients.model import Text
from tests.oidc.front import (
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

PROFILE = "openid profile phone"


def asked(front: Front, browser: Browser, **changes: str) -> TestResponse:
    """The consent page, reached through a login where there is no session."""
    page = browser.log_in(front.authorize(browser, **{"scope": PROFILE, **changes}))
    assert "/consent/" in browser.at
    assert 'name="decision"' in page.text
    return page


def userinfo(front: Front, tokens: dict[str, str]) -> dict[str, object]:
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    response = Http(front.app).get("/userinfo", base_url=ISSUER, headers=headers)
    assert response.status_code == 200
    found: dict[str, object] = response.get_json()
    return found


def test_nothing_is_ticked_and_the_owner_sees_the_values(front: Front) -> None:
    page = asked(front, front.browser())
    boxes = Page(page.text).boxes
    assert set(boxes) == {
        "name",
        "gender",
        "birthdate",
        "nationality",
        "phone_number",
    }
    assert not any(boxes.values())
    for shown in ("Nguyễn Thị Minh Khai", "08/03/1999", "091 234 5678", "portal.example.vn"):
        assert shown in page.text
    assert "Nộp hồ sơ trực tuyến" in page.text
    assert page.headers["Cache-Control"] == "no-store"


def test_what_is_ticked_is_released_and_nothing_else(front: Front) -> None:
    browser = front.browser()
    done = browser.submit(
        asked(front, browser), decision="allow", claims=["name", "phone_number", "pid"]
    )
    tokens = front.tokens(done)
    assert userinfo(front, tokens) == {
        "sub": claims_of(tokens["id_token"])["sub"],
        "account_level": 2,
        "name": "Nguyễn Thị Minh Khai",
        "family_name": "Nguyễn",
        "middle_name": "Thị Minh",
        "given_name": "Khai",
        "phone_number": "+84912345678",
        "phone_number_verified": True,
    }
    given = next(each for each in front.events() if each["event"] == "ConsentGiven")
    assert "pid" not in given["claims"]


@pytest.mark.attack("Q05")
def test_Q05_claims_in_the_id_token_need_consent_too(front: Front) -> None:
    browser = front.browser()
    claims = '{"id_token": {"birthdate": null, "gender": null, "email": null}}'
    page = asked(front, browser, scope="openid", claims=claims)
    assert set(Page(page.text).boxes) == {"birthdate", "gender"}
    tokens = front.tokens(browser.submit(page, decision="allow", claims="birthdate"))
    released = claims_of(tokens["id_token"])
    assert released["birthdate"] == "1999-03-08"
    assert not {"gender", "email"} & released.keys()
    assert userinfo(front, tokens).keys() == {"sub"}


def test_openid_alone_asks_nothing_unless_prompted(front: Front) -> None:
    browser = front.signed_in()
    assert "code" in answer(front.authorize(browser))
    page = front.authorize(browser, prompt="consent")
    assert 'name="decision"' in page.text
    assert "code" in answer(browser.submit(page, decision="allow"))


def test_an_answer_is_remembered_with_what_was_refused(front: Front) -> None:
    browser = front.browser()
    browser.submit(asked(front, browser), decision="allow", claims="name")
    again = front.tokens(front.authorize(browser, scope=PROFILE, prompt="none"))
    assert userinfo(front, again)["name"] == "Nguyễn Thị Minh Khai"
    assert "gender" not in userinfo(front, again)
    other = front.browser()
    assert "code" in answer(other.log_in(front.authorize(other, scope=PROFILE)))


@pytest.mark.attack("Q12")
def test_Q12_more_than_was_asked_before_is_asked_for(front: Front) -> None:
    browser = front.browser()
    browser.submit(asked(front, browser), decision="allow", claims="name")
    wider = f"{PROFILE} pid"
    assert error(front.authorize(browser, scope=wider, prompt="none")) == "consent_required"
    page = front.authorize(browser, scope=wider)
    assert "pid" in Page(page.text).boxes
    assert not any(Page(page.text).boxes.values())


@pytest.mark.attack("Q12")
def test_Q12_another_purpose_is_another_consent(front: Front) -> None:
    browser = front.browser()
    browser.submit(asked(front, browser), decision="allow", claims="name")
    front.change(replace(PORTAL, purpose=Text("Việc khác"), purpose_version="2"))
    assert error(front.authorize(browser, scope=PROFILE, prompt="none")) == "consent_required"


@pytest.mark.attack("Q12")
def test_Q12_a_withdrawn_consent_ends_refresh_and_prompt_none(front: Front) -> None:
    browser = front.browser()
    done = browser.submit(asked(front, browser), decision="allow", claims="name")
    tokens = front.tokens(done)
    front.clock.advance(5)
    assert front.services.consents.withdraw(front.citizens[X].id, "portal")
    refreshed = front.token(
        {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    )
    assert refreshed.get_json()["error"] == "invalid_grant"
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert Http(front.app).get("/userinfo", base_url=ISSUER, headers=headers).status_code == 401
    assert error(front.authorize(browser, scope=PROFILE, prompt="none")) == "consent_required"
    assert error(front.authorize(browser, prompt="none")) == "consent_required"
    front.clock.advance(5)
    again = browser.submit(front.authorize(browser, scope=PROFILE), decision="allow")
    assert "name" not in userinfo(front, front.tokens(again))


def test_prompt_consent_asks_again(front: Front) -> None:
    browser = front.browser()
    browser.submit(asked(front, browser), decision="allow", claims="name")
    front.clock.advance(5)
    page = asked(front, browser, prompt="consent")
    tokens = front.tokens(browser.submit(page, decision="allow"))
    assert "name" not in userinfo(front, tokens)


def test_a_required_claim_has_no_box(front: Front) -> None:
    front.change(replace(PORTAL, required_claims=("pid",)))
    browser = front.browser()
    page = asked(
        front, browser, scope="openid pid", claims='{"userinfo": {"name": {"essential": true}}}'
    )
    assert set(Page(page.text).boxes) == {"former_ids"}
    assert "Dữ liệu cá nhân nhạy cảm" in page.text
    released = userinfo(front, front.tokens(browser.submit(page, decision="allow")))
    assert (released["pid"], released["name"]) == (X.digits, "Nguyễn Thị Minh Khai")


@pytest.mark.parametrize("said", [{"decision": "deny"}, {"action": "cancel"}])
def test_no_is_told_to_the_relying_party(front: Front, said: dict[str, str]) -> None:
    browser = front.browser()
    assert error(browser.submit(asked(front, browser), **said)) == "access_denied"
    assert front.services.consents.find(front.citizens[X].id, "portal") is None
    assert [each["event"] for each in front.events()[-2:]] == ["ConsentDenied", "LoginRefused"]


@pytest.mark.attack("J04")
def test_J04_a_form_without_its_token_does_nothing(front: Front) -> None:
    browser = front.browser()
    page = Page(asked(front, browser).text)
    other = Page(asked(front, front.browser()).text)
    same_browser = Page(asked(front, browser, prompt="login").text)
    for token in ("", "x", other.hidden["csrf_token"], same_browser.hidden["csrf_token"]):
        form = {"csrf_token": token, "decision": "allow", "claims": "name"}
        assert browser.post(page.action, form).status_code == 403
    good = {**page.hidden, "decision": "allow"}
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert browser.post(page.action, good, **elsewhere).status_code == 403
    assert front.services.consents.find(front.citizens[X].id, "portal") is None


@pytest.mark.attack("J05")
def test_J05_consent_is_given_by_post_alone(front: Front) -> None:
    browser = front.browser()
    page = Page(asked(front, browser).text)
    form = {**page.hidden, "decision": "allow", "claims": "name"}
    assert browser.get(page.action, **form).status_code == 200
    for method in ("HEAD", "PUT", "DELETE"):
        assert browser.once(method, page.action, data=form).status_code == 405
    assert front.services.consents.find(front.citizens[X].id, "portal") is None


@pytest.mark.attack("J07")
def test_J07_consent_before_the_login_is_none(front: Front) -> None:
    browser = front.browser()
    login = Page(front.authorize(browser, scope=PROFILE).text)
    ticket = login.action.split("/")[2]
    response = browser.post(f"/consent/{ticket}", {**login.hidden, "decision": "allow"})
    assert 'name="id_number"' in response.text
    assert front.services.consents.find(front.citizens[X].id, "portal") is None


def test_neither_yes_nor_no_is_no_answer(front: Front) -> None:
    browser = front.browser()
    page = asked(front, browser)
    assert browser.submit(page).status_code == 400
    assert browser.submit(page, decision="maybe").status_code == 400
    assert "code" in answer(browser.submit(page, decision="allow"))


def test_yes_twice_gives_one_code(front: Front) -> None:
    browser = front.browser()
    page = asked(front, browser)
    first, again = (answer(browser.submit(page, decision="allow")) for _ in range(2))
    assert first["code"] == again["code"]
    front.clock.advance(SECONDS)
    assert browser.submit(page, decision="allow").status_code == 409


def test_a_page_that_showed_one_citizens_data_does_not_speak_for_another(front: Front) -> None:
    browser = front.signed_in(X)
    page = front.authorize(browser, scope=PROFILE)
    assert "Nguyễn Thị Minh Khai" in page.text
    browser.log_in(front.authorize(browser, prompt="login"), Y)
    assert browser.submit(page, decision="allow", claims="name").status_code == 403
    for citizen in (X, Y):
        assert front.services.consents.find(front.citizens[citizen].id, "portal") is None


def test_a_year_of_birth_and_a_one_word_name_are_shown_as_they_are(front: Front) -> None:
    browser = front.browser()
    page = browser.log_in(front.authorize(browser, scope=PROFILE), Y)
    assert "Y Bih" in page.text
    assert ">1999<" in page.text


def test_the_page_in_english(front: Front) -> None:
    page = asked(front, front.browser(), ui_locales="en")
    assert '<html lang="en">' in page.text
    assert "To file applications" in page.text


def test_proof_of_consent_is_kept(front: Front) -> None:
    browser = front.browser()
    browser.submit(asked(front, browser, ui_locales="en"), decision="allow", claims="name")
    kept = front.services.consents.of_account(front.citizens[X].id)[0]
    assert kept.granted == {"name", "family_name", "middle_name", "given_name", "updated_at"}
    assert "gender" in kept.refused
    assert (kept.locale, kept.level, kept.given_at) == ("en", 1, front.clock())
