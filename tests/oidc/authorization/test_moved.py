"""A session that moves: an audit event, and the login again where the policy asks for it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from werkzeug.test import TestResponse

from idp.core.errors import Unavailable
from idp.login.session import Session
from tests.oidc.authorization.test_twice import twin
from tests.oidc.front import ISSUER, Browser, Front, Page, answer, error

HOME = ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0.0.0 Safari/537.36", "127.0.0.1")
UPDATED = ("Mozilla/5.0 (Windows NT 10.0) Chrome/141.0.0.0 Safari/537.36", "127.0.0.1")
CAFE = (HOME[0], "198.51.100.7")
SCRIPT = ("", "127.0.0.1")
THIEF = ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0", "127.0.0.1")


class Somewhere(Browser):
    """A browser of one kind in one place; both may change."""

    place = HOME

    def once(self, method: str, path: str, **options: Any) -> TestResponse:
        agent, peer = self.place
        options["environ_overrides"] = {"REMOTE_ADDR": peer, "HTTP_USER_AGENT": agent}
        return self.http.open(path, method=method, base_url=ISSUER, **options)


@pytest.fixture
def browser(front: Front) -> Somewhere:
    """Logged in at home."""
    made = Somewhere(front.browser().http)
    made.log_in(front.authorize(made))
    return made


def moves(front: Front) -> list[dict[str, Any]]:
    return [each for each in front.events() if each["event"] == "SessionMoved"]


def ask_again(front: Front, *what: str) -> None:
    sessions = front.services.desk.sessions
    settings = replace(sessions.settings, asks_again=frozenset(what))
    object.__setattr__(sessions, "settings", settings)


def test_a_session_that_moves_leaves_an_event_once_for_each_move(
    front: Front, browser: Somewhere
) -> None:
    for place, what in ((CAFE, ["network"]), (THIEF, ["user_agent", "network"])):
        browser.place = place
        for _ in range(2):
            assert "code" in answer(front.authorize(browser, prompt="none"))
        assert [each["what"] for each in moves(front)][-1] == what
    assert len(moves(front)) == 2
    assert moves(front)[0]["client_id"] == "portal"
    assert {"session_id", "pseudonym", "source"} <= moves(front)[0].keys()


def test_a_citizen_whose_browser_updates_is_not_asked(front: Front, browser: Somewhere) -> None:
    ask_again(front, "user_agent", "network")
    browser.place = UPDATED
    assert "code" in answer(front.authorize(browser, prompt="none"))
    assert moves(front) == []


def test_a_stolen_cookie_gets_nothing_in_another_browser_where_the_policy_says_so(
    front: Front, browser: Somewhere
) -> None:
    ask_again(front, "user_agent")
    browser.place = THIEF
    assert error(front.authorize(browser, prompt="none")) == "login_required"
    assert "id_number" in front.authorize(browser).text
    assert moves(front)[-1]["what"] == ["user_agent"]
    browser.place = CAFE  # another network alone does not ask again
    assert "code" in answer(front.authorize(browser, prompt="none"))


def test_a_stolen_cookie_without_a_user_agent_gets_nothing_either(
    front: Front, browser: Somewhere
) -> None:
    ask_again(front, "user_agent")
    browser.place = SCRIPT
    assert error(front.authorize(browser, prompt="none")) == "login_required"


def test_a_logout_from_elsewhere_is_carried_out_and_noticed(
    front: Front, browser: Somewhere
) -> None:
    ask_again(front, "user_agent")
    browser.place = THIEF
    browser.submit(browser.get("/logout"), decision="logout")
    assert [each["event"] for each in front.events()[-3:]] == [
        *("SessionMoved", "SessionEnded", "LogoutCompleted")
    ]


def test_whoever_logs_in_again_in_the_other_browser_is_somebody_new_there(
    front: Front, browser: Somewhere
) -> None:
    ask_again(front, "user_agent", "network")
    browser.place = THIEF
    assert "code" in answer(browser.log_in(front.authorize(browser)))
    assert "code" in answer(front.authorize(browser, prompt="none"))


def test_a_move_costs_one_round_trip_and_none_from_then_on(
    front: Front, browser: Somewhere
) -> None:
    trips = list[int]()
    for place in (HOME, THIEF, THIEF):
        browser.place, before = place, front.store.round_trips
        assert "code" in answer(front.authorize(browser, prompt="none"))
        trips.append(front.store.round_trips - before)
    assert trips == [trips[0], trips[0] + 1, trips[0]]


def at_once(front: Front, browser: Somewhere, *paths: str, count: int = 6) -> None:
    """Open these paths in turn, ``count`` in all, at the same moment from where ``browser`` is."""
    start = threading.Barrier(count)

    def visit(each: int) -> None:
        same = Somewhere(twin(front, browser).http)
        same.place = browser.place
        start.wait(20)
        same.get(paths[each % len(paths)])

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(visit, range(count)))


@pytest.mark.parametrize("again", [(), ("user_agent",)])
def test_requests_that_race_leave_one_event_for_a_move(
    front: Front, browser: Somewhere, again: tuple[str, ...]
) -> None:
    ask_again(front, *again)
    asked = f"/authorize?{urlencode(front.request(prompt='none'))}"
    for count, place in enumerate((THIEF, HOME, THIEF), 1):
        browser.place = place
        at_once(front, browser, asked, "/logout", "/ciba")
        # Where a moved session may not be used it stays where it was, so it moved once.
        assert len(moves(front)) == (1 if again else count)


def test_each_move_of_a_session_that_goes_back_and_forth_leaves_an_event(
    front: Front, browser: Somewhere
) -> None:
    for count, place in enumerate((THIEF, HOME, THIEF, HOME, CAFE, HOME), 1):
        browser.place = place
        for _ in range(2):
            assert "code" in answer(front.authorize(browser, prompt="none"))
        assert len(moves(front)) == count


def test_a_step_up_forgets_no_move(front: Front, browser: Somewhere) -> None:
    browser.place = THIEF
    assert "code" in answer(front.authorize(browser, prompt="none"))
    browser.place = HOME
    done = browser.log_in(front.authorize(browser, prompt="login"))
    assert "code" in answer(done)
    browser.place = THIEF
    assert "code" in answer(front.authorize(browser, prompt="none"))
    assert len(moves(front)) == 3


def test_a_logout_from_elsewhere_leaves_one_event_however_often_it_is_sent(
    front: Front, browser: Somewhere
) -> None:
    browser.place = THIEF
    form, start = Page(browser.get("/logout").text), threading.Barrier(5)
    data = {**form.hidden, "decision": "logout"}

    def press(_: int) -> None:
        same = Somewhere(twin(front, browser).http)
        same.place = THIEF
        start.wait(20)
        same.post("/logout", data)

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(press, range(5)))
    told = [each["event"] for each in front.events()]
    assert [told.count(each) for each in ("SessionMoved", "SessionEnded")] == [1, 1]


def test_a_consent_page_that_is_opened_or_refused_elsewhere_records_the_move(
    front: Front, browser: Somewhere
) -> None:
    page = front.authorize(browser, scope="openid profile")
    assert "/consent/" in browser.at
    browser.place = CAFE
    assert browser.get(browser.at).status_code == 200
    assert [each["what"] for each in moves(front)] == [["network"]]
    browser.place = THIEF
    assert error(browser.submit(page, decision="deny")) == "access_denied"
    assert [each["client_id"] for each in moves(front)] == ["portal", "portal"]


def test_a_move_whose_record_cannot_be_written_is_recorded_by_the_next_request(
    front: Front, browser: Somewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.place = THIEF
    with monkeypatch.context() as broken:
        broken.setattr(front.services.desk.audit, "write", unavailable)
        assert browser.get("/logout").status_code == 503
    assert moves(front) == []
    browser.get("/logout")
    assert len(moves(front)) == 1


def unavailable(*_: object, **__: object) -> None:
    raise Unavailable("audit")


def test_a_session_of_the_release_before_is_read_and_one_of_the_next_too() -> None:
    old = {
        **{"id": "s", "secret": "d", "account_id": "a", "authentications": []},
        **{"started_at": 1, "seen_at": 2, "idle_ttl": 3, "expires_at": 4},
    }
    found = Session.load({**old, "of_the_next_release": 1})
    assert (found.agent, found.network, found.expires_at) == ("", "", 4)
