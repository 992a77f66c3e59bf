"""Group K over HTTP: what an agent may send, and what becomes of the process that reads it."""

import time
from collections.abc import Mapping

import pytest

from idp.core.handles import Handle, b64url, b64url_decode
from idp.mrtd.challenge import rnd_ifd
from tests.attacks.live import Live
from tests.attacks.oracles import alive, no_session

NESTED = b"\x30\x80" * 4_000
BOMBS: Mapping[str, bytes] = {
    "indefinite and deep": b"\x77\x82\x1f\x40" + NESTED,
    "definite and deep": b"\x77" + b"\x30\x82\x20\x00" * 2_000,
    "a length of 4 GiB": b"\x77\x84\xff\xff\xff\xff\x30\x80",
    "a length of 2^1000": b"\x77\xfe" + b"\xff" * 126,
    "a tag without end": b"\x7f" + b"\xff" * 8_000,
    "a negative integer": b"\x77\x0a\x30\x08\x02\x01\xff\x02\x03\x80\x00\x00",
    "ten thousand nothings": b"\x77\x82\x3e\x80\x30\x82\x3e\x7c" + b"\x05\x00" * 7_998,
    "noise": bytes(range(256)) * 60,
    "nothing": b"",
}


def present(live: Live, changes: Mapping[str, object]) -> tuple[int, str, float]:
    """Status, problem and seconds of a genuine presentation with ``changes``; nobody is in."""
    person, browser = live.person(), live.browser()
    card = live.card(person)
    with live.http() as agent:
        opened = live.opened(browser, person, agent)
        body = live.presentation(card, opened) | dict(changes)
        before = time.perf_counter()
        answer = agent.post(f"/card/{opened['session']}/presentation", json=body)
        seconds = time.perf_counter() - before
    no_session(live, browser)
    return answer.status_code, answer.json().get("type", ""), seconds


@pytest.mark.attack("K17")
@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
@pytest.mark.parametrize("file", ["sod", "dg13", "dg15"])
def test_K17_a_file_that_is_no_asn1_costs_nothing(live: Live, file: str, bomb: bytes) -> None:
    status, problem, seconds = present(live, {file: b64url(bomb)})
    assert (status, problem) == (422, "card-not-genuine")
    assert seconds < 3


@pytest.mark.attack("K17")
def test_K17_ten_megabytes_are_not_read(live: Live) -> None:
    with live.http() as agent:
        body = b'{"sod":"' + b"A" * (10 << 20) + b'"}'
        url = f"/card/{'A' * 54}/presentation"
        answer = agent.post(url, content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 413
    alive(live)


@pytest.mark.attack("K05")
@pytest.mark.parametrize("length", [0, 7, 8, 9])
def test_K05_the_challenge_is_the_providers_own(live: Live, length: int) -> None:
    """The chip's genuine answer to any challenge but this exchange's proves nothing."""
    person, browser = live.person(), live.browser()
    card = live.card(person)
    with live.http() as agent:
        opened = live.opened(browser, person, agent)
        assert len(b64url_decode(opened["nonce"])) == 32
        chosen = {
            "signature": b64url(card.sign(bytes(length))),
            "nonce": b64url(bytes(length)),
            "challenge": b64url(bytes(length)),
        }
        body = live.presentation(card, opened) | chosen
        answer = agent.post(f"/card/{opened['session']}/presentation", json=body)
    assert answer.json()["type"] == "card-not-genuine"
    no_session(live, browser)


@pytest.mark.attack("K05")
def test_K05_an_answer_for_another_origin_or_session_is_refused(live: Live) -> None:
    person, browser = live.person(), live.browser()
    card = live.card(person)
    with live.http() as agent:
        for origin, session in (("https://evil.example", None), (live.issuer, "another")):
            opened = live.opened(browser, person, agent)
            nonce = b64url_decode(opened["nonce"])
            challenge = rnd_ifd(origin, session or opened["session"], nonce)
            relayed = {"signature": b64url(card.sign(challenge))}
            body = live.presentation(card, opened) | relayed
            answer = agent.post(f"/card/{opened['session']}/presentation", json=body)
            assert answer.json()["type"] == "card-not-genuine"
    no_session(live, browser)


@pytest.mark.attack("K05")
def test_K05_sessions_and_challenges_never_repeat(live: Live) -> None:
    person, browser = live.person(), live.browser()
    with live.http() as agent:
        seen = [live.opened(browser, person, agent) for _ in range(60)]
    for name in ("session", "nonce"):
        assert len({each[name] for each in seen}) == len(seen)


@pytest.mark.attack("K08")
@pytest.mark.attack("K15")
def test_K08_K15_nobody_logs_in_with_anothers_card(live: Live) -> None:
    one, two = live.person(), live.person()
    mine, other = live.card(one), live.card(two)
    browser = live.browser()
    with live.http() as agent:
        for card, swapped in ((mine, "dg1"), (mine, "dg13"), (mine, "dg15"), (other, None)):
            opened = live.opened(browser, one, agent)
            body = live.presentation(card, opened)
            if swapped:
                body[swapped] = live.presentation(other, opened)[swapped]
            answer = agent.post(f"/card/{opened['session']}/presentation", json=body)
            wanted = "card-not-genuine" if swapped else "card-not-accepted"
            assert answer.json() == answer.json() | {"type": wanted}
            assert two.number.digits not in answer.text
    no_session(live, browser)


@pytest.mark.attack("K22")
@pytest.mark.parametrize("name", ["sod", "dg1", "dg13", "dg15", "signature"])
@pytest.mark.parametrize("value", [None, 7, True, ["x"], {"a": "b"}, "not base64url!", "="])
def test_K22_members_of_another_type_are_told_apart_from_cards(
    live: Live, name: str, value: object
) -> None:
    with live.http() as agent:
        body = dict.fromkeys(("sod", "dg1", "dg13", "dg15", "signature"), "AAAA") | {name: value}
        answer = agent.post(f"/card/{Handle.new()}/presentation", json=body)
    assert answer.status_code == 400
