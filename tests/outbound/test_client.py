"""Calls to addresses that relying parties name: a hostile server gets nothing out of us."""

import gzip
import socket
import struct
import threading
import time
from collections.abc import Callable

import pytest
from cryptography import x509

from idp.outbound.client import MAX_HEADERS, OutboundClient, OutboundError, OutboundSettings
from idp.outbound.connection import MAX_LOOKUPS
from tests.outbound.hostile import Hostile, ok

Make = Callable[..., OutboundClient]
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
MAX = 256 * 1024


def reason(client: OutboundClient, url: str) -> str:
    """Why a call fails; in words it is always the same."""
    with pytest.raises(OutboundError) as failed:
        client.get(url, accept="*/*")
    assert str(failed.value) == "the address gave no usable answer"
    return failed.value.reason


def timed(call: Callable[[], str]) -> tuple[str, float]:
    began = time.monotonic()
    return call(), time.monotonic() - began


# What works


def test_a_document_comes_back(client: Make, server: Hostile) -> None:
    server.answer(ok(b'{"keys": []}', b"Set-Cookie: a=b", b"Content-Encoding: identity"))
    assert client().get(server.url("/keys?a=b#c"), accept="application/json") == b'{"keys": []}'
    (asked,) = server.requests
    lines = asked.decode().lower().split("\r\n")
    assert lines[0] == "get /keys?a=b http/1.1"
    assert f"host: localhost:{server.port}" in lines
    assert "accept: application/json" in lines
    assert "accept-encoding: identity" in lines
    assert "connection: close" in lines
    assert not any(line.startswith(("cookie", "authorization", "referer")) for line in lines)


def test_no_cookie_comes_back_and_no_connection_is_kept(client: Make, server: Hostile) -> None:
    server.answer(ok(b"x", b"Set-Cookie: a=b", b"Connection: keep-alive"))
    one = client()
    for _ in range(3):
        assert one.get(server.url(), accept="*/*") == b"x"
    assert server.connections == 3
    assert not any(b"cookie" in each.lower() for each in server.requests)


@pytest.mark.parametrize(
    "answer",
    [
        CHUNKED + b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nabcde",
        b"HTTP/1.0 200 OK\r\n\r\nabcde",
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok(b"abcde"),
    ],
)
def test_every_framing_is_read(client: Make, server: Hostile, answer: bytes) -> None:
    server.answer(answer)
    assert client().get(server.url(), accept="*/*") == b"abcde"


def test_a_post_answers_its_status(client: Make, server: Hostile) -> None:
    body = b"x" * 100_000
    for status in (200, 204, 400, 404, 500, 503):
        server.answer(ok(b"", status=b"%d Any" % status))
        more = {"Authorization": "Bearer t"}
        found = client().post(server.url("/p"), body, content_type="text/x", headers=more)
        assert found == status
    head, _, sent = server.requests[0].partition(b"\r\n\r\n")
    assert sent == body
    lines = head.decode().lower().split("\r\n")
    assert lines[0] == "post /p http/1.1"
    assert {"content-type: text/x", "content-length: 100000", "authorization: bearer t"} < {*lines}


def test_every_thread_may_call(client: Make, server: Hostile) -> None:
    server.answer(ok(b"x"))
    one, found = client(), list[bytes]()
    calls = [
        threading.Thread(target=lambda: found.append(one.get(server.url(), accept="*/*")))
        for _ in range(20)
    ]
    for each in calls:
        each.start()
    for each in calls:
        each.join(20)
    assert found == [b"x"] * 20


# Whom it trusts


def test_only_the_given_authority(client: Make, server: Hostile) -> None:
    server.answer(ok(b"x"))
    assert reason(client(ca_file=None), server.url()) == "tls"
    assert not server.requests


def test_only_a_certificate_of_the_name_that_was_called(client: Make, server: Hostile) -> None:
    server.answer(ok(b"x"))
    one = client(lambda host: ["127.0.0.1"])
    assert reason(one, server.url(host="bank.example.vn")) == "tls"
    assert not server.requests
    assert one.get(server.url(), accept="*/*") == b"x"
    assert one.get(server.url(host="127.0.0.1"), accept="*/*") == b"x"


@pytest.mark.attack("N03")
def test_N03_without_tls_only_this_machine_where_it_is_allowed(
    client: Make, plain: Hostile
) -> None:
    plain.answer(ok(b"x"))
    url = plain.url(scheme="http")
    assert client().get(url, accept="*/*") == b"x"
    assert reason(client(allow_loopback=False), url) == "url"
    assert reason(client(lambda host: ["8.8.8.8"]), plain.url(scheme="http", host="a.vn")) == (
        "address"
    )
    assert reason(client(), "http://8.8.8.8/") == "address"
    assert plain.connections == 1


def test_no_proxy_of_the_environment(
    client: Make, server: Hostile, plain: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, plain.url(scheme="http"))
    server.answer(ok(b"x"))
    assert client().get(server.url(), accept="*/*") == b"x"
    assert plain.connections == 0


# Where it goes


@pytest.mark.attack("N01")
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.0.2", "inside.example.vn"])
def test_N01_an_address_inside_is_never_called(client: Make, server: Hostile, host: str) -> None:
    one = client(lambda host: ["127.0.0.1"], allow_loopback=False)
    assert reason(one, server.url(host=host)) == "address"
    with pytest.raises(OutboundError):
        one.post(server.url(host=host), b"", content_type="x/y")
    assert server.connections == 0


@pytest.mark.attack("N01")
@pytest.mark.parametrize(
    "inside", ["10.0.0.1", "169.254.169.254", "fd00::1", "::ffff:127.0.0.1", "fe80::1%lo", "::1"]
)
def test_N01_a_name_that_leads_inside_as_well_is_not_trusted_outside(
    client: Make, inside: str
) -> None:
    asked: list[str] = []

    def resolve(host: str) -> list[str]:
        asked.append(host)
        return ["8.8.8.8", inside]

    one = client(resolve, allow_loopback=False)
    found, seconds = timed(lambda: reason(one, "https://a.example.vn/"))
    assert (found, asked) == ("address", ["a.example.vn"])
    assert seconds < 1


@pytest.mark.attack("N02")
def test_N02_the_address_that_was_checked_is_the_one_that_is_called(
    client: Make, server: Hostile
) -> None:
    """A name that is harmless when it is checked and internal a moment later (DNS rebinding)."""
    server.answer(ok(b"x"))
    answers = iter([["127.0.0.1"], ["10.0.0.1"], ["127.0.0.1"]])
    one = client(lambda host: next(answers))
    assert one.get(server.url(), accept="*/*") == b"x"  # asked once: the second is left
    assert reason(one, server.url()) == "address"
    assert one.get(server.url(), accept="*/*") == b"x"
    assert server.connections == 2


@pytest.mark.attack("N02")
@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308, 399])
def test_N02_no_redirect_is_followed(client: Make, server: Hostile, status: int) -> None:
    location = f"Location: {server.url('/next')}".encode()
    server.answer(ok(b"", location, status=b"%d Elsewhere" % status))
    assert reason(client(), server.url()) == "redirect"
    with pytest.raises(OutboundError):
        client().post(server.url(), b"x", content_type="x/y")
    assert server.connections == 2


def test_the_next_address_is_tried_when_one_does_not_answer(client: Make, server: Hostile) -> None:
    server.answer(ok(b"x"))
    one = client(lambda host: ["127.0.0.9", "127.0.0.1"])
    assert one.get(server.url(), accept="*/*") == b"x"


def test_names_that_do_not_resolve(client: Make) -> None:
    def unknown(host: str) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    assert reason(client(unknown), "https://a.vn/") == "name"
    assert reason(client(lambda host: []), "https://a.vn/") == "name"


def test_a_name_server_that_hangs_is_not_waited_for(client: Make) -> None:
    hanging = threading.Event()

    def resolve(host: str) -> list[str]:
        hanging.wait(5)
        return ["127.0.0.1"]

    one = client(resolve, timeout=0.2)
    found, seconds = timed(lambda: reason(one, "https://a.vn/"))
    assert found == "deadline"
    assert seconds < 1
    calls = [
        threading.Thread(target=reason, args=(one, "https://a.vn/")) for _ in range(MAX_LOOKUPS)
    ]
    for each in calls:
        each.start()
    for each in calls:
        each.join(10)
    assert reason(one, "https://a.vn/") == "busy"
    hanging.set()
    time.sleep(0.1)
    assert reason(one, "https://a.vn:1/") == "unreachable"


# What it puts up with


@pytest.mark.attack("N04")
@pytest.mark.parametrize(
    ("head", "part"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x"),
        (CHUNKED, b"1\r\nx\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"X"),
        (b"", b"H"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_N04_a_drip_ends_at_the_deadline(
    client: Make, server: Hostile, head: bytes, part: bytes
) -> None:
    server.stream(head, part, pause=0.1)
    found, seconds = timed(lambda: reason(client(timeout=0.5), server.url()))
    assert found in {"deadline", "protocol"}
    assert seconds < 1.5


@pytest.mark.attack("N04")
@pytest.mark.parametrize("bites", [0, 1])
def test_N04_a_server_that_never_answers(client: Make, plain: Hostile, bites: int) -> None:
    """Neither to the handshake nor to the request."""

    def silent(connection: socket.socket) -> None:
        connection.recv(bites or 1)
        time.sleep(3)

    plain.behave = silent
    for scheme in ("https", "http"):
        one = client(timeout=0.3)
        found, seconds = timed(lambda one=one, s=scheme: reason(one, plain.url(scheme=s)))
        assert found == "deadline"
        assert seconds < 3  # as long as the server is silent


@pytest.mark.attack("N04")
def test_N04_a_server_that_does_not_read(client: Make, plain: Hostile) -> None:
    plain.behave = lambda connection: time.sleep(3)
    url, began = plain.url(scheme="http"), time.monotonic()
    with pytest.raises(OutboundError) as failed:
        client(timeout=0.3).post(url, b"x" * 50_000_000, content_type="x/y")
    assert failed.value.reason == "deadline"
    assert time.monotonic() - began < 3


@pytest.mark.attack("N04")
@pytest.mark.parametrize(
    ("head", "part"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n", b"x" * 65_536),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65_536),
        (CHUNKED, b"10000\r\n" + b"x" * 65_536 + b"\r\n"),
        (CHUNKED, b"1;" + b"e" * 8_000 + b"\r\nx\r\n"),
        (b"", b"HTTP/1.1 103 Early Hints\r\nA: " + b"x" * 8_000 + b"\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"A: " + b"x" * 1_000 + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\nA: ", b"x" * 65_536),
        (CHUNKED + b"0\r\n", b"A: " + b"x" * 1_000 + b"\r\n"),
    ],
)
def test_N04_an_endless_answer_is_not_read(
    client: Make, server: Hostile, head: bytes, part: bytes
) -> None:
    server.stream(head, part)
    found, seconds = timed(lambda: reason(client(), server.url()))
    assert found in {"too_large", "protocol"}
    assert seconds < 20
    assert server.sent < 16 * 1024 * 1024  # what the kernels hold on the way is not ours


def test_the_largest_body_is_read_and_one_byte_more_is_not(client: Make, server: Hostile) -> None:
    server.answer(ok(b"x" * MAX))
    assert len(client().get(server.url(), accept="*/*")) == MAX
    server.answer(ok(b"x" * (MAX + 1)))
    assert reason(client(), server.url()) == "too_large"


@pytest.mark.attack("N04")
@pytest.mark.parametrize("encoding", [b"gzip", b"br", b"deflate", b"GZIP", b"identity, gzip"])
def test_N04_nothing_is_unpacked(client: Make, server: Hostile, encoding: bytes) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    assert len(bomb) < MAX
    server.answer(ok(bomb, b"Content-Encoding: " + encoding))
    assert reason(client(), server.url()) == "encoded"


@pytest.mark.attack("N04")
def test_N04_the_answer_to_a_post_is_not_waited_for(client: Make, server: Hostile) -> None:
    server.stream(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n", b"x", pause=0.1)
    began = time.monotonic()
    assert client().post(server.url(), b"", content_type="x/y") == 200
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\r\n",
        b"garbage\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"-ERR unknown command\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\n bad: fold\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA\x00B: c\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        CHUNKED + b"zz\r\n",
        CHUNKED + b"ffffffffffffffffffffffff\r\n",
        CHUNKED + b"5\r\nabc",
        b"HTTP/1.1 200 OK\r\nA: " + b"x" * (3 * MAX_HEADERS) + b"\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused(client: Make, server: Hostile, answer: bytes) -> None:
    server.answer(answer)
    assert reason(client(timeout=2), server.url()) in {"protocol", "unreachable", "tls"}


def test_a_reset_connection(client: Make, plain: Hostile) -> None:
    def reset(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    plain.behave = reset
    assert reason(client(), plain.url(scheme="http")) == "unreachable"
    assert reason(client(), plain.url()) in {"tls", "unreachable"}


@pytest.mark.parametrize("status", [204, 206, 400, 401, 404, 429, 500, 503])
def test_only_a_200_is_a_document(client: Make, server: Hostile, status: int) -> None:
    server.answer(ok(b"" if status == 204 else b"x", status=b"%d Any" % status))
    assert reason(client(), server.url()) == "status"


@pytest.mark.parametrize(
    ("name", "value"), [("X", "a\r\nHost: b"), ("X\r\n", "a"), ("X", "\x00"), ("Host", "other")]
)
def test_no_header_that_ends_the_line(client: Make, server: Hostile, name: str, value: str) -> None:
    with pytest.raises(OutboundError) as failed:
        client().post(server.url(), b"", content_type="x/y", headers={name: value})
    assert failed.value.reason == "protocol"
    assert server.connections == 0


# What it lets be seen


@pytest.mark.attack("N05")
def test_N05_open_and_closed_ports_inside_look_the_same(server: Hostile) -> None:
    one = OutboundClient(OutboundSettings())
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        urls = [server.url(), f"https://127.0.0.1:{closed.getsockname()[1]}/", "https://10.9.8.7/"]
        seen = [timed(lambda url=url: reason(one, url)) for url in urls]
    assert len({found for found, _ in seen}) == 1
    assert all(0.2 <= seconds < 3 for _, seconds in seen)
    assert server.connections == 0


@pytest.mark.attack("N05")
def test_N05_a_failure_needs_its_time_whatever_it_was(client: Make, server: Hostile) -> None:
    server.answer(ok(b"", status=b"404 Not Found"))
    one = client(lambda host: ["127.0.0.1"] if host == "localhost" else ["10.0.0.1"], floor=0.3)
    for url in (server.url(), server.url(host="inside.vn"), "https://localhost:1/"):
        _, seconds = timed(lambda url=url: reason(one, url))
        assert 0.3 <= seconds < 1


def test_a_closed_client_calls_nobody(client: Make, server: Hostile) -> None:
    one = client()
    one.close()
    assert reason(one, server.url()) == "closed"
    assert server.connections == 0


def test_a_look_tells_any_answer_and_follows_no_redirect(server: Hostile, client: Make) -> None:
    server.answer(ok(b"elsewhere", b"Location: /x", status=b"302 Found"))
    page = client().look(server.url(), accept="text/html")
    assert (page.status, page.headers["location"], page.body) == (302, "/x", b"elsewhere")
    assert server.connections == 1


def test_a_certificate_is_shown_without_a_request(server: Hostile, client: Make) -> None:
    server.answer()
    found = x509.load_der_x509_certificate(client().certificate(server.url()))
    assert found.subject.rfc4514_string() == "CN=localhost"
    assert server.heard() == [b""]


def test_no_certificate_is_looked_for_behind_an_address_that_may_not_be_called(
    client: Make, server: Hostile, plain: Hostile
) -> None:
    with pytest.raises(OutboundError, match="no usable answer"):
        client().certificate(plain.url(scheme="http"))
    with pytest.raises(OutboundError, match="no usable answer"):
        client(allow_loopback=False).certificate(server.url())
    assert server.connections == plain.connections == 0
