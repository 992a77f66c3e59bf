"""Groups B, C, G and J over HTTP: what is asked of the provider, and from where."""

import time
from dataclasses import replace
from html import unescape
from urllib.parse import parse_qsl

import httpx
import jwt
import pytest

from idp.core.clock import system_clock
from idp.oidc.clients.model import ClientStatus
from idp.oidc.clients.repository import Clients
from tests.attacks.live import EVIL, Live, action, encoded, hidden, response
from tests.attacks.oracles import alive, errpage, has_session, no_session, protected, redir

POLYGLOT = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}${7*7}%0d%0aX: y"


@pytest.mark.attack("B01")
def test_B01_an_unknown_and_a_disabled_client_are_told_alike(live: Live) -> None:
    register = Clients(live.database, system_clock)
    closed = register.get("closed")
    assert closed
    with live.http(headers={"accept": "text/html"}) as http:
        params = live.request("closed")
        assert http.get("/authorize", params=params).status_code == 200
        register.update(replace(closed, status=ClientStatus.DISABLED))
        deadline = time.monotonic() + 10
        while (told := http.get("/authorize", params=params)).status_code == 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        unknown = http.get("/authorize", params={**params, "client_id": "nobody-at-all"})
        for each in (told, unknown):
            errpage(live, each)
        assert _without_reference(told) == _without_reference(unknown)
        for odd in ("x" * 20_000, "a\0b", "' OR 1=1--"):
            errpage(live, http.get("/authorize", params={**params, "client_id": odd}))


def _without_reference(page: httpx.Response) -> tuple[int, str]:
    head, _, rest = page.text.partition('id="reference"')
    return page.status_code, head + rest.partition("</")[2]


@pytest.mark.attack("B02")
@pytest.mark.parametrize(
    "response_type",
    ["token", "id_token", "code token", "code id_token", "id_token token", "none", "x", ""],
)
def test_B02_who_is_registered_for_the_code_gets_nothing_else(
    live: Live, response_type: str
) -> None:
    browser = live.signed_in()
    for mode in ("", "form_post.jwt"):  # the form is not needed to see that nothing is given
        answer = browser.authorize(response_type=response_type, response_mode=mode, state="s")
        assert "access_token" not in answer.text
        assert "id_token" not in answer.text
    answer = browser.authorize(response_type=response_type, state="s")
    redir(live, answer, "unsupported_response_type", "s")


@pytest.mark.attack("B02")
def test_B02_no_response_type_twice(live: Live) -> None:
    pairs = [*live.request("every", state="s").items(), ("response_type", "id_token")]
    answer = live.signed_in().send("GET", f"/authorize?{encoded(pairs)}")
    assert answer.headers["location"].startswith(f"{live.redirect_uri('every')}?")
    assert response(answer)["error"] == "invalid_request"


@pytest.mark.attack("B03")
@pytest.mark.parametrize("mode", ["fragment", "fragment.jwt", "web_message", "x", "query query"])
def test_B03_a_code_is_never_in_a_fragment_unless_registered(live: Live, mode: str) -> None:
    answer = live.signed_in().authorize(response_mode=mode, state=POLYGLOT)
    redir(live, answer, "invalid_request", POLYGLOT)


@pytest.mark.attack("B03")
@pytest.mark.parametrize("mode", ["query", "query.jwt"])
@pytest.mark.parametrize("response_type", ["id_token", "code token", "code id_token token"])
def test_B03_tokens_are_never_in_a_query(live: Live, response_type: str, mode: str) -> None:
    answer = live.signed_in().authorize("every", response_type=response_type, response_mode=mode)
    location, _, members = answer.headers["location"].partition("#")
    assert location == live.redirect_uri("every")
    assert dict(parse_qsl(members))["error"] == "invalid_request"
    assert "token=" not in members


@pytest.mark.attack("B03")
@pytest.mark.attack("J18")
@pytest.mark.parametrize("mode", ["form_post", "form_post.jwt"])
@pytest.mark.parametrize("asked", [{"prompt": "none"}, {"prompt": "nonsense"}])
def test_B03_J18_a_form_leads_to_the_registered_origin_alone(
    live: Live, mode: str, asked: dict[str, str]
) -> None:
    answer = live.signed_in().authorize(response_mode=mode, state=POLYGLOT, **asked)
    assert answer.status_code == 200
    protected(answer)
    assert action(answer) == live.redirect_uri()
    assert "<script>" not in answer.text
    assert POLYGLOT not in answer.text
    fields = {name: unescape(value) for name, value in hidden(answer).items()}
    if mode == "form_post":
        assert fields["state"] == POLYGLOT
    else:
        assert fields.keys() == {"response"}
    policy = answer.headers["content-security-policy"]
    assert "form-action https://portal.example.vn;" in policy
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.attack("B03")
@pytest.mark.parametrize("mode", ["jwt", "query.jwt"])
def test_B03_a_signed_answer_is_for_its_client_for_a_minute(live: Live, mode: str) -> None:
    """RS256 where the client names no algorithm (JARM §3), read by PyJWT."""
    answer = live.signed_in().authorize(response_mode=mode, state="s")
    members = response(answer)
    assert members.keys() == {"response"}
    with live.http() as http:
        keys = jwt.PyJWKSet.from_dict(http.get("/jwks").json())
    header = jwt.get_unverified_header(members["response"])
    claims = jwt.decode(
        members["response"],
        keys[header["kid"]],
        algorithms=["RS256"],
        audience="portal",
        issuer=live.issuer,
        options={"require": ["exp", "iss", "aud"]},
    )
    assert (claims["state"], "code" in claims) == ("s", True)
    assert claims["exp"] <= system_clock() + 60


@pytest.mark.attack("R07")
@pytest.mark.parametrize("response_type", ["id_token token", "code token", "code id_token token"])
def test_R07_a_bound_client_gets_no_token_in_the_front_channel(
    live: Live, response_type: str
) -> None:
    answer = live.signed_in().authorize("bound", response_type=response_type, state="s")
    location, _, members = answer.headers["location"].partition("#")
    assert location == live.redirect_uri("bound")
    told = dict(parse_qsl(members))
    assert (told["error"], told["state"]) == ("unauthorized_client", "s")
    assert "token=" not in members


@pytest.mark.attack("B07")
@pytest.mark.parametrize(
    "state", [POLYGLOT, "a\r\nSet-Cookie: x=y", "🌾" * 300, "x" * 4096, "a b+c%20d&e=f#g"]
)
def test_B07_the_state_comes_back_as_it_went(live: Live, state: str) -> None:
    browser = live.browser()
    page = browser.authorize(state=state)
    assert "<script>alert" not in page.text
    done = browser.log_in(page, live.person())
    assert response(done)["state"] == state
    assert "set-cookie" not in done.headers or "x=y" not in done.headers["set-cookie"]


@pytest.mark.attack("B18")
@pytest.mark.parametrize("method", ["HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "EVIL"])
def test_B18_only_get_and_post_authorize(live: Live, method: str) -> None:
    browser = live.signed_in()
    answer = browser.http.request(method, "/authorize", params=live.request())
    assert answer.status_code == 405
    assert "location" not in answer.headers
    has_session(browser)


@pytest.mark.attack("J04")
@pytest.mark.attack("J07")
def test_J04_J07_forms_of_another_login_or_browser_do_nothing(live: Live) -> None:
    mine, stranger, person = live.browser(), live.browser(), live.person()
    asked, code = mine.ask_code(mine.authorize(), person)
    other = mine.authorize("clinic")  # a second login of the same browser
    form = {"otp": code, "action": "verify"}
    for token in ("", "x" * 43, hidden(other)["csrf_token"]):
        answer = mine.http.post(action(asked), data={**form, "csrf_token": token})
        assert answer.status_code == 403
        protected(answer)
    stolen = stranger.http.post(action(asked), data={**hidden(asked), **form})
    assert stolen.status_code == 400
    stranger.authorize()
    stolen = stranger.http.post(action(asked), data={**hidden(asked), **form})
    assert stolen.status_code in (400, 403)
    no_session(live, stranger)
    done = mine.submit(asked, **form)
    assert "code" in response(done)  # INTACT: the citizen's own login goes on


@pytest.mark.attack("J07")
def test_J07_the_end_of_a_login_cannot_be_called_before_its_steps(live: Live) -> None:
    browser, person = live.browser(), live.person()
    first = browser.authorize()
    ticket = action(first).rpartition("/")[2]
    for path in (
        f"/authorize/resume?t={ticket}",
        f"/consent/{ticket}",
        f"/login/{ticket}/continue",
    ):
        answer = browser.send("GET", path)
        assert "code=" not in answer.headers.get("location", "")
        assert answer.status_code < 500
    passcode = browser.http.get(f"/login/{ticket}/passcode")
    assert "code=" not in passcode.headers.get("location", "")
    no_session(live, browser)
    assert "code" in response(browser.log_in(first, person))


@pytest.mark.attack("J09")
@pytest.mark.attack("A23")
def test_J09_A23_two_logins_of_one_browser_answer_each_its_own_client(live: Live) -> None:
    browser, person = live.browser(), live.person()
    one = browser.authorize("portal", state="one")
    two = browser.authorize("clinic", state="two")
    asked_two, code_two = browser.ask_code(two, person)
    asked_one, code_one = browser.ask_code(one, person)
    done_two = browser.submit(asked_two, otp=code_two, action="verify")
    done_one = browser.submit(asked_one, otp=code_one, action="verify")
    for done, client_id, state in ((done_one, "portal", "one"), (done_two, "clinic", "two")):
        assert done.headers["location"].startswith(live.redirect_uri(client_id))
        members = response(done)
        assert members["state"] == state
        other = "clinic" if client_id == "portal" else "portal"
        assert live.redeem(members["code"], client_id=other).status_code == 400
        assert live.redeem(members["code"], client_id=client_id).status_code == 200


@pytest.mark.attack("J13")
def test_J13_tossed_cookies_log_nobody_in_as_another(live: Live) -> None:
    victim, attacker = live.signed_in(), live.signed_in()
    one, two = (f"eid_session={each.http.cookies['eid_session']}" for each in (victim, attacker))
    tossed = ["; ".join(pair) for pair in ((one, two), (two, one), [one] * 100, [two, one] * 100)]
    odd = ["eid_session=" + "x" * 8192, "; ".join(f"c{n}=1" for n in range(200)), "=;;=,"]
    with live.http() as http:
        for each in tossed + odd:
            cookies = {"cookie": each}
            answer = http.get("/authorize", params=live.request(prompt="none"), headers=cookies)
            redir(live, answer, "login_required")
    has_session(victim)


@pytest.mark.attack("J17")
def test_J17_no_parameter_of_any_endpoint_comes_back_unescaped(live: Live) -> None:
    names = [
        *("client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "prompt"),
        *("max_age", "ui_locales", "claims_locales", "login_hint", "acr_values", "claims", "lang"),
        *("id_token_hint", "code_challenge", "code_challenge_method", "display", "error"),
        *("error_description", "error_hint", "post_logout_redirect_uri", "t", "code"),
    ]
    with live.http(headers={"accept": "text/html"}) as http:
        pages = [
            *(http.get("/authorize", params=live.request() | {each: POLYGLOT}) for each in names),
            *(http.get("/logout", params={each: POLYGLOT}) for each in names),
            *(
                http.get(path, params={"t": POLYGLOT})
                for path in ("/authorize/resume", "/userinfo")
            ),
            http.get("/" + POLYGLOT.replace("%", "")),
            http.get("/login/" + POLYGLOT.replace("%", "").replace("/", "")),
            http.get("/authorize", params=live.request(), headers={"accept-language": POLYGLOT}),
        ]
        for page in pages:
            protected(page)
            assert "<script>alert" not in page.text
            assert "<img src=x" not in page.text
            if page.headers.get("content-type", "").startswith("application/"):
                assert page.headers["x-content-type-options"] == "nosniff"


@pytest.mark.attack("J21")
def test_J21_a_cross_site_get_changes_nothing(live: Live) -> None:
    browser = live.signed_in()
    tokens = live.redeem(live.code(browser)).json()
    with live.http() as http:
        metadata = http.get("/.well-known/openid-configuration").json()
    endpoints = sorted(
        value.removeprefix(live.issuer)
        for name, value in metadata.items()
        if name.endswith("_endpoint")
    )
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "referer": EVIL}
    for path in (*endpoints, "/card", "/card/launch", "/login/x", "/consent/x?decision=allow"):
        assert browser.http.get(path, headers=headers).status_code < 500
    browser.http.get("/logout", params={"decision": "logout"}, headers=headers)
    has_session(browser)
    assert live.alive(tokens) == (True, True)


@pytest.mark.attack("B15")
@pytest.mark.attack("P08")
@pytest.mark.slow
def test_B15_P08_unheard_of_values_are_not_kept(live: Live) -> None:
    def flood(http: httpx.Client, start: int, count: int) -> None:
        for n in range(start, start + count):
            odd = f"{n}-x"
            params = {"client_id": odd, "ui_locales": odd, "acr_values": odd, "claims_locales": odd}
            headers = {"user-agent": odd, "accept-language": odd, "authorization": f"Bearer {odd}"}
            http.get("/authorize", params=params | {"scope": odd, "lang": odd}, headers=headers)

    with live.http() as http:
        flood(http, 0, 300)  # what is kept once is not what is asked here
        before = live.rss()
        flood(http, 1_000, 1_500)
        assert live.rss() - before < 20 << 20
    alive(live)
