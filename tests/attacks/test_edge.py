"""Groups O and P over HTTP: the wire, the paths, and what wears a server out."""

import json
import os
import random
import resource
import socket
import string
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from urllib.parse import quote

import pytest
import redis

from idp.oidc.tokens.subject import KNOWN_TTL
from tests.attacks.live import EVIL, POLYGLOTS, Live, at_once, basic, encoded, quickest, raw
from tests.attacks.oracles import alive, protected

FORM = {"content-type": "application/x-www-form-urlencoded"}
SECOND = b"GET /jwks HTTP/1.1\r\nHost: x\r\nX-Second: 1\r\n\r\n"
POST = b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"


@pytest.mark.attack("O04")
def test_O04_nothing_said_in_a_header_gets_into_a_document(live: Live) -> None:
    odd = {
        **dict.fromkeys(("x-forwarded-host", "x-host", "x-forwarded-server", "host"), EVIL),
        **{"x-forwarded-proto": "gopher", "x-forwarded-port": "1", "forwarded": f"host={EVIL}"},
        **dict.fromkeys(("x-original-url", "x-rewrite-url", "x-forwarded-prefix"), f"/{EVIL}"),
    }
    with live.http() as http:
        for path in ("/.well-known/openid-configuration", "/jwks"):
            plain, poisoned = http.get(path), http.get(path, headers=odd)
            assert plain.content == poisoned.content
            assert EVIL not in str(poisoned.headers)
        page = http.get("/authorize", params=live.request(), headers=odd)
        assert EVIL not in page.text + str(page.headers)


@pytest.mark.attack("O04")
@pytest.mark.parametrize("tail", ["/x.css", ";.js", "%0a", "/.css", "?x.css", "%3f.css", "/..%2fx"])
def test_O04_a_personal_answer_is_never_a_cached_file(live: Live, tail: str) -> None:
    token = live.redeem(live.code(live.signed_in())).json()["access_token"]
    with live.http() as http:
        answer = http.get("/userinfo" + tail, headers={"authorization": f"Bearer {token}"})
    assert answer.headers["cache-control"] == "no-store"
    assert answer.status_code == 404 or tail.startswith("?")


@pytest.mark.attack("O05")
@pytest.mark.parametrize(
    "request_",
    [
        POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SECOND,
        POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n" + SECOND,
        POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + SECOND,
        POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + SECOND,
        POST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd" + SECOND,
        POST + b"Content-Length: +4\r\n\r\nabcd" + SECOND,
        POST + b"Content-Length: 4, 4\r\nX: y\r\n\r\nabcd" + SECOND,
        POST + b"Content-Length: -1\r\n\r\n" + SECOND,
        b"GET /jwks HTTP/1.1\r\nHost: x\r\nX: y\r\n folded\r\n\r\n" + SECOND,
        b"GET /jwks\r\n\r\n" + SECOND,
        b"GET /jwks HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n" + SECOND,
    ],
)
def test_O05_an_ambiguous_message_is_refused_and_ends_the_connection(
    live: Live, request_: bytes
) -> None:
    answers = raw(live, request_)
    assert answers.count(b"HTTP/1.1 ") == 1  # what follows it is not taken for a request
    assert answers.split(b" ", 2)[1] in (b"400", b"411"), answers


@pytest.mark.attack("O05")
def test_O05_a_length_beside_chunks_is_ignored_and_the_connection_ends(live: Live) -> None:
    """RFC 9112 §6.1: by Transfer-Encoding alone or refused, and the connection is closed."""
    both = b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    answers = raw(live, POST + both + SECOND)
    assert answers.count(b"HTTP/1.1 ") == 1
    assert answers.split(b" ", 2)[1] in (b"400", b"401")


@pytest.mark.attack("O05")
def test_O05_a_body_in_chunks_is_read_not_taken_for_an_empty_one(live: Live) -> None:
    body = b"15\r\ngrant_type=x&grant_ty\r\n5\r\npe=bc\r\n0\r\n\r\n"
    answers = raw(live, POST + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
    assert answers.split(b" ", 2)[1] == b"400"
    assert b"grant_type" in answers  # sent twice, and read


@pytest.mark.attack("O05")
def test_O05_pipelined_requests_of_two_users_are_answered_apart(live: Live) -> None:
    one = live.signed_in()
    session = one.http.cookies["eid_session"].encode()
    ask = b"GET /authorize?" + encoded(list(live.request(prompt="none").items())).encode()
    first = ask + b" HTTP/1.1\r\nHost: x\r\nCookie: eid_session=" + session + b"\r\n\r\n"
    second = ask + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answers = raw(live, first + second).split(b"HTTP/1.1 303")
    assert len(answers) == 3
    assert b"code=" in answers[1]
    assert b"error=login_required" in answers[2]
    assert b"code=" not in answers[2]


@pytest.mark.attack("O08")
def test_O08_nothing_for_operators_is_public(live: Live) -> None:
    paths = (
        *("/metrics", "/healthz", "/readyz", "/health", "/health/live", "/health/ready"),
        *("/admin", "/debug", "/console", "/.env", "/.git/config", "/server-status", "/actuator"),
        *("/static/", "/static/../idp.db", "/var/idp.db", "/swagger.json"),
    )
    with live.http() as http:
        for path in paths:
            answer = http.get(path)
            assert answer.status_code == 404, path
            protected(answer)
            assert str(live.directory) not in answer.text


@pytest.mark.attack("O09")
@pytest.mark.parametrize(
    "path", ["//token", "/token/", "/./token", "/%74oken", "/Token", "/x/../token"]
)
def test_O09_a_path_is_its_letters(live: Live, path: str) -> None:
    line = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    status = int(raw(live, line.encode()).split(b" ", 2)[1])
    assert status == (415 if path == "/%74oken" else 404)  # the same letters, percent-encoded


@contextmanager
def unfinished(live: Live, start: bytes, count: int) -> Iterator[list[socket.socket]]:
    """``count`` connections that begin a request and do not end it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # they are files of ours too
    with ExitStack() as stack:
        connections = []
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", live.port), timeout=20)
            connections.append(stack.enter_context(connection))
            connection.sendall(start)
        yield connections


@pytest.mark.attack("P02")
def test_P02_a_thousand_slow_connections_disturb_nobody_and_end(live: Live) -> None:
    """Half of them in their headers, half in their bodies."""
    header = b"GET /authorize HTTP/1.1\r\nHost: x\r\nX-A: "
    body = POST + b"Content-Length: 900\r\n\r\ngrant_type="
    before = _open_files(live)
    with unfinished(live, header, 500), unfinished(live, body, 500) as slow:
        for _ in range(4):
            began = time.monotonic()
            alive(live)
            assert time.monotonic() - began < 8
        assert {each.recv(12) for each in slow} == {b"HTTP/1.1 408"}  # in ten seconds
    deadline = time.monotonic() + 5
    while _open_files(live) > before + 20:
        assert time.monotonic() < deadline, "connections that have ended are still held"
        time.sleep(0.05)


def _open_files(live: Live) -> int:
    return sum(len(os.listdir(f"/proc/{each}/fd")) for each in live.workers())


@pytest.mark.attack("P07")
def test_P07_what_is_too_much_is_refused_early_and_the_rest_answered(live: Live) -> None:
    ask = b"GET /authorize?" + encoded(list(live.request().items())).encode()
    whole = ask + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with unfinished(live, b"", 950) as many:
        for each in many:
            each.sendall(whole)
        heads = [each.recv(4096).lower() for each in many]
    answered = [head for head in heads if head.startswith(b"http/1.1 200 ")]
    refused = [head for head in heads if head.startswith(b"http/1.1 503 ")]
    assert len(answered) + len(refused) == len(heads)
    assert len(answered) >= 8 + 256  # what one process has room for
    assert refused
    assert all(b"\r\nretry-after: " in head for head in refused)
    alive(live)


@pytest.mark.attack("P04")
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 30_000,
        b'{"launch_token":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
        b'{"launch_token": NaN}',
        b'{"launch_token": -Infinity}',
        b'{"launch_token": ' + b"9" * 60_000 + b"}",
        b'{"launch_token": "\xff\xfe"}',
        b'{"launch_token": "\\ud800"}',
        b'{"launch_token": "a", "launch_token": "b"}',
        b'{"launch_token": null}',
        b'{"launch_token": {"a": 1}}',
        b"[]",
        b"1",
        b"",
        b"\xef\xbb\xbf{}",
        b'{"launch_token": "a"} x',
    ],
)
def test_P04_json_that_is_not_plain_is_refused(live: Live, body: bytes) -> None:
    with live.http(headers={"content-type": "application/json"}) as http:
        for path in ("/card/launch", f"/card/{'A' * 54}/presentation"):
            answer, seconds = quickest(partial(http.post, path, content=body))
            assert 400 <= answer.status_code < 500
            assert seconds < 0.2


@pytest.mark.attack("P05")
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "identity, gzip", "GZIP"])
def test_P05_a_compressed_body_is_not_opened(live: Live, encoding: str) -> None:
    with live.http(headers={"content-encoding": encoding}) as http:
        assert http.post("/token", content=b"\x1f\x8b" * 99, headers=FORM).status_code == 415
        assert http.post("/card/launch", content=b"\x1f\x8b" * 99).status_code == 415


@pytest.mark.attack("P06")
def test_P06_everything_that_is_kept_has_an_end(live: Live) -> None:
    browser = live.signed_in()
    with live.http() as http:
        for _ in range(100):
            assert http.get("/authorize", params=live.request()).status_code == 200
    store = redis.Redis.from_url(live.valkey)
    try:
        keys = list(store.scan_iter(count=1000))
        assert len(keys) >= 100
        pipeline = store.pipeline(transaction=False)
        for key in keys:
            pipeline.ttl(key)
        ttls = pipeline.execute()
        assert -1 not in ttls  # -1: a key that would stay for ever
        assert max(ttls) <= KNOWN_TTL  # who a subject of a CIBA client is; all else is a day's
        short = [
            ttl for key, ttl in zip(keys, ttls, strict=True) if not key.startswith(b"subject:")
        ]
        assert max(short) <= 24 * 3600
        policy = store.config_get("maxmemory-policy")
        assert policy == {"maxmemory-policy": "noeviction"}  # a full store refuses, never forgets
    finally:
        store.close()
    assert "code=" in browser.authorize(prompt="none").headers["location"]


@pytest.mark.attack("P10")
def test_P10_many_or_colliding_names_cost_little(live: Live) -> None:
    bodies = [
        encoded([(f"a{n}", "1") for n in range(8_000)]),
        encoded([("a", "1")] * 15_000),
        "&" * 60_000,
        "=" * 60_000,
        "%" * 60_000,
    ]
    with live.http() as http:
        for body in bodies:
            answer, seconds = quickest(partial(http.post, "/token", content=body, headers=FORM))
            assert answer.status_code in (400, 401)
            assert seconds < 0.2
        members = "{" + ",".join(f'"{n}": 1' for n in range(5_000)) + "}"
        json_ = {"content-type": "application/json"}
        launch = partial(http.post, "/card/launch", content=members, headers=json_)
        answer, seconds = quickest(launch)
        assert answer.status_code == 400
        assert seconds < 0.2


@pytest.mark.attack("P11")
@pytest.mark.parametrize("value", POLYGLOTS)
def test_P11_no_character_means_anything_to_a_store(live: Live, value: str) -> None:
    with live.http(headers={"accept": "text/html"}) as http:
        for name in ("client_id", "scope", "state", "login_hint", "acr_values", "nonce", "prompt"):
            protected(http.get("/authorize", params=live.request() | {name: value}))
        for name in ("grant_type", "code", "refresh_token", "redirect_uri", "scope", "resource"):
            form = {"grant_type": "authorization_code", "code": "x", name: value}
            answer = live.post("/token", form, http, "clinic")
            assert answer.status_code == 400
        for name in ("client_id", "client_secret"):
            form = {"grant_type": "x", "client_id": "fuzzed", "client_secret": "x", name: value}
            assert http.post("/token", data=form).status_code in (400, 401)
        assert live.post("/introspect", {"token": value}, http).json() == {"active": False}
        assert live.post("/revoke", {"token": value}, http).status_code in (200, 400)
        launched = http.post("/card/launch", json={"launch_token": value})
        assert launched.json()["type"] == "session-unknown"
        for path in ("/login/{}", "/login/{}/otp", "/consent/{}", "/card/{}/presentation"):
            assert http.get(path.format(quote(value, safe=""))).status_code < 500


@pytest.mark.attack("P11")
@pytest.mark.parametrize("value", POLYGLOTS)
def test_P11_a_personal_number_is_digits_or_nothing(live: Live, value: str) -> None:
    browser = live.browser()
    page = browser.authorize()
    answer = browser.submit(page, id_number=value, method="otp")
    assert answer.status_code in (400, 422)
    assert "<script>" not in answer.text
    answer = browser.submit(page, id_number="000199000001", method=value)
    assert answer.status_code in (400, 422)


@pytest.mark.attack("P14")
def test_P14_no_request_whatever_is_an_error_of_ours(live: Live) -> None:
    """Random requests over everything the metadata name, and the login's own pages."""
    chance = random.Random(20261123)
    with live.http(headers={"accept": "text/html"}) as http:
        metadata = http.get("/.well-known/openid-configuration").json()
        paths = [
            value.removeprefix(live.issuer)
            for name, value in metadata.items()
            if name.endswith(("_endpoint", "_uri"))
        ]
        paths += ["/authorize/resume", "/login/x", "/login/x/otp", "/login/x/card", "/consent/x"]
        paths += ["/login/x/passcode", "/card/launch", "/card/x/presentation", "/card", "/nowhere"]
        for _ in range(600):
            request = _random_request(chance, live, chance.choice(paths))
            answer = http.send(http.build_request(**request))
            assert answer.status_code < 500, request
            protected(answer)
    alive(live)


NAMES = (
    *("client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "prompt", "max_age"),
    *("acr_values", "claims", "ui_locales", "login_hint", "id_token_hint", "code_challenge", "t"),
    *("grant_type", "code", "refresh_token", "code_verifier", "token", "token_type_hint"),
    *("client_secret", "client_assertion", "client_assertion_type", "csrf_token", "decision"),
    *("otp", "passcode", "id_number", "method", "action", "launch_token", "resource"),
    *("post_logout_redirect_uri", "request", "request_uri", "response_mode", "lang"),
)


def _random_request(chance: random.Random, live: Live, path: str) -> dict[str, object]:
    good = {
        **live.request(),
        **{"grant_type": "refresh_token", "action": "verify", "method": "otp", "prompt": "login"},
        **{"claims": '{"userinfo":{"name":null}}', "max_age": "0", "decision": "allow"},
    }

    def value(name: str) -> str:
        if chance.random() < 0.5:
            return good.get(name, "x")
        if chance.random() < 0.5:
            return chance.choice(POLYGLOTS)
        letters = string.printable + "🌾đ\u202e\ud7ff"
        return "".join(chance.choices(letters, k=chance.choice((0, 1, 20, 300))))

    pairs = [(name, value(name)) for name in chance.choices(NAMES, k=chance.randrange(12))]
    pairs += [] if chance.random() < 0.3 else list(live.request().items())
    method = chance.choice(["GET", "GET", "POST", "POST", "PUT", "HEAD", "OPTIONS"])
    kinds = ("application/x-www-form-urlencoded", "application/json", "text/plain")
    body = encoded(pairs) if chance.random() < 0.8 else json.dumps(dict(pairs))
    headers = {"content-type": chance.choice(kinds)}
    if chance.random() < 0.4:
        headers |= basic("fuzzed", "x")
    if chance.random() < 0.2:
        headers["authorization"] = "Bearer x" + "x" * chance.randrange(90)
    if method in ("POST", "PUT"):
        return {"method": method, "url": path, "content": body, "headers": headers}
    return {"method": method, "url": f"{path}?{encoded(pairs)}", "headers": headers}


def test_many_logins_begun_at_once_are_all_answered(live: Live) -> None:
    begun = at_once(live, lambda http, _: http.get("/authorize", params=live.request()), 50)
    assert {each.status_code for each in begun} == {200}
