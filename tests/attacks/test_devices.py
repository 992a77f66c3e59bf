"""Requests made on one device and allowed on another, over two processes: RFC 8628, CIBA."""

from collections import Counter
from typing import Any

import httpx
import pytest

from idp.oidc.device.user_code import WRONG, UserCode
from idp.oidc.vocabulary import CIBA, DEVICE_CODE
from idp.registry.model import Person
from tests.attacks.live import Browser, Live, action, at_once, hidden
from tests.attacks.test_leaks import contents

TOKEN = "notification-token-of-more-than-128-bits"
STILL = {"authorization_pending", "slow_down"}


def begin(live: Live) -> dict[str, Any]:
    answer = live.post("/device_authorization", {"scope": "openid"}, client_id="tv")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ask(live: Live, person: Person) -> dict[str, Any]:
    form = {
        "scope": "openid",
        "login_hint": person.number.digits,
        "client_notification_token": TOKEN,
    }
    answer = live.post("/bc-authorize", form, client_id="bank")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def poll(live: Live, http: httpx.Client, begun: dict[str, Any]) -> httpx.Response:
    form = {"grant_type": DEVICE_CODE, "device_code": begun["device_code"]}
    return live.post("/token", form, http, "tv")


def enter(browser: Browser, code: str) -> httpx.Response:
    return browser.submit(browser.send("GET", "/device"), user_code=code, action="continue")


def heard(answers: list[httpx.Response]) -> Counter[str]:
    """What polls were told: ``tokens``, or the error."""
    for each in answers:
        assert each.status_code in (200, 400), each.text
        assert each.headers["cache-control"] == "no-store"
    return Counter(each.json().get("error", "tokens") for each in answers)


@pytest.mark.attack("S04")
def test_S04_fifty_polls_at_the_moment_of_approval_give_tokens_once(live: Live) -> None:
    browser = live.signed_in()
    for _ in range(4):
        begun = begin(live)
        page = enter(browser, begun["user_code"])
        path, form = action(page), {**hidden(page), "decision": "continue"}
        cookies = dict(browser.http.cookies)

        def act(
            http: httpx.Client,
            number: int,
            begun: dict[str, Any] = begun,
            path: str = path,
            form: dict[str, str] = form,
            cookies: dict[str, str] = cookies,
        ) -> httpx.Response | None:
            if number:
                return poll(live, http, begun)
            http.cookies.update(cookies)
            allowed = http.post(path, data=form)
            assert allowed.headers["location"] == "/device/done?outcome=allowed"
            return None

        during = heard([each for each in at_once(live, act, 51) if each is not None])
        assert set(during) <= {"tokens", "invalid_grant", *STILL}
        after = heard(at_once(live, lambda http, _, begun=begun: poll(live, http, begun)))
        assert during["tokens"] + after["tokens"] == 1
        assert set(after) <= {"tokens", "invalid_grant"}


@pytest.mark.attack("S02")
def test_S02_user_codes_guessed_at_once_are_counted_before_they_are_answered(live: Live) -> None:
    peer = "127.0.7.7"
    guesser, begun = live.browser(peer), begin(live)
    page = guesser.send("GET", "/device")
    path, form, cookies = action(page), hidden(page), dict(guesser.http.cookies)

    def guess(_: httpx.Client, number: int) -> int:
        with live.http(peer) as http:
            http.cookies.update(cookies)
            typed = str(UserCode.new())
            return http.post(path, data={**form, "user_code": typed}).status_code

    answers = Counter(at_once(live, guess, callers=40))
    assert set(answers) <= {422, 429}
    assert answers[422] <= WRONG.maximum
    assert enter(guesser, begun["user_code"]).status_code == 429
    assert "decision" in enter(live.browser(), begun["user_code"]).text  # nobody else is stopped


@pytest.mark.attack("S04")
def test_S04_a_backchannel_request_is_answered_once(live: Live) -> None:
    person = live.person()
    asked = ask(live, person)
    browser = live.browser()
    login = browser.submit(browser.send("GET", "/ciba"), action="login")
    overview = browser.log_in(login, person)
    (link,) = set(each for each in overview.text.split('"') if each.startswith("/ciba/"))
    page = browser.send("GET", link)
    done = browser.submit(page, match_number=asked["match_number"])
    assert 'data-outcome="allowed"' in done.text, done.text

    def act(http: httpx.Client, _: int) -> httpx.Response:
        form = {"grant_type": CIBA, "auth_req_id": asked["auth_req_id"]}
        return live.post("/token", form, http, "bank")

    assert heard(at_once(live, act)) == {"tokens": 1, "invalid_grant": 49}


@pytest.mark.attack("Q11")
def test_Q11_a_copy_of_the_store_tells_no_code_of_what_waits(live: Live) -> None:
    person, begun = live.person(), begin(live)
    asked = ask(live, person)
    kept = contents(live)
    assert asked["auth_req_id"][:11] in kept  # its flow names it
    for secret in (
        begun["device_code"][11:],
        begun["user_code"],
        begun["user_code"].replace("-", ""),
        asked["auth_req_id"][11:],
        TOKEN,
        person.number.digits,
    ):
        assert secret not in kept
