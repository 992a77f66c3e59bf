"""Group Q over HTTP: what is left behind in logs, stores and headers after citizens were here."""

import json
import re
from dataclasses import dataclass

import httpx
import pytest
import redis
from sqlalchemy import text

from idp.registry.model import Person
from tests.attacks.live import SECRET, Live, response, s256
from tests.attacks.oracles import without_reference

VERIFIER = "a-verifier-that-must-not-be-kept-0123456789"


@dataclass
class Trace:
    """One citizen's way through everything, and every secret that came up on it."""

    person: Person
    secrets: dict[str, str]
    tokens: dict[str, str]

    @property
    def personal(self) -> dict[str, str]:
        name = self.person.name
        phone = self.person.phone or ""
        return {
            "number": self.person.number.digits,
            "name": name.full,
            "name in JSON": json.dumps(name.full).strip('"'),
            "phone": phone.lstrip("+"),
            "phone at home": "0" + phone.removeprefix("+84"),
        }


@pytest.fixture
def trace(live: Live) -> Trace:
    """Wrong and right answers by code and by card, tokens used well and badly, a logout."""
    person, browser = live.person(), live.browser()
    page = browser.authorize(
        login_hint=person.number.digits,
        code_challenge=s256(VERIFIER),
        code_challenge_method="S256",
        scope="openid profile pid phone",
    )
    browser.submit(page, id_number=person.number.digits + "x", method="otp")
    asked, otp = browser.ask_code(page, person)
    browser.submit(asked, otp=f"{(int(otp) + 1) % 1_000_000:06}", action="verify")
    neighbour, second = live.browser(), live.person()
    waiting, second_otp = neighbour.ask_code(neighbour.authorize(), second)
    neighbour.submit(waiting, otp=second_otp, action="verify")
    consent = browser.submit(asked, otp=otp, action="verify")
    done = browser.submit(consent, decision="allow") if consent.status_code == 200 else consent
    code = response(done)["code"]
    with live.http() as http:
        live.redeem(code, http, code_verifier="w" * 43)
        live.redeem(code, http, client_id="clinic", code_verifier=VERIFIER)
        tokens = live.redeem(code, http, code_verifier=VERIFIER).json()
        bearer = {"authorization": f"Bearer {tokens['access_token']}"}
        assert http.get("/userinfo", headers=bearer).status_code == 200
        http.get("/userinfo", params={"access_token": tokens["access_token"]})
        http.post("/token", data={"grant_type": "x"}, auth=("spoofed", SECRET + "-not-quite"))
        live.refresh(tokens["refresh_token"] + "x", http)
    card = live.card(person)
    other = live.browser()
    shown = other.submit(other.authorize(), id_number=person.number.digits, method="card")
    launch = shown.text.partition("launch_token=")[2].partition('"')[0]
    opened = other.http.post("/card/launch", json={"launch_token": launch}).json()
    presented = live.presentation(card, opened)
    answered = other.http.post(f"/card/{opened['session']}/presentation", json=presented).json()
    other.http.get(answered["return_url"].removeprefix(live.issuer))
    secrets = {
        "otp": otp,
        "second otp": second_otp,
        "code": code,
        "verifier": VERIFIER,
        "client secret": SECRET,
        "session": browser.http.cookies["eid_session"],
        "login cookie": browser.http.cookies["eid_login"],
        "launch token": launch,
        "card session": opened["session"],
        "card nonce": opened["nonce"],
        "return code": answered["return_code"],
        "chip data": presented["dg1"],
        "chip data 13": presented["dg13"][:60],
        "chip signature": presented["signature"],
        **{name: tokens[name] for name in ("access_token", "refresh_token", "id_token")},
    }
    return Trace(person, secrets, tokens)


ONE_TIME_CODES = {"otp", "second otp"}
"""Six digits may stand anywhere by chance, as the fraction of a time: only both are a leak."""


def found(needles: dict[str, str], place: str) -> list[str]:
    """The names of what stands in ``place``; digits only as a whole number."""
    names = [
        name
        for name, needle in needles.items()
        if (re.search(rf"(?<!\d){needle}(?!\d)", place) if needle.isdigit() else needle in place)
    ]
    leaked = set(names) >= ONE_TIME_CODES
    return [name for name in names if leaked or name not in ONE_TIME_CODES]


def test_a_one_time_code_that_is_found_by_chance_is_no_leak() -> None:
    codes = {"otp": "123456", "second otp": "654321", "code": "a-code"}
    assert found(codes, '{"at": "2027-01-01T00:00:00.123456Z"}') == []
    assert found(codes, "a-code .123456") == ["code"]
    assert found(codes, "otp=123456&otp=654321") == ["otp", "second otp"]


@pytest.mark.attack("Q06")
@pytest.mark.attack("L12")
@pytest.mark.attack("P13")
def test_Q06_L12_P13_logs_and_the_audit_log_keep_no_secret_and_nothing_personal(
    live: Live, trace: Trace
) -> None:
    with live.http() as http:
        http.get("/nowhere", headers={"user-agent": '\\r\\n{"event":"forged"}'})
        http.get("/authorize", params=live.request(state='\r\n{"event":"forged"}\x1b[2J'))
    log, audit = live.log, "\n".join(_audit(live))
    metrics = "".join(
        each.read_bytes().decode("latin-1") for each in (live.directory / "metrics").rglob("*")
    )
    assert "/login/<t>/otp" in log
    assert "portal" in audit
    assert metrics
    for place in (log, audit, metrics):
        assert found(trace.secrets | trace.personal, place) == []
    for line in log.splitlines():
        assert json.loads(line)["event"] != "forged"
    assert "\x1b" not in log + audit


@pytest.mark.attack("Q11")
def test_Q11_what_is_stored_cannot_be_shown_again(live: Live, trace: Trace) -> None:
    """Bearer secrets are kept as digests: a copy of the stores is no way in."""
    kept = {name: each for name, each in trace.secrets.items() if name != "card nonce"}
    dump = contents(live)
    assert len(dump) > 1_000
    assert found(kept, dump) == []
    assert found(trace.personal, dump) == []
    with live.database.read() as connection:
        tables = connection.execute(
            text("SELECT name FROM sqlite_master WHERE type = 'table'")
        ).scalars()
        for table in list(tables):
            rows = connection.execute(text(f'SELECT * FROM "{table}"')).all()
            assert found(kept, "\n".join(map(str, rows))) == [], table


@pytest.mark.attack("Q07")
def test_Q07_no_url_of_ours_carries_a_person_or_a_token(live: Live) -> None:
    person, browser = live.person(), live.browser()
    browser.log_in(browser.authorize(), person)
    assert browser.trail
    for url in browser.trail:
        assert person.number.digits not in url
        assert "code=" not in url
        assert browser.http.cookies["eid_session"] not in url


@pytest.mark.attack("Q10")
def test_Q10_no_header_and_no_error_tells_what_runs_here(live: Live) -> None:
    words = re.compile(
        r"flask|werkzeug|python|sqlalchemy|valkey|redis|httptools|\d+\.\d+\.\d+", re.I
    )
    with live.http() as http:
        answers = [
            http.get("/jwks"),
            http.get("/nowhere"),
            http.get("/authorize"),
            http.post("/token"),
            http.get("/userinfo"),
            http.post("/card/launch", content=b"x"),
        ]
    for each in answers:
        headers = {name: value for name, value in each.headers.items() if name != "content-length"}
        assert not words.search(str(headers)), headers
        if each.status_code >= 400:
            shown = each.text.replace("127.0.0.1", "")
            assert not words.search(shown), shown


@pytest.mark.attack("Q08")
def test_Q08_what_is_wrong_with_a_grant_is_not_told(live: Live) -> None:
    browser = live.signed_in()
    used, foreign = live.code(browser), live.code(browser, "clinic")
    ended = live.redeem(used).json()["refresh_token"]
    live.redeem(used)  # ends the family
    bad = ["x", "A" * 54, used, foreign]
    answers = [live.redeem(each) for each in bad]
    answers += [live.refresh(each) for each in ("x", "A" * 54, ended, ended[:-1])]
    told = {(each.status_code, without_reference(each), _headers(each)) for each in answers}
    assert len(told) == 1


@pytest.mark.attack("L10")
def test_L10_nobody_is_told_who_has_an_account(live: Live) -> None:
    known, seen = live.person().number.digits, []
    for number in (known, "000199999999", "000099999998"):
        browser = live.browser()
        asked = browser.submit(browser.authorize(), id_number=number, method="otp")
        wrong = browser.submit(asked, otp="000000", action="verify")
        for page in (asked, wrong):
            told = re.sub(r'value="[^"]*"|/login/[A-Za-z0-9_.-]+', "", page.text)
            seen.append((number, page.status_code, told, _headers(page)))
    first = [each[1:] for each in seen if each[0] == known]
    for number in {each[0] for each in seen}:
        assert [each[1:] for each in seen if each[0] == number] == first


@pytest.mark.attack("L15")
def test_L15_a_phone_is_never_shown(live: Live) -> None:
    person, browser = live.person(), live.browser()
    asked, _ = browser.ask_code(browser.authorize(), person)
    assert person.phone
    visible = re.sub(r"<[^>]*>", "", asked.text)
    assert [each for each in re.findall(r"\d{3,}", visible) if person.phone.endswith(each)] == []


def _headers(answer: httpx.Response) -> tuple[tuple[str, str], ...]:
    own = ("date", "content-length")
    return tuple(sorted((n, v) for n, v in answer.headers.items() if n not in own))


def _audit(live: Live) -> list[str]:
    with live.database.read() as connection:
        return [
            str(each[0]) for each in connection.execute(text("SELECT entry FROM audit_entries"))
        ]


def contents(live: Live) -> str:
    store = redis.Redis.from_url(live.valkey)
    lines = []
    try:
        for key in store.scan_iter(count=1000):
            kind = store.type(key)
            value = {
                b"none": lambda _: None,  # its time came since the scan
                b"string": store.get,
                b"hash": store.hgetall,
                b"set": store.smembers,
                b"zset": lambda key: store.zrange(key, 0, -1),
            }[kind](key)
            lines.append(f"{key!r} {value!r}")
    finally:
        store.close()
    return "\n".join(lines)
