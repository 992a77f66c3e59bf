"""The gateway from ASGI to WSGI, under granian itself."""

import asyncio
import http.client
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from granian.constants import Interfaces
from granian.server.embed import Server

from idp.web.asgi import Gateway
from idp.web.http import MAX_BODY
from tests.ports import free_port

POST = b"POST /x HTTP/1.1\r\nHost: x\r\n"


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer with what came."""
    told = {name: value for name, value in environ.items() if isinstance(value, str)}
    content = json.dumps({**told, "body": environ["wsgi.input"].read().decode()}).encode()
    headers = [("Content-Length", str(len(content))), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    start_response("200 OK", headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [content]


def _server(gateway: Gateway, port: int) -> Server:
    interface = Interfaces.ASGINL
    return Server(gateway, port=port, interface=interface, websockets=False, log_enabled=False)


@contextmanager
def listening(gateway: Gateway) -> Iterator[int]:
    """granian in a thread of this process; yields its port."""
    port = free_port()
    loop = asyncio.new_event_loop()
    began = threading.Event()
    running: list[Server] = []

    async def serve() -> None:
        running.append(_server(gateway, port))
        running[0].on_startup(began.set)
        await running[0].serve()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert began.wait(10)
        _await(port)
        yield port
    finally:
        loop.call_soon_threadsafe(running[0].stop)
        thread.join(10)
        gateway.close()
        loop.close()


def _await(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.01)
    raise AssertionError("it does not listen")


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with listening(Gateway(echo, 2, body_seconds=0.3)) as found:
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
    plain = b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    head, _, body = talk(port, plain).partition(b"\r\n\r\n")
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

    def slow(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        assert go.wait(10)
        return echo(environ, start_response)

    plain = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with listening(Gateway(slow, 1, waiting=2)) as port, ExitStack() as stack:
        try:
            taken = []
            for _ in range(3):
                taken.append(stack.enter_context(socket.create_connection(("127.0.0.1", port), 5)))
                taken[-1].sendall(plain)
            time.sleep(0.2)
            head = talk(port, plain).lower()
            assert head.startswith(b"http/1.1 503 ")
            assert b"retry-after: 2\r\n" in head
        finally:
            go.set()
        assert all(each.recv(15) == b"HTTP/1.1 200 OK" for each in taken)
        assert talk(port, plain).startswith(b"HTTP/1.1 200 ")  # room again


def test_an_application_that_fails_is_a_500() -> None:
    def broken(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        raise ValueError("broken")

    plain = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with listening(Gateway(broken, 1)) as port:
        for _ in range(3):  # a failure gives its place back
            assert talk(port, plain).startswith(b"HTTP/1.1 500 ")
