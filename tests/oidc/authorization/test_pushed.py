"""Pushed authorization requests, from the push to the code."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from werkzeug.test import Client as Http
from werkzeug.test import TestResponse

from idp.core.handles import Handle
from idp.oidc.authorization.pushed import MAX_KEPT, PREFIX, PUSHES
from idp.oidc.clients.profile import FAPI2_MESSAGE_SIGNING, FAPI2_SECURITY
from tests.oidc.front import CALLBACK, ISSUER, PORTAL, SECRET, Browser, Front, Page, answer, error

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636 appendix B
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


def send(front: Front, form: Any, auth: tuple[str, str] | None = ("portal", SECRET)) -> Any:
    return Http(front.app).post("/par", base_url=ISSUER, data=form, auth=auth)


def push(front: Front, **changes: str) -> str:
    """The reference to a request of the portal's that was taken."""
    response = send(front, front.request(**changes))
    assert response.status_code == 201, response.text
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    found = response.get_json()
    assert found["expires_in"] == 90
    reference: str = found["request_uri"]
    assert reference.startswith(PREFIX)
    return reference


def kept(front: Front) -> list[str]:
    """Where pushed requests are kept."""
    return [key for key in front.store.records if key.startswith("par:")]


def refused(response: TestResponse) -> tuple[int, str]:
    assert response.headers["Cache-Control"] == "no-store"
    found = response.get_json()
    assert set(found) <= {"error", "error_description", "reference"}
    return response.status_code, found["error"]


def visit(browser: Browser, reference: str, client_id: str = "portal", **more: str) -> TestResponse:
    return browser.get("/authorize", client_id=client_id, request_uri=reference, **more)


def page_error(response: TestResponse) -> str:
    assert response.status_code == 400
    assert "Location" not in response.headers
    return Page(response.text).ids["error-code"]


def test_a_pushed_request_ends_in_tokens(front: Front) -> None:
    browser, reference = front.browser(), push(front, scope="openid phone", state="kept")
    done = browser.log_in(visit(browser, reference))
    while "consent" in browser.at and done.status_code == 200:
        done = browser.submit(done, claims=list(Page(done.text).boxes), decision="allow")
    assert answer(done)["state"] == "kept"
    assert front.tokens(done)["scope"] == "openid phone"


@pytest.mark.attack("C10")
@pytest.mark.attack("G14")
def test_C10_G14_nothing_outside_a_pushed_request_counts(front: Front) -> None:
    reference = push(front, code_challenge=CHALLENGE, code_challenge_method="S256")
    outside = {
        "code_challenge": "x" * 43,
        "code_challenge_method": "plain",
        "dpop_jkt": "x" * 43,
        "redirect_uri": "https://evil.example/cb",
        "response_type": "token",
        "response_mode": "fragment",
        "scope": "openid email",
        "prompt": "none",
        "state": "outside",
        "nonce": "outside",
        "request": "e30.e30.",
    }
    browser = front.browser()
    done = browser.log_in(visit(browser, reference, **outside))
    assert done.headers["Location"].startswith(CALLBACK)
    assert answer(done)["state"] == "s"
    assert front.redeem(done).get_json()["error"] == "invalid_grant"
    browser = front.browser()
    reference = push(front, code_challenge=CHALLENGE, code_challenge_method="S256")
    done = browser.log_in(visit(browser, reference, **outside))
    assert front.tokens(done, code_verifier=VERIFIER)["scope"] == "openid"


@pytest.mark.attack("G03")
def test_G03_a_reference_is_good_until_a_login_was_answered(front: Front) -> None:
    reference, first, second = push(front), front.browser(), front.browser()
    opened = visit(first, reference)
    assert opened.status_code == visit(second, reference).status_code == 200
    assert visit(first, reference).status_code == 200  # a reload
    done = first.log_in(visit(first, reference))
    assert "code" in answer(done)
    assert page_error(visit(first, reference)) == "invalid_request_uri"
    assert page_error(visit(second, reference)) == "invalid_request_uri"


@pytest.mark.attack("G03")
def test_G03_of_two_logins_begun_with_one_reference_one_is_answered(front: Front) -> None:
    reference, first, second = push(front), front.browser(), front.browser()
    pages = [visit(each, reference) for each in (first, second)]
    assert "code" in answer(first.log_in(pages[0]))
    late = second.log_in(pages[1])
    assert late.status_code == 409
    assert "Location" not in late.headers


@pytest.mark.attack("G03")
def test_G03_a_silent_answer_uses_it_up_too(front: Front) -> None:
    browser, reference = front.signed_in(), push(front, prompt="none")
    assert "code" in answer(visit(browser, reference))
    assert page_error(visit(browser, reference)) == "invalid_request_uri"


def test_a_refusal_by_the_citizen_uses_it_up(front: Front) -> None:
    browser, reference = front.browser(), push(front)
    assert error(browser.submit(visit(browser, reference), action="cancel")) == "access_denied"
    assert page_error(visit(browser, reference)) == "invalid_request_uri"


def test_a_login_may_take_longer_than_its_reference_lives(front: Front) -> None:
    browser, reference = front.browser(), push(front)
    opened = visit(browser, reference)
    front.clock.advance(200)
    assert "code" in answer(browser.log_in(opened))


def test_reload_and_the_language_switch_need_no_reference(front: Front) -> None:
    browser, reference = front.browser(), push(front)
    opened = visit(browser, reference)
    assert browser.at.startswith("/login/")  # what the browser's address bar shows
    front.clock.advance(200)
    assert browser.get(browser.at).text == opened.text
    assert f'href="{browser.at}?lang=en"' in opened.text
    english = browser.get(f"{browser.at}?lang=en")
    assert english.status_code == 200
    assert 'lang="en"' in english.text
    assert "code" in answer(browser.log_in(english))


@pytest.mark.attack("G05")
def test_G05_a_reference_lives_90_seconds(front: Front) -> None:
    reference = push(front)
    front.clock.advance(89)
    assert visit(front.browser(), reference).status_code == 200
    front.clock.advance(2)
    assert page_error(visit(front.browser(), reference)) == "invalid_request_uri"
    assert front.events()[-1]["reason"] == "unknown_request_uri"


def test_a_reference_is_its_clients_alone(front: Front) -> None:
    reference = push(front)
    elsewhere = visit(front.browser(), reference, "clinic")
    assert page_error(elsewhere) == "invalid_request_uri"
    unknown = visit(front.browser(), PREFIX + str(Handle.new()), "clinic")
    assert Page(unknown.text).ids["error-code"] == "invalid_request_uri"
    reasons = [each["reason"] for each in front.events()[-2:]]
    assert reasons == ["foreign_request_uri", "unknown_request_uri"]
    assert visit(front.browser(), reference).status_code == 200


def test_by_post_as_by_get(front: Front) -> None:
    browser, reference = front.browser(), push(front)
    opened = browser.post("/authorize", {"client_id": "portal", "request_uri": reference})
    assert "code" in answer(browser.log_in(opened))


@pytest.mark.attack("G06")
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"request_uri": "urn:x"}, "invalid_request"),
        ({"redirect_uri": ""}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/cb"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "openid email"}, "invalid_scope"),
        ({"prompt": "unknown"}, "invalid_request"),
        ({"code_challenge": CHALLENGE}, "invalid_request"),
        ({"id_token_hint": "e30.e30."}, "invalid_request"),
        ({"state": "s" * 5_000}, "invalid_request"),
    ],
)
def test_G06_what_would_be_refused_later_is_refused_now(
    front: Front, changes: dict[str, str], expected: str
) -> None:
    assert refused(send(front, front.request(**changes))) == (400, expected)
    recorded = front.events()[-1]
    assert (recorded["event"], recorded["error"]) == ("PushRefused", expected)
    assert recorded["client_id"] == "portal"


@pytest.mark.attack("G06")
def test_G06_only_an_authenticated_form_is_taken(front: Front) -> None:
    form = front.request()
    assert refused(send(front, form, auth=None)) == (401, "invalid_client")
    assert refused(send(front, form, auth=("portal", "wrong"))) == (401, "invalid_client")
    assert refused(send(front, {**form, "client_id": "clinic"})) == (401, "invalid_client")
    twice = [*form.items(), ("state", "other")]
    http = Http(front.app)
    sent = http.post(
        "/par",
        base_url=ISSUER,
        data=urlencode(twice),
        auth=("portal", SECRET),
        content_type="application/x-www-form-urlencoded",
    )
    assert refused(sent) == (400, "invalid_request")
    assert http.get("/par", base_url=ISSUER).status_code == 405
    assert http.post("/par", base_url=ISSUER, json=form, auth=("portal", SECRET)).status_code == 415


def test_the_client_need_not_repeat_its_name(front: Front) -> None:
    response = send(front, front.request(client_id=""))
    assert response.status_code == 201
    assert visit(front.browser(), response.get_json()["request_uri"]).status_code == 200


def test_no_credential_and_no_secret_is_kept(front: Front) -> None:
    front.change(replace(PORTAL, token_endpoint_auth_method="client_secret_post"))
    sent = send(front, {**front.request(), "client_secret": SECRET}, auth=None)
    handle = Handle.parse(sent.get_json()["request_uri"].removeprefix(PREFIX))
    assert handle
    (key,) = kept(front)
    stored = repr((key, front.store.get(key)))
    assert CALLBACK in stored
    assert SECRET not in stored
    assert handle.secret not in stored


def test_what_is_too_large_is_not_kept(front: Front) -> None:
    assert send(front, front.request(unheard_of="x" * MAX_KEPT)).status_code == 413


@pytest.mark.attack("G13")
def test_G13_a_client_that_floods_is_slowed_down_alone(front: Front) -> None:
    front.change(replace(PORTAL, scope=("openid",)))
    front.store.run(*(PUSHES.hit("portal") for _ in range(PUSHES.maximum - 1)))
    reference = push(front)
    flood = [send(front, front.request()) for _ in range(20)]
    assert {refused(each) for each in flood} == {(429, "temporarily_unavailable")}
    assert all(each.headers["Retry-After"] == str(PUSHES.window) for each in flood)
    assert len(kept(front)) == 1
    assert visit(front.browser(), reference).status_code == 200
    front.clock.advance(PUSHES.window + 1)
    push(front)


@pytest.mark.attack("G08")
def test_G08_references_cannot_be_guessed(front: Front) -> None:
    taken = [push(front).removeprefix(PREFIX) for _ in range(50)]
    handles = [Handle.parse(each) for each in taken]
    secrets = {each.secret for each in handles if each}
    assert len(secrets) == len({each.flow for each in handles if each}) == 50
    assert all(len(each) == 43 for each in secrets)  # 256 bits
    known = handles[0]
    assert known
    for guess in (taken[0][:-1], taken[0] + "A", str(Handle.new(known.flow)), "", "x" * 54):
        response = visit(front.browser(), PREFIX + guess)
        assert page_error(response) == "invalid_request_uri"


@pytest.mark.parametrize(
    "change",
    [
        {"profile": FAPI2_SECURITY},
        {"profile": FAPI2_MESSAGE_SIGNING},
        {"require_pushed_authorization_requests": True},
    ],
)
def test_some_clients_must_push(front: Front, change: dict[str, Any]) -> None:
    front.change(replace(PORTAL, **change))
    assert error(front.authorize(front.browser())) == "invalid_request"


def test_a_client_that_must_push_is_served_when_it_does(front: Front) -> None:
    front.change(replace(PORTAL, require_pushed_authorization_requests=True))
    browser = front.browser()
    assert "code" in answer(browser.log_in(visit(browser, push(front))))


def test_it_is_in_the_metadata(front: Front) -> None:
    found = Http(front.app).get("/.well-known/openid-configuration", base_url=ISSUER).get_json()
    assert found["pushed_authorization_request_endpoint"] == f"{ISSUER}/par"
    assert found["require_pushed_authorization_requests"] is False


@pytest.mark.parametrize(
    "odd",
    [
        CALLBACK + "/",
        CALLBACK.upper(),
        CALLBACK.replace(".vn/", ".vn:443/"),
        CALLBACK.replace("https", "http"),
        CALLBACK + "?x=1",
        CALLBACK + "#x",
        CALLBACK + "/../evil",
        CALLBACK.replace("portal.", "portal.example.vn@evil."),
        "https://evil.example\\@portal.example.vn/cb",
        "javascript:alert(1)//",
        " " + CALLBACK,
        "https://[::",
        "https://clinic.example.vn/cb",
    ],
)
def test_addresses_are_judged_when_pushed_as_anywhere(front: Front, odd: str) -> None:
    assert refused(send(front, front.request(redirect_uri=odd))) == (400, "invalid_request")
    assert kept(front) == []
