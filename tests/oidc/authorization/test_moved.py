"""A session that moves: an audit event, and the login again where the policy asks for it."""

from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import TestResponse

from idp.login.session import Session
from tests.oidc.front import ISSUER, Browser, Front, answer, error

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


def test_a_move_costs_no_round_trip_of_its_own(front: Front, browser: Somewhere) -> None:
    trips = list[int]()
    for place in (HOME, THIEF):
        browser.place, before = place, front.store.round_trips
        assert "code" in answer(front.authorize(browser, prompt="none"))
        trips.append(front.store.round_trips - before)
    assert trips[0] == trips[1]


def test_a_session_of_the_release_before_is_read_and_one_of_the_next_too() -> None:
    old = {
        **{"id": "s", "secret": "d", "account_id": "a", "authentications": []},
        **{"started_at": 1, "seen_at": 2, "idle_ttl": 3, "expires_at": 4},
    }
    found = Session.load({**old, "of_the_next_release": 1})
    assert (found.agent, found.network, found.expires_at) == ("", "", 4)
