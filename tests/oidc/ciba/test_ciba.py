"""CIBA from the client's side and from the citizen's phone: CIBA Core 1.0, by poll."""

import re
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from werkzeug.test import Client as Http

from idp.notify.console import inbox
from idp.oidc.vocabulary import CIBA
from tests.oidc.authorization.test_moved import THIEF, Somewhere
from tests.oidc.ciba.bank import (
    BANK,
    NOBODY,
    add,
    allow,
    ask,
    begin,
    choices,
    error,
    outcome,
    phone,
    poll,
    requests,
)
from tests.oidc.front import ISSUER, Front, Page, X, Y, claims_of


@pytest.fixture
def bank(front: Front) -> Front:
    """The provider with a bank that polls."""
    add(front, BANK)
    return front


def test_the_answer_is_as_the_standard_wants_it(bank: Front) -> None:
    answer = ask(bank)
    assert answer.headers["Cache-Control"] == "no-store"
    begun = answer.get_json()
    assert set(begun) == {"auth_req_id", "expires_in", "interval", "match_number"}
    assert (begun["expires_in"], begun["interval"]) == (300, 5)
    assert re.fullmatch("[1-9][0-9]", begun["match_number"])


def test_a_citizen_confirms_on_their_phone(bank: Front, tmp_path: Path) -> None:
    begun = begin(bank, binding_message="Quầy 4 - hồ sơ 0815")
    assert error(poll(bank, begun)) == "authorization_pending"
    (text,) = inbox(tmp_path / "inbox.jsonl")
    assert "Ngan hang Dong Xuan" in text.text
    assert "http" not in text.text
    assert "/" not in text.text
    browser, page = phone(bank)
    assert "Nguyễn Thị Minh Khai" in page.text
    (link,) = requests(page)
    asked = browser.get(link)
    for shown in ("Ngân hàng Đồng Xuân", "bank.example.vn", "Quầy 4 - hồ sơ 0815"):
        assert shown in asked.text
    assert begun["match_number"] in choices(asked)
    assert len(set(choices(asked))) == 3
    assert outcome(allow(browser, asked, begun["match_number"])) == "allowed"
    answer = poll(bank, begun)
    assert answer.status_code == 200, answer.text
    tokens = answer.get_json()
    claims = claims_of(tokens["id_token"])
    registered = bank.services.clients.get("bank")
    assert registered is not None
    assert claims["sub"] == bank.services.subjects.sub(registered, bank.citizens[X].id)
    assert "refresh_token" in tokens
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    known = Http(bank.app).get("/userinfo", base_url=ISSUER, headers=bearer).get_json()
    assert known["name"] == "Nguyễn Thị Minh Khai"
    assert error(poll(bank, begun)) == "invalid_grant"
    assert requests(browser.get("/ciba")) == []


def test_a_higher_level_is_reached_on_the_way(bank: Front) -> None:
    begun = begin(bank, acr_values="urn:vn:eid:level:2")
    browser, page = phone(bank)
    asked = browser.get(requests(page)[0])
    assert outcome(allow(browser, asked, begun["match_number"])) == "allowed"
    claims = claims_of(poll(bank, begun).get_json()["id_token"])
    assert claims["acr"] == "urn:vn:eid:level:2"


def test_who_presses_another_number_has_refused(bank: Front) -> None:
    begun = begin(bank)
    browser, page = phone(bank)
    asked = browser.get(requests(page)[0])
    wrong = next(each for each in choices(asked) if each != begun["match_number"])
    assert outcome(browser.submit(asked, match_number=wrong)) == "mismatch"
    assert error(poll(bank, begun)) == "access_denied"
    assert bank.events()[-2]["reason"] == "wrong_number"


def test_a_message_may_come_decomposed_and_is_shown_composed(bank: Front) -> None:
    begin(bank, binding_message=unicodedata.normalize("NFD", "Quầy 4"))
    browser, page = phone(bank)
    assert "Quầy 4" in browser.get(requests(page)[0]).text


@pytest.mark.parametrize("polled", [False, True])
def test_a_number_pressed_twice_ends_where_the_first_press_led(bank: Front, polled: bool) -> None:
    browser, _page = phone(bank)
    for _ in range(2):  # the second time the citizen has consented already
        begun = begin(bank)
        asked = browser.get(requests(browser.get("/ciba"))[0])
        assert outcome(allow(browser, asked, begun["match_number"])) == "allowed"
        if polled:
            bank.clock.advance(begun["interval"])
            assert poll(bank, begun).status_code == 200
        assert outcome(browser.submit(asked, match_number=begun["match_number"])) == "allowed"
    other, _page = phone(bank)
    assert not polled or outcome(other.get(asked.request.path)) == "late"


@pytest.mark.parametrize("where", ["page", "consent"])
def test_a_no_is_a_no(bank: Front, where: str) -> None:
    begun = begin(bank)
    browser, page = phone(bank)
    asked = browser.get(requests(page)[0])
    if where == "consent":
        asked = browser.submit(asked, match_number=begun["match_number"])
    assert outcome(browser.submit(asked, decision="deny")) == "denied"
    assert error(poll(bank, begun)) == "access_denied"


def test_only_its_own_citizen_sees_a_request(bank: Front) -> None:
    begun = begin(bank)
    mine, page = phone(bank)
    (link,) = requests(page)
    other, elsewhere = phone(bank, Y)
    assert requests(elsewhere) == []
    assert outcome(other.get(link)) == "late"
    stolen = Page(mine.get(link).text)
    answer = other.post(link, {**stolen.hidden, "match_number": begun["match_number"]})
    assert outcome(answer) == "late"
    assert error(poll(bank, begun)) == "authorization_pending"


def test_without_a_session_a_link_leads_to_the_login(bank: Front) -> None:
    begin(bank)
    _, page = phone(bank)
    stranger = bank.browser()
    assert "Đăng nhập" in stranger.get(requests(page)[0]).text


def test_nobody_is_asked_like_somebody(bank: Front, tmp_path: Path) -> None:
    """CIBA Core §15: what a client sees never tells whether there is such a person."""
    known, unknown = ask(bank), ask(bank, login_hint=NOBODY)
    assert known.status_code == unknown.status_code
    assert known.get_json().keys() == unknown.get_json().keys()
    for begun in (known.get_json(), unknown.get_json()):
        assert error(poll(bank, begun)) == "authorization_pending"
    bank.clock.advance(300)
    for begun in (known.get_json(), unknown.get_json()):
        assert error(poll(bank, begun)) == "expired_token"
    assert len(inbox(tmp_path / "inbox.jsonl")) == 1


@pytest.mark.parametrize("number", [X.digits, NOBODY])
def test_pushing_at_a_person_is_stopped_whether_they_exist_or_not(bank: Front, number: str) -> None:
    for _ in range(bank.services.settings.backchannel_per_client):
        begin(bank, login_hint=number)
    stopped = ask(bank, login_hint=number)
    assert error(stopped, 429) == "access_denied"
    assert int(stopped.headers["Retry-After"]) > 0
    begin(bank, login_hint=Y.digits)


def test_who_said_no_is_left_alone_for_a_while(bank: Front) -> None:
    begin(bank)
    browser, page = phone(bank)
    browser.submit(browser.get(requests(page)[0]), decision="deny")
    assert error(ask(bank), 429) == "access_denied"
    bank.clock.advance(bank.services.settings.backchannel_cool_down + 1)
    begin(bank)


def test_only_the_last_request_of_a_client_is_open(bank: Front) -> None:
    first, second = begin(bank), begin(bank)
    assert error(poll(bank, first)) == "access_denied"
    assert error(poll(bank, second)) == "authorization_pending"
    _, page = phone(bank)
    assert len(requests(page)) == 1


def test_an_id_token_names_the_citizen(bank: Front) -> None:
    begun = begin(bank)
    browser, page = phone(bank)
    allow(browser, browser.get(requests(page)[0]), begun["match_number"])
    token = poll(bank, begun).get_json()["id_token"]
    again = begin(bank, login_hint="", id_token_hint=token)
    assert len(requests(browser.get("/ciba"))) == 1
    assert error(poll(bank, again)) == "authorization_pending"
    bank.clock.advance(31 * 24 * 3600)
    assert error(ask(bank, login_hint="", id_token_hint=token)) == "unknown_user_id"


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"login_hint": ""}, "invalid_request"),
        ({"login_hint": "not a number"}, "invalid_request"),
        ({"login_hint": "123456789"}, "invalid_request"),
        ({"id_token_hint": "a.b.c"}, "invalid_request"),
        ({"login_hint": "", "id_token_hint": "a.b.c"}, "invalid_request"),
        ({"login_hint": "", "login_hint_token": "x"}, "invalid_request"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "openid pid"}, "invalid_scope"),
        ({"binding_message": "x" * 65}, "invalid_binding_message"),
        ({"binding_message": "a\nb"}, "invalid_binding_message"),
        ({"binding_message": "abc\u202edcb"}, "invalid_binding_message"),
        ({"binding_message": "abc\u200b"}, "invalid_binding_message"),
        ({"binding_message": "👍 ok"}, "invalid_binding_message"),
        ({"binding_message": "https://evil.example"}, "invalid_binding_message"),
        ({"binding_message": "https:/evil.example"}, "invalid_binding_message"),
        ({"binding_message": "Mo www.evil.vn/login"}, "invalid_binding_message"),
        ({"binding_message": "evil.vn"}, "invalid_binding_message"),
        ({"binding_message": "bank1.vn, OTP 123456"}, "invalid_binding_message"),
        ({"authorization_details": "[]"}, "invalid_authorization_details"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
        ({"requested_expiry": "0"}, "invalid_request"),
        ({"requested_expiry": "-1"}, "invalid_request"),
        ({"requested_expiry": "soon"}, "invalid_request"),
        ({"acr_values": "urn:vn:eid:level:4"}, "unmet_authentication_requirements"),
        ({"request": "a.b.c"}, "invalid_request"),
    ],
)
def test_bad_requests(bank: Front, form: dict[str, str], expected: str) -> None:
    assert error(ask(bank, **form)) == expected
    assert bank.events()[-1]["event"] == "BackchannelRefused"
    assert not bank.failures


@pytest.mark.parametrize(
    "message", ["Chuyển 1.200.000 VND", "Quầy 4 - hồ sơ 0815", "TP. HCM, 15:30", "W4SCT...", "#1.5"]
)
def test_what_is_no_address_may_be_said(bank: Front, message: str) -> None:
    assert begin(bank, binding_message=message)


@pytest.mark.parametrize(("asked", "given"), [("1", 1), ("600", 600), ("86400", 600)])
def test_the_client_may_say_how_long_it_waits(bank: Front, asked: str, given: int) -> None:
    assert begin(bank, requested_expiry=asked)["expires_in"] == given


@pytest.mark.attack("S08")
def test_S08_a_scope_that_is_not_registered_cannot_come_by_the_back_channel(bank: Front) -> None:
    assert error(ask(bank, scope="openid profile email")) == "invalid_scope"
    assert error(ask(bank, scope="profile")) == "invalid_scope"


def test_the_grant_must_be_registered(bank: Front) -> None:
    assert error(ask(bank, "portal")) == "unauthorized_client"
    wrong = Http(bank.app).post(
        "/bc-authorize", base_url=ISSUER, data={"scope": "openid"}, auth=("bank", "no")
    )
    assert error(wrong, 401) == "invalid_client"


@pytest.mark.attack("S03")
def test_S03_polls_of_a_backchannel_request(bank: Front) -> None:
    add(bank, replace(BANK, client_id="insurer", sector="client:insurer"))
    begun = begin(bank)
    assert error(poll(bank, begun)) == "authorization_pending"
    assert error(poll(bank, begun)) == "slow_down"
    assert error(poll(bank, begun, "insurer")) == "invalid_grant"
    browser, page = phone(bank)
    allow(browser, browser.get(requests(page)[0]), begun["match_number"])
    assert error(poll(bank, begun, "insurer")) == "invalid_grant"
    assert poll(bank, begun).status_code == 200
    assert error(poll(bank, begun)) == "invalid_grant"


def test_discovery_names_the_endpoint(bank: Front) -> None:
    metadata = Http(bank.app).get("/.well-known/openid-configuration", base_url=ISSUER).get_json()
    assert metadata["backchannel_authentication_endpoint"] == f"{ISSUER}/bc-authorize"
    assert metadata["backchannel_token_delivery_modes_supported"] == ["poll", "ping"]
    assert metadata["backchannel_user_code_parameter_supported"] is False
    assert CIBA in metadata["grant_types_supported"]


def test_there_is_no_hook_outside_the_sandbox(bank: Front) -> None:
    begun = begin(bank)
    answer = Http(bank.app).get(
        "/sandbox/ciba",
        base_url=ISSUER,
        query_string={"auth_req_id": begun["auth_req_id"], "action": "allow"},
    )
    assert answer.status_code == 404


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_a_request_that_is_decided_elsewhere_records_the_move_once(
    bank: Front, decision: str
) -> None:
    begun = begin(bank)
    known, page = phone(bank)
    browser = Somewhere(known.http)
    browser.place = THIEF
    asked = browser.get(requests(page)[0])
    if decision == "allow":
        assert outcome(allow(browser, asked, begun["match_number"])) == "allowed"
    else:
        assert outcome(browser.submit(asked, decision="deny")) == "denied"
    moved = [each for each in bank.events() if each["event"] == "SessionMoved"]
    assert [(each["client_id"], each["what"]) for each in moved] == [("bank", ["user_agent"])]
