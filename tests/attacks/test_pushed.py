"""Group G over HTTP: pushed requests, request objects, and C10 with them."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from idp.core.handles import Handle, b64url
from idp.oidc.authorization.pushed import PREFIX, PUSHES
from tests.attacks.live import SECRET, Browser, Live, response
from tests.attacks.oracles import alive, errpage, has_session, protected, redir, tok

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
"""RFC 7636 appendix B."""


def push(live: Live, client_id: str = "portal", **changes: str) -> str:
    """The reference to a request that was taken."""
    answer = live.post("/par", live.request(client_id, **changes), client_id=client_id)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["expires_in"] == 90
    reference: str = answer.json()["request_uri"]
    return reference


def visit(
    browser: Browser, reference: str, client_id: str = "portal", **more: str
) -> httpx.Response:
    params = {"client_id": client_id, "request_uri": reference, **more}
    return browser.send("GET", "/authorize", params=params)


@pytest.mark.attack("C10")
@pytest.mark.attack("G14")
def test_C10_G14_what_was_pushed_cannot_be_overridden(live: Live) -> None:
    browser = live.signed_in()
    pushed = {"code_challenge": CHALLENGE, "code_challenge_method": "S256", "state": "pushed"}
    outside = {
        "code_challenge": "x" * 43,
        "code_challenge_method": "plain",
        "dpop_jkt": "x" * 43,
        "redirect_uri": "https://evil.example/cb",
        "state": "outside",
        "nonce": "outside",
        "response_type": "token",
        "prompt": "none",
    }
    done = visit(browser, push(live, **pushed), **outside)
    assert done.headers["location"].startswith(live.redirect_uri())
    assert response(done)["state"] == "pushed"
    code = response(done)["code"]
    wrong = live.redeem(code, code_verifier="x" * 43)
    tok(wrong, 400, "invalid_grant")
    done = visit(browser, push(live, **pushed), **outside)
    assert live.redeem(response(done)["code"], code_verifier=VERIFIER).status_code == 200


@pytest.mark.attack("G03")
def test_G03_once_answered_a_reference_is_nobodys(live: Live) -> None:
    browser, reference = live.signed_in(), push(live)
    assert "code" in response(visit(browser, reference))
    for again in (browser, live.browser()):
        errpage(live, visit(again, reference), reference)
    fresh, reference = live.browser(), push(live)
    for _ in range(2):  # a reload before the login
        assert visit(fresh, reference).status_code == 200
    assert "code" in response(fresh.log_in(visit(fresh, reference), live.person()))


@pytest.mark.attack("G03")
def test_G03_of_answers_at_the_same_moment_there_is_one(live: Live) -> None:
    browsers, reference = [live.signed_in() for _ in range(6)], push(live)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda each: visit(each, reference), browsers))
    codes = [each for each in found if "code=" in each.headers.get("location", "")]
    assert len(codes) == 1
    assert all(each.status_code < 500 for each in found)
    assert live.redeem(response(codes[0])["code"]).status_code == 200


@pytest.mark.attack("G05")
def test_G05_references_are_short_lived(live: Live) -> None:
    reference = push(live)
    handle = Handle.parse(reference.removeprefix(PREFIX))
    assert handle
    assert live.transient.delete(handle.key("par"))  # as its time would have it
    errpage(live, visit(live.browser(), reference), reference)


@pytest.mark.attack("G06")
def test_G06_only_an_authenticated_whole_form_is_pushed(live: Live) -> None:
    form = live.request()
    with live.http() as http:
        tok(http.post("/par", data=form), 401, "invalid_client")
        tok(http.post("/par", data=form, auth=("portal", "wrong")), 401, "invalid_client")
        for changes in (
            {"request_uri": push(live)},
            {"redirect_uri": ""},
            {"redirect_uri": "https://evil.example/cb"},
            {"redirect_uri": live.redirect_uri("clinic")},
            {"state": "x" * 5_000},
        ):
            tok(live.post("/par", live.request(**changes), http), 400, "invalid_request")
        twice = {**form, "state": ["a", "b"]}
        tok(http.post("/par", data=twice, auth=("portal", SECRET)), 400, "invalid_request")
        in_query = http.post("/par", params=form, data=form, auth=("portal", SECRET))
        tok(in_query, 400, "invalid_request")
        assert http.get("/par", params=form).status_code == 405
        assert http.post("/par", json=form, auth=("portal", SECRET)).status_code == 415
        assert http.post("/par", content=b"x" * 70_000).status_code == 413


@pytest.mark.attack("G08")
def test_G08_guessing_references(live: Live) -> None:
    references = [push(live) for _ in range(20)]
    assert len({each[:60] for each in references}) == 20
    known = Handle.parse(references[0].removeprefix(PREFIX))
    assert known
    browser = live.browser()
    guesses = [str(Handle.new(known.flow)) for _ in range(200)]
    guesses += [known.flow, "", "*", "x" * 54, references[0].removeprefix(PREFIX)[:-1]]
    for each in guesses:
        answer = visit(browser, PREFIX + each)
        assert answer.status_code == 400
        assert "invalid_request_uri" in answer.text
    errpage(live, answer)
    assert visit(browser, references[0]).status_code == 200


@pytest.mark.attack("G03")
def test_another_clients_reference_is_like_none(live: Live) -> None:
    browser, reference = live.signed_in(), push(live)
    foreign, unknown = (
        visit(browser, each, "clinic") for each in (reference, PREFIX + str(Handle.new()))
    )
    for each in (foreign, unknown):
        errpage(live, each)
    assert foreign.status_code == unknown.status_code
    assert "code" in response(visit(browser, reference))  # INTACT


@pytest.mark.attack("G10")
def test_G10_an_object_counts_and_not_what_stands_beside_it(live: Live) -> None:
    browser = live.signed_in()
    header = b64url(json.dumps({"alg": "none"}).encode())
    inside = b64url(json.dumps(live.request(state="inside", scope="openid")).encode())
    outside = live.request(
        state="outside", scope="openid email", redirect_uri="https://evil.example/cb"
    )
    params = {**outside, "request": f"{header}.{inside}."}
    done = browser.send("GET", "/authorize", params=params)
    assert done.headers["location"].startswith(live.redirect_uri())
    assert response(done)["state"] == "inside"
    assert live.redeem(response(done)["code"]).json()["scope"] == "openid"


@pytest.mark.attack("G11")
def test_G11_objects_within_objects(live: Live) -> None:
    browser, header = live.browser(), b64url(json.dumps({"alg": "none"}).encode())
    for members in (
        {"request": "e30.e30."},
        {"request_uri": push(live)},
        {"request_uri": "http://x"},
    ):
        inside = b64url(json.dumps({**live.request(), **members}).encode())
        params = {**live.request(state="s"), "request": f"{header}.{inside}."}
        answer = browser.send("GET", "/authorize", params=params)
        redir(live, answer, "invalid_request_object", "s")


@pytest.mark.attack("G12")
def test_G12_encrypted_objects_that_would_cost_something(live: Live) -> None:
    def object_with(**header: object) -> str:
        named = b64url(json.dumps(header).encode())
        return f"{named}.{'A' * 512}.{'A' * 16}.{'A' * 8_000}.{'A' * 22}"

    recipients = [{"header": {"alg": "RSA-OAEP-256"}, "encrypted_key": "A" * 8}] * 100
    objects = (
        object_with(alg="PBES2-HS256+A128KW", enc="A128GCM", p2c=2**31, p2s="AAAA"),
        object_with(alg="RSA-OAEP-256", enc="A128GCM", zip="DEF"),
        object_with(alg="RSA1_5", enc="A128GCM"),
        object_with(alg="dir", enc="A128GCM"),
        object_with(alg="RSA-OAEP-256", enc="A128GCM"),
        object_with(alg="ECDH-ES", enc="A128GCM", epk={"kty": "EC", "crv": "P-521"}),
        json.dumps({"protected": "e30", "recipients": recipients, "ciphertext": "A"}),
    )
    with live.http() as http:
        for each in objects:
            started = time.monotonic()
            answer = live.post("/par", {"client_id": "portal", "request": each}, http)
            took = time.monotonic() - started
            tok(answer, 400, "invalid_request_object")
            assert took < 5, each[:60]  # as long as any other request on a busy machine
            protected(answer)
    alive(live)


@pytest.mark.attack("G13")
def test_G13_a_flood_of_one_client_is_its_own(live: Live) -> None:
    victim = live.signed_in()
    live.transient.run(*(PUSHES.hit("guesser") for _ in range(PUSHES.maximum - 3)))
    with live.http() as http:
        found = [live.post("/par", live.request("guesser"), http, "guesser") for _ in range(30)]
    taken = [each for each in found if each.status_code == 201]
    assert len(taken) == 3
    for each in found:
        if each.status_code != 201:
            tok(each, 429, "temporarily_unavailable")
            assert int(each.headers["retry-after"]) > 0
    assert "code" in response(visit(victim, push(live)))  # B is unaffected
    has_session(victim)
