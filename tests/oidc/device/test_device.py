"""The device grant, from the device and from the citizen's browser: RFC 8628."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import Client as Http
from werkzeug.test import TestResponse

from idp.login.replay import SECONDS
from idp.oidc.clients.model import Client, Text
from idp.oidc.clients.repository import Clients
from idp.oidc.device.user_code import ALPHABET, WRONG, UserCode
from idp.oidc.vocabulary import DEVICE_CODE
from tests.oidc.front import ISSUER, PORTAL, SECRET, Browser, Front, Page, X, claims_of

TV = Client(
    client_id="tv",
    client_name=Text("Ti vi của phường", "Ward TV"),
    client_uri="https://tv.example.vn/",
    sector="tv.example.vn",
    grant_types=(DEVICE_CODE, "refresh_token"),
    response_types=(),
    scope=("openid", "profile"),
    token_endpoint_auth_method="none",
)


@pytest.fixture
def tv(front: Front) -> Front:
    """The provider with a television that has no secret."""
    Clients(front.database, front.clock).create(TV)
    front.services.clients.refresh()
    return front


def post(front: Front, path: str, peer: str = "192.0.2.77", **form: str) -> TestResponse:
    return Http(front.app).post(
        path, base_url=ISSUER, data=form, environ_overrides={"REMOTE_ADDR": peer}
    )


def begin(front: Front, **form: str) -> dict[str, Any]:
    answer = post(
        front, "/device_authorization", **{"client_id": "tv", "scope": "openid profile", **form}
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def poll(front: Front, begun: Mapping[str, Any], client_id: str = "tv") -> TestResponse:
    return post(
        front,
        "/token",
        grant_type=DEVICE_CODE,
        client_id=client_id,
        device_code=begun["device_code"],
    )


def error(answer: TestResponse) -> str:
    assert answer.status_code == 400, answer.text
    found: str = answer.get_json()["error"]
    return found


def enter(browser: Browser, typed: str) -> TestResponse:
    return browser.submit(browser.get("/device"), user_code=typed, action="continue")


def allow(browser: Browser, begun: Mapping[str, Any]) -> TestResponse:
    """The citizen types the code, goes on, logs in and consents."""
    asked = enter(browser, begun["user_code"])
    page = browser.log_in(browser.submit(asked, decision="continue"))
    if 'name="decision"' in page.text:
        page = browser.submit(page, decision="allow", claims=["name", "birthdate"])
    return page


def outcome(page: TestResponse) -> str:
    found = re.search(r'data-outcome="([a-z]+)"', page.text)
    assert found, page.text
    return found[1]


def test_the_answer_is_as_the_rfc_wants_it(tv: Front) -> None:
    answer = post(tv, "/device_authorization", client_id="tv", scope="openid")
    assert answer.headers["Cache-Control"] == "no-store"
    begun = answer.get_json()
    assert begun["verification_uri"] == f"{ISSUER}/device"
    assert begun["verification_uri_complete"] == f"{ISSUER}/device?user_code={begun['user_code']}"
    assert (begun["expires_in"], begun["interval"]) == (600, 5)
    assert re.fullmatch(f"[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}", begun["user_code"])


def test_a_citizen_logs_a_television_in(tv: Front) -> None:
    begun, browser = begin(tv), tv.browser()
    assert error(poll(tv, begun)) == "authorization_pending"
    assert outcome(allow(browser, begun)) == "allowed"
    answer = poll(tv, begun)
    assert answer.status_code == 200, answer.text
    tokens = answer.get_json()
    claims = claims_of(tokens["id_token"])
    assert (claims["aud"], claims["iss"]) == ("tv", ISSUER)
    registered = tv.services.clients.get("tv")
    assert registered is not None
    assert claims["sub"] == tv.services.subjects.sub(registered, tv.citizens[X].id)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    known = Http(tv.app).get("/userinfo", base_url=ISSUER, headers=bearer).get_json()
    assert known["name"] == "Nguyễn Thị Minh Khai"
    assert "gender" not in known
    again = post(
        tv,
        "/token",
        grant_type="refresh_token",
        client_id="tv",
        refresh_token=tokens["refresh_token"],
    )
    assert again.status_code == 200


def test_the_link_fills_the_code_in_and_sends_nothing(tv: Front) -> None:
    begun, browser = begin(tv), tv.browser()
    shown = browser.get(begun["verification_uri_complete"].removeprefix(ISSUER))
    assert f'value="{begun["user_code"]}"' in shown.text
    assert "/login/" not in browser.at
    assert error(poll(tv, begun)) == "authorization_pending"


def test_the_page_says_who_asks_since_when_and_from_another_network(tv: Front) -> None:
    begun, browser = begin(tv), tv.browser()
    shown = enter(browser, begun["user_code"].lower().replace("-", " "))
    assert "Ti vi của phường" in shown.text
    assert "tv.example.vn" in shown.text
    assert begun["user_code"] in shown.text
    assert "Chỉ tiếp tục nếu chính bạn vừa bắt đầu trên thiết bị của mình" in shown.text
    assert 'id="other-network"' in shown.text
    same = begin(tv)
    answer = post(tv, "/device_authorization", "127.0.0.1", client_id="tv", scope="openid")
    near = enter(tv.browser(), answer.get_json()["user_code"])
    assert 'id="other-network"' not in near.text
    assert same["user_code"] != begun["user_code"]


def test_a_citizen_who_did_not_begin_says_so_before_any_login(tv: Front) -> None:
    begun, browser = begin(tv), tv.browser()
    asked = enter(browser, begun["user_code"])
    assert outcome(browser.submit(asked, decision="deny")) == "denied"
    assert error(poll(tv, begun)) == "access_denied"
    assert error(poll(tv, begun)) == "access_denied"
    assert [each["event"] for each in tv.events()][-3:] == [
        "LoginRefused",
        "TokenRefused",
        "TokenRefused",
    ]


def test_a_citizen_who_gives_the_login_up_has_denied(tv: Front) -> None:
    begun, browser = begin(tv), tv.browser()
    login = browser.submit(enter(browser, begun["user_code"]), decision="continue")
    assert outcome(browser.submit(login, action="cancel")) == "denied"
    assert error(poll(tv, begun)) == "access_denied"


def test_a_code_leads_nowhere_once_it_was_decided(tv: Front) -> None:
    begun, browser = begin(tv), tv.browser()
    allow(browser, begun)
    wrong = enter(tv.browser(), begun["user_code"])
    assert wrong.status_code == 422
    assert "Mã không đúng hoặc đã hết hạn" in wrong.text


def test_two_browsers_decide_once(tv: Front) -> None:
    begun, one, two = begin(tv), tv.browser(), tv.browser()
    first = enter(one, begun["user_code"])
    second = enter(two, begun["user_code"])
    assert outcome(one.submit(first, decision="deny")) == "denied"
    assert outcome(two.submit(second, decision="continue")) == "late"
    assert error(poll(tv, begun)) == "access_denied"


def test_a_login_that_took_too_long_is_told(tv: Front) -> None:
    begun, browser = begin(tv), tv.browser()
    login = browser.submit(enter(browser, begun["user_code"]), decision="continue")
    tv.clock.advance(601)
    assert outcome(browser.log_in(login)) == "late"
    assert error(poll(tv, begun)) == "expired_token"


def test_a_known_citizen_is_still_asked_to_confirm(tv: Front) -> None:
    browser = tv.browser()
    allow(browser, begin(tv))
    begun = begin(tv)
    asked = enter(browser, begun["user_code"])
    assert error(poll(tv, begun)) == "authorization_pending"
    assert outcome(browser.submit(asked, decision="continue")) == "allowed"
    assert poll(tv, begun).status_code == 200


def test_forms_of_another_browser_are_refused(tv: Front) -> None:
    begun = begin(tv)
    asked = enter(tv.browser(), begun["user_code"])
    page, stranger = Page(asked.text), tv.browser()
    stranger.get("/device")
    answer = stranger.post(page.action, {**page.hidden, "decision": "continue"})
    assert answer.status_code == 403
    assert error(poll(tv, begun)) == "authorization_pending"


def test_a_confidential_client_authenticates(tv: Front) -> None:
    grants = (*PORTAL.grant_types, DEVICE_CODE)
    tv.change(replace(PORTAL, grant_types=grants))
    form = {"scope": "openid"}
    http = Http(tv.app)
    good = http.post("/device_authorization", base_url=ISSUER, data=form, auth=("portal", SECRET))
    assert good.status_code == 200
    bad = http.post("/device_authorization", base_url=ISSUER, data=form, auth=("portal", "no"))
    assert (bad.status_code, bad.get_json()["error"]) == (401, "invalid_client")


def test_a_client_without_the_grant_is_refused(tv: Front) -> None:
    http = Http(tv.app)
    answer = http.post(
        "/device_authorization", base_url=ISSUER, data={"scope": "openid"}, auth=("portal", SECRET)
    )
    assert error(answer) == "unauthorized_client"


@pytest.mark.attack("S08")
@pytest.mark.parametrize("scope", ["openid pid", "openid profile email", "", "profile"])
def test_S08_a_scope_that_is_not_registered_cannot_come_by_a_device(tv: Front, scope: str) -> None:
    answer = post(tv, "/device_authorization", client_id="tv", scope=scope)
    assert error(answer) == "invalid_scope"


@pytest.mark.attack("S03")
def test_S03_polls_that_are_too_early_foreign_late_or_repeated(tv: Front) -> None:
    Clients(tv.database, tv.clock).create(replace(TV, client_id="radio", sector="radio"))
    tv.services.clients.refresh()
    begun = begin(tv)
    assert error(poll(tv, begun)) == "authorization_pending"
    assert error(poll(tv, begun)) == "slow_down"
    tv.clock.advance(6)
    assert error(poll(tv, begun)) == "slow_down"  # the client has to wait longer now
    tv.clock.advance(11)
    assert error(poll(tv, begun)) == "authorization_pending"
    assert error(poll(tv, begun, "radio")) == "invalid_grant"
    allow(tv.browser(), begun)
    assert error(poll(tv, begun, "radio")) == "invalid_grant"
    assert poll(tv, begun).status_code == 200
    assert error(poll(tv, begun)) == "invalid_grant"
    late = begin(tv)
    tv.clock.advance(600)
    assert error(poll(tv, late)) == "expired_token"
    assert error(poll(tv, {"device_code": "x"})) == "invalid_grant"


@pytest.mark.attack("S02")
def test_S02_wrong_user_codes_from_one_address_are_stopped(tv: Front) -> None:
    assert len(ALPHABET) ** 8 / WRONG.maximum > 2**32
    begun, browser = begin(tv), tv.browser()
    for _ in range(WRONG.maximum):
        assert enter(browser, str(UserCode.new())).status_code == 422
    stopped = enter(browser, begun["user_code"])
    assert stopped.status_code == 429
    assert int(stopped.headers["Retry-After"]) > 0
    assert error(poll(tv, begun)) == "authorization_pending"
    tv.clock.advance(int(stopped.headers["Retry-After"]) + 1)
    assert enter(browser, begin(tv)["user_code"]).status_code == 200


def test_right_codes_do_not_count_as_guesses(tv: Front) -> None:
    browser = tv.browser()
    for _ in range(2 * WRONG.maximum):
        assert enter(browser, begin(tv)["user_code"]).status_code == 200


def test_what_cannot_be_a_code_is_no_guess() -> None:
    assert UserCode.parse("wdjb mjht") == UserCode("WDJBMJHT")
    assert str(UserCode("WDJBMJHT")) == "WDJB-MJHT"
    for typed in ("", "WDJB-MJH", "WDJB-MJHTT", "WDJB-MJHA", "WDJB-MJH1", "ẀDJB-MJHT"):
        assert UserCode.parse(typed) is None


def test_discovery_names_the_endpoint(tv: Front) -> None:
    metadata = Http(tv.app).get("/.well-known/openid-configuration", base_url=ISSUER).get_json()
    assert metadata["device_authorization_endpoint"] == f"{ISSUER}/device_authorization"
    assert DEVICE_CODE in metadata["grant_types_supported"]


@pytest.mark.parametrize("decision", ["continue", "deny"])
@pytest.mark.parametrize("polled", [False, True])
def test_a_decision_sent_twice_ends_where_the_first_one_led(
    tv: Front, decision: str, polled: bool
) -> None:
    browser = tv.signed_in()
    allow(browser, begin(tv))  # the citizen has consented, so that the next one is one form
    begun = begin(tv)
    asked = enter(browser, begun["user_code"])
    first = outcome(browser.submit(asked, decision=decision))
    assert first == ("allowed" if decision == "continue" else "denied")
    if polled:
        tv.clock.advance(begun["interval"])
        poll(tv, begun)
    assert outcome(browser.submit(asked, decision=decision)) == first
    tv.clock.advance(SECONDS)
    assert outcome(browser.submit(asked, decision=decision)) == "late"


def test_a_page_that_is_reloaded_when_the_device_is_in_is_no_failure(tv: Front) -> None:
    browser, begun = tv.signed_in(), begin(tv)
    address = enter(browser, begun["user_code"]).request.path
    allow(browser, begun)
    tv.clock.advance(begun["interval"])
    assert poll(tv, begun).status_code == 200
    tv.clock.advance(SECONDS)
    assert outcome(browser.get(address)) == "late"
    assert outcome(tv.signed_in().get(address)) == "late"
