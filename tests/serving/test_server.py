"""The HTTP server on a real socket: what comes, what is refused, what takes too long."""

import http.client
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from idp.serving.answer import Answer
from idp.serving.limits import Limits
from idp.serving.message import MAX_BODY
from idp.serving.server import Application, Server
from idp.web.front import refuse

POST = b"POST /x HTTP/1.1\r\nHost: x\r\n"
PLAIN = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def echo(environ: dict[str, Any]) -> Answer:
    """Answer with what came."""
    told = {name: value for name, value in environ.items() if isinstance(value, str)}
    content = json.dumps({**told, "body": environ["wsgi.input"].read().decode()}).encode()
    headers = [("Content-Length", str(len(content))), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    return Answer("200 OK", headers, b"" if environ["REQUEST_METHOD"] == "HEAD" else content)


@contextmanager
def listening(app: Application, limits: Limits, **options: Any) -> Iterator[int]:
    """The server in threads of this process; yields its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    port: int = listener.getsockname()[1]
    with serving(Server(app, listener, refuse, limits, **options)):
        yield port


@contextmanager
def serving(server: Server) -> Iterator[None]:
    """Start it; in the end stop it as a worker does."""
    server.start()
    waiting = threading.Thread(target=server.wait, args=(5,))
    waiting.start()
    try:
        yield
    finally:
        server.stop()
        waiting.join(10)
        server.close()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    limits = Limits(threads=2, body_seconds=0.3, head_seconds=0.3, idle_seconds=0.5)
    with listening(echo, limits) as found:
        yield found


def talk(port: int, sent: bytes) -> bytes:
    """Everything that is answered until the connection is closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def ask(port: int, method: str = "GET", path: str = "/", **options: Any) -> dict[str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path, **options)
        found: dict[str, str] = json.loads(connection.getresponse().read())
        return found
    finally:
        connection.close()


def test_the_environment_is_that_of_the_request(port: int) -> None:
    sent = {"Content-Type": "text/plain", "X-A-B": "c", "Host": "id.example.vn"}
    told = ask(port, "POST", "/%C4%91/b%2fc?d=%41", body=b"whole", headers=sent)
    assert told["body"] == "whole"
    expected = {
        **{"REQUEST_METHOD": "POST", "SCRIPT_NAME": "", "QUERY_STRING": "d=%41"},
        **{"PATH_INFO": "/đ/b/c".encode().decode("latin-1"), "SERVER_PROTOCOL": "HTTP/1.1"},
        **{"REMOTE_ADDR": "127.0.0.1", "SERVER_NAME": "127.0.0.1", "SERVER_PORT": str(port)},
        **{"CONTENT_TYPE": "text/plain", "CONTENT_LENGTH": "5", "wsgi.url_scheme": "http"},
        **{"HTTP_X_A_B": "c", "HTTP_HOST": "id.example.vn"},
    }
    assert {name: told[name] for name in expected} == expected
    assert "PATH" not in told  # nothing of the process's own environment


def test_a_header_sent_twice_is_joined(port: int) -> None:
    sent = b"X-A: 1\r\nX-A: 2\r\nCookie: a=1\r\nCookie: b=2\r\nConnection: close\r\n\r\n"
    told = json.loads(talk(port, b"GET / HTTP/1.1\r\nHost: x\r\n" + sent).partition(b"\r\n\r\n")[2])
    assert (told["HTTP_X_A"], told["HTTP_COOKIE"]) == ("1,2", "a=1;b=2")


@pytest.mark.attack("O06")
@pytest.mark.parametrize("name", ["X_Forwarded_For", "X-Forwarded_For", "Content_Length"])
def test_O06_a_name_with_an_underscore_is_not_the_one_with_a_hyphen(port: int, name: str) -> None:
    told = ask(port, headers={name: "9", "X-Forwarded-For": "10.0.0.1"})
    assert told["HTTP_X_FORWARDED_FOR"] == "10.0.0.1"
    assert "9" not in told.values()


def test_the_answer_goes_out_whole(port: int) -> None:
    head, _, body = talk(port, PLAIN.replace(b"GET", b"HEAD")).partition(b"\r\n\r\n")
    lines = head.lower().splitlines()
    assert lines[0] == b"http/1.1 200 ok"
    assert [each for each in lines if b"cookie" in each] == [
        b"set-cookie: a=1",
        b"set-cookie: b=2",
    ]
    assert body == b""


@pytest.mark.attack("P02")
def test_P02_a_body_that_does_not_come_is_not_waited_for(port: int) -> None:
    before = time.monotonic()
    answer = talk(
        port, POST + b"Content-Length: 9\r\n\r\nhalf"
    )  # it ends: the connection is closed
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"default-src 'none'" in answer
    assert 0.2 < time.monotonic() - before < 3


@pytest.mark.attack("P02")
def test_P02_bodies_under_way_hold_no_thread(port: int) -> None:
    with ExitStack() as stack:
        slow = []
        for _ in range(100):
            slow.append(stack.enter_context(socket.create_connection(("127.0.0.1", port), 5)))
            slow[-1].sendall(POST + b"Content-Length: 9\r\n\r\nhalf")
        assert ask(port)["REQUEST_METHOD"] == "GET"
        assert ask(port, "POST", body=b"whole")["body"] == "whole"
        assert {each.recv(12) for each in slow} == {b"HTTP/1.1 408"}


def test_a_client_that_leaves_before_its_body_is_no_error(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as gone:
            gone.sendall(POST + b"Content-Length: 9\r\n\r\nhalf")
        time.sleep(0.1)
        assert ask(port)["REQUEST_METHOD"] == "GET"
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]


def test_a_body_that_will_be_refused_is_not_read(port: int) -> None:
    said = b"Content-Length: %d\r\nConnection: close\r\n\r\n" % (MAX_BODY + 1)
    answer = talk(port, POST + said)  # nothing of it is sent
    assert answer.startswith(b"HTTP/1.1 200 ")  # as the application says, at once
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["body"] == ""


def test_a_body_in_chunks_is_read(port: int) -> None:
    sent = (
        b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    assert json.loads(talk(port, POST + sent).partition(b"\r\n\r\n")[2])["body"] == "abcde"


@pytest.mark.attack("P02")
def test_P02_a_body_in_chunks_is_read_as_far_as_the_limit_and_no_longer_than_the_time(
    port: int,
) -> None:
    endless = b"Transfer-Encoding: chunked\r\n\r\n" + b"4000\r\n" + b"a" * 0x4000 + b"\r\n"
    assert talk(port, POST + endless).startswith(b"HTTP/1.1 408 ")
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(POST + endless + (b"4000\r\n" + b"a" * 0x4000 + b"\r\n") * 4)
        assert connection.recv(12) == b"HTTP/1.1 200"  # it does not wait for the end


def test_B4_a_header_with_bytes_outside_ascii_does_not_hide_the_others(port: int) -> None:
    sent = b"Cookie: a=1; theirs=\xc4\x91\xff; b=2\r\nX-A: \xe9\r\nConnection: close\r\n\r\n"
    told = json.loads(talk(port, b"GET / HTTP/1.1\r\nHost: x\r\n" + sent).partition(b"\r\n\r\n")[2])
    assert told["HTTP_COOKIE"] == "a=1; theirs=\xc4\x91\xff; b=2"
    assert told["HTTP_X_A"] == "\xe9"


@pytest.mark.attack("P07")
def test_P07_what_the_threads_cannot_soon_answer_is_refused_at_once() -> None:
    go = threading.Event()

    def slow(environ: dict[str, Any]) -> Answer:
        assert environ["PATH_INFO"] == "/light" or go.wait(10)
        return echo(environ)

    limits, light = Limits(threads=1, waiting=2), "/light".__eq__
    with listening(slow, limits, light=light) as port, ExitStack() as stack:
        try:
            taken = []
            for _ in range(3):
                taken.append(stack.enter_context(socket.create_connection(("127.0.0.1", port), 5)))
                taken[-1].sendall(PLAIN)
            time.sleep(0.2)
            assert ask(port, path="/light")["PATH_INFO"] == "/light"  # it asks no store
            head = talk(port, PLAIN).lower()
            assert head.startswith(b"http/1.1 503 ")
            assert b"retry-after: 2\r\n" in head
        finally:
            go.set()
        assert all(each.recv(15) == b"HTTP/1.1 200 OK" for each in taken)
        assert talk(port, PLAIN).startswith(b"HTTP/1.1 200 ")  # room again


def test_an_application_that_fails_is_a_500() -> None:
    def broken(environ: dict[str, Any]) -> Answer:
        raise ValueError("broken")

    with listening(broken, Limits(threads=1)) as port:
        for _ in range(3):  # a failure gives its place back
            assert talk(port, PLAIN).startswith(b"HTTP/1.1 500 ")


def test_an_idle_connection_is_ended_without_a_word_and_a_slow_head_with_one(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as idle:
        assert idle.recv(1) == b""
    assert talk(port, b"GET / HTTP/1.1\r\nX-A: ").startswith(b"HTTP/1.1 408 ")


def test_a_slow_reader_holds_no_thread_and_gets_everything() -> None:
    large = b"x" * 20_000_000

    def sends(environ: dict[str, Any]) -> Answer:
        if environ["PATH_INFO"] == "/large":
            return Answer("200 OK", [("Content-Length", str(len(large)))], large)
        return echo(environ)

    with listening(sends, Limits(threads=1)) as port, ExitStack() as stack:
        slow = []
        for _ in range(4):
            slow.append(stack.enter_context(socket.create_connection(("127.0.0.1", port), 5)))
            slow[-1].sendall(PLAIN.replace(b"GET /", b"GET /large"))
        assert ask(port)["PATH_INFO"] == "/"
        for each in slow:
            got = b"".join(iter(lambda each=each: each.recv(1 << 20), b""))
            assert got.endswith(large)


def test_requests_in_a_row_are_answered_in_their_order(port: int) -> None:
    asked = b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % n for n in range(20))
    answers = talk(port, asked + PLAIN)
    assert [b'"/%d"' % n in answers for n in range(20)] == [True] * 20
    assert sorted(range(20), key=lambda n: answers.index(b'"/%d"' % n)) == list(range(20))


@pytest.mark.parametrize(
    "message",
    [
        b"GET /\r\n\r\n",
        b"GET / HTTP/2.0\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET / HTTP/1.1\nHost: x\n\n",
        b"\x16\x03\x01\x02\x00\x01",
    ],
)
def test_what_is_no_request_is_a_400_and_ends_the_connection(port: int, message: bytes) -> None:
    answer = talk(port, message + b"GET /second HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_B18_a_method_that_nobody_knows_is_a_405(port: int) -> None:
    answer = talk(port, b"EVIL / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 405 ")


def test_a_continuation_is_given_before_the_body(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(POST + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"ok")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_a_header_with_a_line_break_is_never_sent() -> None:
    def careless(environ: dict[str, Any]) -> Answer:
        return Answer("200 OK", [("X-A", "1\r\nX-B: 2")], b"")

    with listening(careless, Limits(threads=1)) as port:
        answer = talk(port, PLAIN)
        assert answer.startswith(b"HTTP/1.1 500 ")
        assert b"X-B" not in answer


def test_a_stop_ends_connections_with_their_next_answer_and_no_request_is_lost() -> None:
    """Two servers on one socket, as a worker and the one that follows it."""
    listener = socket.create_server(("127.0.0.1", 0))
    port: int = listener.getsockname()[1]
    failed, asked, over = [], [0], threading.Event()

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        while not over.is_set():
            try:
                connection.request("GET", "/")
                answer = connection.getresponse()
                answer.read()
                asked[0] += 1
            except OSError as error:
                failed.append(error)
                connection.close()
        connection.close()

    clients = [threading.Thread(target=client) for _ in range(4)]
    with ExitStack() as current:
        current.enter_context(serving(Server(echo, listener.dup(), refuse, Limits(threads=2))))
        for each in clients:
            each.start()
        for _ in range(3):
            time.sleep(0.3)
            following = Server(echo, listener.dup(), refuse, Limits(threads=2))
            with ExitStack() as after:
                after.enter_context(serving(following))
                current.close()
                current.push(after.pop_all())
        over.set()
        for each in clients:
            each.join(10)
    listener.close()
    assert not failed
    assert asked[0] > 100
