"""Single use across processes: of many at once one wins, and the others are refused rightly."""

from collections import Counter

import httpx
import pytest

from idp.authn.passcode.authenticator import TRIES
from idp.demo.citizens import PASSCODE
from idp.notify.console import inbox
from tests.attacks.live import Live, action, at_once, hidden, response, s256


def refused(answer: httpx.Response) -> tuple[int, str]:
    """TOK: a refusal of the token endpoint that says no more than it must."""
    assert answer.headers["cache-control"] == "no-store"
    assert set(answer.json()) <= {"error", "error_description", "reference"}
    return answer.status_code, answer.json()["error"]


def one_won(answers: list[httpx.Response]) -> httpx.Response:
    """N(1): exactly one success, the others ``invalid_grant``, nothing else."""
    (won,) = (each for each in answers if each.status_code == 200)
    assert {refused(each) for each in answers if each is not won} == {(400, "invalid_grant")}
    return won


@pytest.mark.attack("D04")
def test_D04_fifty_redemptions_of_one_code_over_two_processes(live: Live) -> None:
    code = live.code(live.signed_in())
    won = one_won(at_once(live, lambda http, _: live.redeem(code, http)))
    assert live.alive(won.json()) == (False, False)  # the second use ended what the first gave


@pytest.mark.attack("C09")
def test_C09_wrong_verifiers_at_once_and_then_the_right_one(live: Live) -> None:
    verifier = "v" * 43
    code = live.code(live.signed_in(), code_challenge=s256(verifier), code_challenge_method="S256")
    answers = at_once(live, lambda http, n: live.redeem(code, http, code_verifier=f"{n:043}"))
    assert {refused(each) for each in answers} == {(400, "invalid_grant")}
    assert live.redeem(code, code_verifier=verifier).status_code == 200
    assert refused(live.redeem(code, code_verifier=verifier)) == (400, "invalid_grant")


@pytest.mark.attack("F14")
def test_F14_fifty_uses_of_one_refresh_token_leave_one_branch(live: Live) -> None:
    token = live.redeem(live.code(live.signed_in())).json()["refresh_token"]
    won = one_won(at_once(live, lambda http, _: live.refresh(token, http))).json()
    assert live.alive(won) == (True, True)
    again = live.refresh(won["refresh_token"]).json()
    assert live.alive(again) == (True, True)


@pytest.mark.attack("D11")
def test_D11_no_token_survives_a_logout_that_races_with_its_redemption(live: Live) -> None:
    person = live.person()
    for _ in range(8):
        browser = live.signed_in(person)
        code = live.code(browser)
        page = browser.send("GET", "/logout")
        form, cookies = {**hidden(page), "decision": "logout"}, dict(browser.http.cookies)

        def act(
            http: httpx.Client,
            number: int,
            code: str = code,
            form: dict[str, str] = form,
            cookies: dict[str, str] = cookies,
        ) -> httpx.Response:
            if number:
                return live.redeem(code, http)
            http.cookies.update(cookies)
            return http.post("/logout", data=form)

        for answer in at_once(live, act, callers=2):
            if answer.headers.get("content-type") != "application/json":
                assert answer.status_code == 303  # logged out, and on to the page that says so
            elif answer.status_code == 200:
                assert live.alive(answer.json()) == (False, False)
            else:
                assert refused(answer) == (400, "invalid_grant")


def test_fifty_posts_of_one_right_code_log_in_once(live: Live) -> None:
    browser, person = live.browser(), live.person()
    asked, code = browser.ask_code(browser.authorize(), person)
    form = {**hidden(asked), "otp": code, "action": "verify"}

    def post(http: httpx.Client, _: int) -> httpx.Response:
        http.cookies.update(browser.http.cookies)
        return http.post(action(asked), data=form)

    answers = at_once(live, post)  # a form sent twice ends where the first one led
    assert {each.status_code for each in answers} == {303}
    assert len({each.headers["location"] for each in answers}) == 1


def test_fifty_wrong_codes_at_once_are_five_guesses(live: Live) -> None:
    browser, person = live.browser(), live.person()
    asked, code = browser.ask_code(browser.authorize(), person)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    form = {**hidden(asked), "otp": wrong, "action": "verify"}

    def post(http: httpx.Client, _: int) -> httpx.Response:
        http.cookies.update(browser.http.cookies)
        return http.post(action(asked), data=form)

    told = Counter(each.status_code for each in at_once(live, post))
    assert told[422] == 4  # and the fifth says that it was the last
    assert set(told) <= {409, 422, 429}
    assert told[429] >= 1
    assert browser.submit(asked, otp=code, action="verify").status_code == 409


def test_fifty_wrong_passcodes_at_once_are_as_many_guesses_as_there_are(live: Live) -> None:
    browser, person = live.browser(), live.person()
    page = browser.authorize(acr_values="urn:vn:eid:level:2")
    asked = browser.log_in(page, person)
    form = {**hidden(asked), "passcode": "999998"}

    def post(http: httpx.Client, _: int) -> httpx.Response:
        http.cookies.update(browser.http.cookies)
        return http.post(action(asked), data=form)

    told = Counter(each.status_code for each in at_once(live, post))
    assert told == {422: TRIES.maximum, 429: 50 - TRIES.maximum}
    assert browser.submit(asked, passcode=PASSCODE).status_code == 429


@pytest.mark.attack("L07")
def test_L07_resends_at_once_are_counted_one_by_one(live: Live) -> None:
    browser, person = live.browser(), live.person()
    asked, _ = browser.ask_code(browser.authorize(), person)
    form = {**hidden(asked), "action": "resend"}

    def post(http: httpx.Client, _: int) -> httpx.Response:
        http.cookies.update(browser.http.cookies)
        return http.post(action(asked), data=form)

    answers = at_once(live, post, callers=20)
    assert {each.status_code for each in answers} == {303}
    assert person.phone
    codes = [each.text.rpartition("#")[2] for each in inbox(live.inbox, phone=person.phone)]
    assert len(codes) <= 21  # one text for one press at most
    taken = [
        code
        for code in dict.fromkeys(codes)
        if "code" in _try(live, browser.submit(asked, otp=code, action="verify"))
    ]
    assert len(taken) <= 1  # only the newest is good, wherever it stands in the inbox


def _try(live: Live, answer: httpx.Response) -> dict[str, str]:
    return response(answer) if answer.status_code == 303 else {}


def test_fifty_answers_of_one_card_log_in_once(live: Live) -> None:
    browser, person = live.browser(), live.person()
    card = live.card(person)
    page = browser.submit(browser.authorize(), id_number=person.number.digits, method="card")
    token = page.text.partition("launch_token=")[2].partition('"')[0]
    launches = at_once(
        live, lambda http, _: http.post("/card/launch", json={"launch_token": token})
    )
    (opened,) = (each.json() for each in launches if each.status_code == 200)
    assert {each.json()["type"] for each in launches if each.status_code != 200} == {"session-used"}
    shown = live.presentation(card, opened)
    url = f"/card/{opened['session']}/presentation"
    answers = at_once(live, lambda http, _: http.post(url, json=shown))
    assert Counter(each.status_code for each in answers) == {200: 1, 409: 49}
    (back,) = (each.json()["return_url"] for each in answers if each.status_code == 200)
    path = back.removeprefix(live.issuer)

    def come_back(http: httpx.Client, _: int) -> httpx.Response:
        http.cookies.update(browser.http.cookies)
        return http.get(path)

    returned = at_once(live, come_back, callers=20)
    assert {each.status_code for each in returned} == {303}
    assert len({each.headers["location"] for each in returned}) == 1
