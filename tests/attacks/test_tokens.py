"""Groups D, E, F, H and I over HTTP: codes, tokens, and the clients that show them."""

import base64
import json
import string
import time
from pathlib import Path

import httpx
import pytest

from tests.attacks.live import SECRET, Live, at_once, basic, encoded, raw, response
from tests.attacks.oracles import alive, has_session, no_session, tok

FORM = {"content-type": "application/x-www-form-urlencoded"}


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.mark.attack("D07")
def test_D07_nothing_is_good_for_anything_else(live: Live) -> None:
    browser = live.signed_in()
    tokens = live.redeem(live.code(browser)).json()
    things = {
        "code": live.code(browser),
        "access_token": tokens["access_token"],
        "refresh_token": tokens["refresh_token"],
        "id_token": tokens["id_token"],
        "session": browser.http.cookies["eid_session"],
        "login": browser.http.cookies["eid_login"],
    }
    with live.http() as http:
        for name, thing in things.items():
            if name != "code":
                tok(live.redeem(thing, http), 400, "invalid_grant")
            if name != "refresh_token":
                tok(live.refresh(thing, http), 400, "invalid_grant")
            if name != "access_token":
                tok(http.get("/userinfo", headers=bearer(thing)), 401, "invalid_token")
            if name != "session":
                cookie = {"cookie": f"eid_session={thing}"}
                answer = http.get("/authorize", params=live.request(prompt="none"), headers=cookie)
                assert response(answer)["error"] == "login_required"
    assert live.redeem(things["code"]).status_code == 200  # INTACT
    assert live.alive(tokens) == (True, True)


@pytest.mark.attack("D10")
@pytest.mark.attack("H18")
@pytest.mark.attack("F10")
def test_D10_H18_F10_with_a_revoked_card_ends_all_that_it_opened(live: Live) -> None:
    person = live.person()
    browser, other = live.card_login(person), live.signed_in(person)
    code, tokens = live.code(browser), live.redeem(live.code(browser)).json()
    assert live.alive(tokens) == (True, True)
    live.command("card", "revoke", f"serial-{person.number.digits[-9:]}")
    time.sleep(2)  # every process learns it within a second
    assert live.alive(tokens) == (False, False)
    for _ in range(8):  # whichever process answers
        tok(live.redeem(code), 400, "invalid_grant")
        tok(live.refresh(tokens["refresh_token"]), 400, "invalid_grant")
        no_session(live, browser)
    has_session(other)  # INTACT: what the citizen opened without the card


@pytest.mark.attack("D12")
def test_D12_a_code_is_taken_from_a_form_body_only(live: Live) -> None:
    code = live.code(live.signed_in())
    members = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": live.redirect_uri(),
    }
    auth = ("portal", SECRET)
    with live.http() as http:
        assert http.get("/token", params=members, auth=auth).status_code == 405
        tok(http.post("/token", params=members, auth=auth, headers=FORM), 400, "invalid_request")
        for kind in ("application/json", "text/plain", "multipart/form-data; boundary=x", ""):
            body = json.dumps(members)
            answer = http.post("/token", content=body, auth=auth, headers={"content-type": kind})
            assert answer.status_code == 415
    assert code not in live.log
    assert code.partition(".")[0] not in live.log
    assert live.redeem(code).status_code == 200


@pytest.mark.attack("D13")
def test_D13_a_code_sent_twice_is_not_redeemed(live: Live) -> None:
    code = live.code(live.signed_in())
    pairs = [("grant_type", "authorization_code"), ("redirect_uri", live.redirect_uri())]
    with live.http(auth=("portal", SECRET)) as http:
        for twice in ((code, code), (code, "x"), ("x", code)):
            body = encoded([*pairs, *(("code", each) for each in twice)])
            tok(http.post("/token", content=body, headers=FORM), 400, "invalid_request")
    assert live.redeem(code).status_code == 200


@pytest.mark.attack("D14")
@pytest.mark.attack("G08")
def test_D14_guessing_at_codes_is_slowed_down(live: Live) -> None:
    def guess(http: httpx.Client, number: int) -> list[httpx.Response]:
        return [
            live.redeem(f"{number:04}{n:04}".ljust(54, "A"), http, "guesser") for n in range(35)
        ]

    answers = [each for some in at_once(live, guess, callers=20) for each in some]
    assert {each.status_code for each in answers} == {400, 429}
    slowed = [each for each in answers if each.status_code == 429]
    assert len(slowed) >= 90
    assert all(int(each.headers["retry-after"]) > 0 for each in slowed)
    alive(live)


@pytest.mark.attack("D15")
def test_D15_codes_are_random_and_say_nothing(live: Live) -> None:
    browser = live.signed_in()
    codes = [live.code(browser) for _ in range(200)]
    assert len({each[:8] for each in codes}) == len({each[-8:] for each in codes}) == len(codes)
    alphabet = string.ascii_letters + string.digits + "-_"
    assert all(len(each) >= 43 and set(each) <= set(alphabet + ".") for each in codes)
    # 8 and 32 bytes fill 10 and 42 characters; of one more each only four bits are random.
    whole = "".join(each[:10] + each[11:53] for each in codes)
    counts = [whole.count(letter) for letter in alphabet]
    expected = sum(counts) / len(alphabet)
    chi_square = sum((count - expected) ** 2 / expected for count in counts)
    assert chi_square < 130  # 63 degrees of freedom: one run in a million is above


@pytest.mark.attack("D17")
def test_D17_the_answer_is_a_303_that_tells_no_page_its_code(live: Live) -> None:
    browser = live.browser()
    done = browser.log_in(browser.authorize(), live.person())
    assert done.status_code == 303
    assert done.headers["referrer-policy"] == "no-referrer"
    assert done.headers["cache-control"] == "no-store"
    assert response(done)["iss"] == live.issuer
    assert not done.content


@pytest.mark.attack("E01")
@pytest.mark.attack("E02")
@pytest.mark.attack("E05")
@pytest.mark.attack("E16")
def test_E01_E02_E05_E16_a_client_proves_itself_once_and_rightly(live: Live) -> None:
    token = {"token": "x", "grant_type": "refresh_token", "refresh_token": "x"}
    with live.http() as http:
        for path in ("/token", "/introspect", "/revoke"):
            tok(http.post(path, data=token), 401, "invalid_client")
            tok(http.post(path, data=token | {"client_id": "spoofed"}), 401, "invalid_client")
            for secret in ("x", "", SECRET + "%00", SECRET.upper(), "a" * 6_000):
                answer = http.post(path, data=token, headers=basic("spoofed", secret))
                tok(answer, 401, "invalid_client")
                assert answer.headers["www-authenticate"].startswith("Basic")
            both = token | {"client_id": "spoofed", "client_secret": SECRET}
            answer = http.post(path, data=both, headers=basic("spoofed", SECRET))
            tok(answer, 400, "invalid_request")
            other = token | {"client_id": "clinic"}
            tok(
                http.post(path, data=other, headers=basic("spoofed", SECRET)), 401, "invalid_client"
            )
        huge = http.post("/token", data=token, headers=basic("spoofed", "a" * (1 << 20)))
        assert huge.status_code in (400, 401, 431)


@pytest.mark.attack("E17")
@pytest.mark.attack("O03")
def test_E17_O03_no_forged_address_dodges_the_limit_and_none_locks_the_client_out(
    live: Live,
) -> None:
    forged = ("x-forwarded-for", "x-real-ip", "forwarded", "true-client-ip", "x_forwarded_for")

    def guess(http: httpx.Client, number: int) -> list[httpx.Response]:
        answers = []
        for n in range(15):
            spoof = dict.fromkeys(forged, f"10.{number}.{n}.1") | basic("brute", f"{number}-{n}")
            answers.append(http.post("/token", data={"grant_type": "x"}, headers=spoof))
        return answers

    before = time.monotonic()
    answers = [each for some in at_once(live, guess, callers=20) for each in some]
    assert {each.status_code for each in answers} == {401, 429}
    under_way = 2 * 8  # what every thread of every process was already checking
    assert sum(each.status_code == 401 for each in answers) <= 100 + under_way
    odd = ("evil.example", "a" * 8000, "::ffff:1.2.3.4, 5.6.7.8", "127.0.0.2")
    with live.http() as http:
        for each in odd:
            spoof = {"x-forwarded-for": each} | basic("brute", SECRET)
            answer = http.post("/token", data={"grant_type": "x"}, headers=spoof)
            assert answer.status_code in (400, 429)  # 400: its own process had not learned it yet
    assert time.monotonic() - before < 30
    with live.http("127.0.0.2") as elsewhere:  # the true client, from where it always comes
        answer = elsewhere.post("/token", data={"grant_type": "x"}, auth=("brute", SECRET))
        tok(answer, 400, "unsupported_grant_type")


@pytest.mark.attack("E18")
@pytest.mark.attack("O06")
def test_E18_O06_headers_that_only_a_proxy_may_set_prove_nothing(live: Live) -> None:
    certificate = base64.b64encode(live.authority.csca_der()).decode()
    headers = {
        **dict.fromkeys(("client-cert", "x-client-cert", "x-ssl-client-cert"), f":{certificate}:"),
        **dict.fromkeys(("x-forwarded-tls-client-cert", "ssl_client_cert"), certificate),
        **dict.fromkeys(("x-ssl-client-verify", "ssl-client-verify"), "SUCCESS"),
        **dict.fromkeys(("remote-user", "x_forwarded_user", "x-auth-user", "x-user"), "portal"),
        **dict.fromkeys(("x-forwarded-host", "x-forwarded-proto", "x-original-url"), "evil"),
    }
    with live.http(headers=headers) as http:
        form = {"grant_type": "authorization_code", "code": "x", "client_id": "spoofed"}
        tok(http.post("/token", data=form), 401, "invalid_client")
        answer = http.get("/authorize", params=live.request(prompt="none"))
        assert response(answer)["error"] == "login_required"
        assert http.get("/userinfo").status_code == 401


@pytest.mark.attack("F07")
@pytest.mark.attack("F13")
@pytest.mark.attack("H06")
def test_F07_F13_H06_another_client_gets_nothing_and_breaks_nothing(live: Live) -> None:
    tokens = live.redeem(live.code(live.signed_in())).json()
    clinic = ("clinic", SECRET)
    with live.http() as http:
        form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        tok(http.post("/token", data=form, auth=clinic), 400, "invalid_grant")
        for token in (tokens["refresh_token"], tokens["access_token"]):
            said = http.post("/introspect", data={"token": token}, auth=clinic)
            assert said.json() == {"active": False}
            assert http.post("/revoke", data={"token": token}, auth=clinic).status_code in (
                200,
                400,
            )
        tok(http.get("/userinfo", headers=bearer(tokens["refresh_token"])), 401, "invalid_token")
    assert live.alive(tokens) == (True, True)


@pytest.mark.attack("F11")
def test_F11_a_refresh_token_is_good_letter_by_letter_only(live: Live) -> None:
    tokens = live.redeem(live.code(live.signed_in())).json()
    token = tokens["refresh_token"]
    changed = [token[:-n] for n in range(1, 6)]
    changed += [token + "A", token.swapcase(), token[:-1] + ("A" if token[-1] != "A" else "B")]
    changed += [f"{token[:20]}{'x' if token[20] != 'x' else 'y'}{token[21:]}", f" {token}"]
    with live.http() as http:
        for each in changed:
            tok(live.refresh(each, http), 400, "invalid_grant")
    assert live.alive(tokens) == (True, True)


@pytest.mark.attack("H03")
def test_H03_an_access_token_comes_in_one_header(live: Live) -> None:
    token = live.redeem(live.code(live.signed_in())).json()["access_token"]
    with live.http() as http:
        assert http.get("/userinfo", params={"access_token": token}).status_code in (400, 401)
        assert http.get("/userinfo", headers={"authorization": f"Basic {token}"}).status_code == 401
        assert (
            http.get("/userinfo", headers={"authorization": f"bearer {token}"}).status_code == 200
        )
        both = http.post("/userinfo", headers=bearer(token), data={"access_token": token})
        assert both.status_code == 400
        twice = [("authorization", f"Bearer {token}"), ("authorization", "Bearer x")]
        for pair in (twice, twice[::-1]):
            assert http.get("/userinfo", headers=pair).status_code in (400, 401)


@pytest.mark.attack("H07")
@pytest.mark.parametrize("token", ["", "x", "A" * 54, "a.b.c", "🌾", "x" * 60_000, "\t"])
def test_H07_revoking_anything_is_no_error_of_ours(live: Live, token: str) -> None:
    for hint in ("access_token", "refresh_token", "nonsense"):
        answer = live.post("/revoke", {"token": token, "token_type_hint": hint})
        assert answer.status_code in (200, 400)


@pytest.mark.attack("H11")
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1"])
def test_H11_no_page_elsewhere_reads_an_answer(live: Live, origin: str) -> None:
    token = live.redeem(live.code(live.signed_in())).json()["access_token"]
    with live.http(headers={"origin": origin}) as http:
        for answer in (
            http.get("/userinfo", headers=bearer(token)),
            http.options("/userinfo", headers={"access-control-request-method": "GET"}),
            live.post("/token", {"grant_type": "x"}, http),
        ):
            assert answer.headers.get("access-control-allow-origin") not in (origin, "*")
            assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.attack("H15")
def test_H15_headers_of_megabytes_are_refused_at_once(live: Live) -> None:
    for size in (60_000, 1 << 20, 8 << 20):
        began = time.perf_counter()
        request = (
            b"GET /userinfo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer "
        )
        answer = raw(live, request + b"e" * size + b".e30.\r\n\r\n")
        assert answer.split(b" ", 2)[1] in (b"400", b"401", b"431")
        assert time.perf_counter() - began < 5
    claimed = (
        b"POST /token HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 500000000\r\n\r\n"
    )
    assert raw(live, claimed).split(b" ", 2)[1] in (b"401", b"413", b"415")
    alive(live)


@pytest.mark.attack("I08")
def test_I08_documents_are_kept_by_caches_and_cost_little(live: Live) -> None:
    with live.http() as http:
        for path in ("/jwks", "/.well-known/openid-configuration"):
            answer = http.get(path)
            assert "max-age=" in answer.headers["cache-control"]
            again = http.get(path, headers={"if-none-match": answer.headers["etag"]})
            assert again.status_code == 304
            assert not again.content
    loads = at_once(live, lambda http, _: [http.get("/jwks").status_code for _ in range(40)], 25)
    assert {status for some in loads for status in some} == {200}
    alive(live)


@pytest.mark.attack("I10")
def test_I10_no_key_leaves_its_directory(live: Live) -> None:
    """Neither answers nor logs nor a process's environment nor the stores hold a private key."""
    live.redeem(live.code(live.signed_in()))
    keys = live.directory / "keys"
    needles = [each.read_bytes() for each in keys.glob("*.secret")]
    needles += [each.read_bytes().splitlines()[1] for each in keys.glob("*.pem")]
    assert len(needles) >= 6
    assert min(map(len, needles)) >= 32
    places = [live.log.encode(), *(_environ(each) for each in live.workers())]
    places += [
        each.read_bytes()
        for each in live.directory.rglob("*")
        if each.is_file() and keys not in each.parents
    ]
    with live.http() as http:
        places += [http.get("/jwks").content, http.get("/.well-known/openid-configuration").content]
    for needle in needles:
        assert not any(needle in place for place in places)
    for each in keys.rglob("*"):
        assert each.stat().st_mode & 0o077 == 0, each.name


def _environ(process: int) -> bytes:
    return Path(f"/proc/{process}/environ").read_bytes()
