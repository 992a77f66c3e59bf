"""Where else the citizen is logged in: shown, left here or everywhere, told afterwards."""

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from werkzeug.test import Client as Http
from werkzeug.test import TestResponse

from idp.core.errors import Unavailable
from idp.core.handles import Handle
from idp.oidc.clients.model import Text
from tests.oidc.front import CLINIC, GOODBYE, ISSUER, Browser, Front, Page, Y, answer, claims_of
from tests.oidc.logout.receivers import Receivers, receivers
from tests.oidc.logout.world import courier, listens, messages, party, session_id, verified, visit

EVERYWHERE, HERE, STAY = ("decision", "logout"), ("decision", "here"), ("decision", "stay")


@pytest.fixture
def outside() -> Iterator[Receivers]:
    with receivers() as found:
        yield found


def asked_by_portal(browser: Browser) -> TestResponse:
    members = {"client_id": "portal", "post_logout_redirect_uri": GOODBYE, "state": "s"}
    return browser.get("/logout", **members)


def usable(front: Front, access_token: str) -> bool:
    headers = {"Authorization": f"Bearer {access_token}"}
    return Http(front.app).get("/userinfo", base_url=ISSUER, headers=headers).status_code == 200


def test_the_page_names_the_other_relying_parties_of_this_session(front: Front) -> None:
    browser = front.signed_in()
    elsewhere = front.signed_in(Y)
    visit(front, elsewhere, CLINIC)
    alone = asked_by_portal(browser)
    assert Page(alone.text).buttons == [EVERYWHERE, STAY]
    assert "Phòng khám" not in alone.text
    visit(front, browser, CLINIC)
    page = asked_by_portal(browser)
    assert Page(page.text).buttons == [EVERYWHERE, HERE, STAY]
    assert "Phòng khám" in page.text
    assert "Chỉ đăng xuất khỏi <bdi>Cổng dịch vụ công</bdi>" in page.text
    nobody_asks = browser.get("/logout")
    assert Page(nobody_asks.text).buttons == [EVERYWHERE, STAY]
    assert "Phòng khám" in nobody_asks.text
    assert "Cổng dịch vụ công" in nobody_asks.text


def test_leaving_one_relying_party_ends_what_it_has_and_nothing_else(
    front: Front, outside: Receivers
) -> None:
    listens(front, outside.url("portal"))
    listens(front, outside.url("clinic"), CLINIC)
    browser, at_home = front.signed_in(), front.signed_in()
    tokens = front.tokens(front.authorize(browser))
    there = front.tokens(front.authorize(at_home))
    visit(front, browser, CLINIC)
    page = asked_by_portal(browser)
    front.clock.advance(1)
    left = browser.submit(page, decision="here")
    assert left.headers["Location"] == f"{GOODBYE}?state=s"
    assert not usable(front, tokens["access_token"])
    assert usable(front, there["access_token"])
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert front.token(refresh).get_json()["error"] == "invalid_grant"
    assert [each["event"] for each in front.events()].count("RelyingPartyLeft") == 1
    with courier(front) as running:
        running.once()
    assert set(outside.tokens) == {"portal"}
    claims = verified(front, outside.tokens["portal"][0], "portal")
    assert claims["sid"] == claims_of(tokens["id_token"])["sid"]
    assert "Cổng dịch vụ công" not in browser.get("/logout").text
    front.clock.advance(1)
    again = front.tokens(front.authorize(browser, prompt="none"))  # the session goes on
    assert usable(front, again["access_token"])
    assert "Cổng dịch vụ công" in browser.get("/logout").text


def test_a_hint_ends_a_session_at_once_only_where_nothing_else_hangs_on_it(front: Front) -> None:
    browser = front.signed_in()
    hint = front.tokens(front.authorize(browser))["id_token"]
    visit(front, browser, CLINIC)
    asking = {"id_token_hint": hint, "post_logout_redirect_uri": GOODBYE, "state": "s"}
    page = browser.get("/logout", **asking)
    assert Page(page.text).buttons == [EVERYWHERE, HERE, STAY]
    assert "Phòng khám" in page.text
    assert "code" in answer(front.authorize(browser, prompt="none"))
    left = browser.submit(page, decision="here")
    assert left.headers["Location"] == f"{GOODBYE}?state=s"
    assert "code" in answer(front.authorize(browser, CLINIC, prompt="none"))
    alone = front.signed_in()
    hint = front.tokens(front.authorize(alone))["id_token"]
    gone = alone.get("/logout", **asking | {"id_token_hint": hint})
    assert gone.headers["Location"] == f"{GOODBYE}?state=s"
    assert answer(front.authorize(alone, prompt="none"))["error"] == "login_required"


def test_who_leaves_everywhere_sees_who_is_told_before_going_back(
    front: Front, outside: Receivers
) -> None:
    listens(front, outside.url("portal"))
    listens(front, outside.url("clinic"), CLINIC)
    browser = front.signed_in()
    hint = front.tokens(front.authorize(browser))["id_token"]
    visit(front, browser, CLINIC)
    page = browser.get("/logout", id_token_hint=hint, post_logout_redirect_uri=GOODBYE, state="s")
    done = browser.submit(page, decision="logout")
    assert done.text.count("Đang báo") == 2
    assert f'id="return" href="{GOODBYE}?state=s"' in done.text
    assert answer(front.authorize(browser, prompt="none"))["error"] == "login_required"


def test_without_a_relying_party_to_leave_the_button_is_refused(front: Front) -> None:
    browser = front.signed_in()
    visit(front, browser, CLINIC)
    form = Page(browser.get("/logout").text).hidden
    assert browser.post("/logout", {**form, "decision": "here"}).status_code == 400
    assert "code" in answer(front.authorize(browser, prompt="none"))


def test_after_it_the_page_says_who_was_told(front: Front, outside: Receivers) -> None:
    outside.behave["clinic"] = 500
    listens(front, outside.url("portal"))
    listens(front, outside.url("clinic"), CLINIC)
    browser = front.signed_in()
    visit(front, browser, CLINIC)
    session = session_id(front, browser)
    page = browser.submit(browser.get("/logout"), decision="logout")
    assert page.text.count("Đang báo") == 2
    address = browser.at
    assert f'href="{address}"' in page.text
    with courier(front) as running:
        running.once()
        told = browser.get(address)
        assert (told.text.count("Đã báo"), told.text.count("Đang báo")) == (1, 1)
        outside.behave["clinic"] = 200
        front.clock.advance(60)
        running.once()
    done = browser.get(address)
    assert (done.text.count("Đã báo"), done.text.count("Đang báo")) == (2, 0)
    assert f'href="{address}"' not in done.text
    assert f"{address}&amp;lang=en" in done.text
    assert browser.get(f"{address}&lang=en").text.count("<dd>Notified</dd>") == 2
    assert session not in address
    assert len(messages(front, session)) == 2


def test_the_page_is_for_whoever_holds_its_address_and_for_ten_minutes(front: Front) -> None:
    browser = front.signed_in()
    listens(front, "https://portal.example.vn/logout")
    browser.submit(browser.get("/logout"), decision="logout")
    address = browser.at
    assert "Đang báo" in front.browser().get(address).text  # it names no one
    guess = f"/logout?ended={Handle.new()}"
    assert "Đang báo" not in front.browser().get(guess).text
    front.clock.advance(601)
    late = front.browser().get(address)
    assert "Bạn đã đăng xuất" in late.text
    assert "Đang báo" not in late.text


def test_a_store_that_takes_nothing_more_stops_no_logout(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = front.signed_in()
    page = browser.get("/logout")

    def full(*_: object) -> None:
        raise Unavailable("redis")

    monkeypatch.setattr(front.store, "put", full)
    done = browser.submit(page, decision="logout")
    assert done.status_code == 200
    assert "Bạn đã đăng xuất" in done.text
    monkeypatch.undo()
    assert answer(front.authorize(browser, prompt="none"))["error"] == "login_required"


@pytest.mark.attack("M13")
def test_M13_a_session_of_x_ends_neither_at_another_client_nor_for_y(
    front: Front, outside: Receivers
) -> None:
    listens(front, outside.url("portal"))
    listens(front, outside.url("clinic"), CLINIC)
    x, y = front.signed_in(), front.signed_in(Y)
    visit(front, x, CLINIC)
    visit(front, y, CLINIC)
    at_portal = front.tokens(front.authorize(x))["id_token"]
    for browser in (y, front.browser()):
        for client_id in ("portal", "clinic"):
            browser.get("/logout", id_token_hint=at_portal, client_id=client_id)
    page = x.get("/logout", id_token_hint=at_portal, client_id="clinic")
    assert urlsplit(page.headers.get("Location", "")).path == ""  # the citizen is asked
    for browser in (x, y):
        assert "code" in answer(front.authorize(browser, prompt="none"))
    with courier(front) as running:
        running.once()
    assert not outside.tries


def test_a_registered_name_is_shown_literally(front: Front) -> None:
    browser = front.signed_in()
    hostile = party(front, "odd", client_uri="https://odd.example.vn/")
    visit(front, browser, hostile)
    text = "<script>alert(1)</script>"
    front.change(replace(hostile, client_name=Text(text)))
    assert text not in browser.get("/logout").text
    assert "&lt;script&gt;" in browser.get("/logout").text
