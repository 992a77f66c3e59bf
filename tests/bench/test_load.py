"""The benchmark's client: what it counts, what it reads, and that it stops."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.load import Answer, Connection, Result, WrongAnswer, drive, percentile


class Server(BaseHTTPRequestHandler):
    """Answers by path; ``seen`` counts requests, ``opened`` connections."""

    protocol_version = "HTTP/1.1"
    seen = 0
    opened = 0
    lock = threading.Lock()

    def setup(self) -> None:
        super().setup()
        with self.lock:
            Server.opened += 1

    def log_message(self, *_: object) -> None:
        """Silence."""

    def do_GET(self) -> None:
        with self.lock:
            Server.seen += 1
        match self.path:
            case "/chunked":
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\nTrailer: x\r\n\r\n")
            case "/close":
                self._answer(b"bye", Connection="close")
                self.close_connection = True
            case "/empty":
                self.send_response(204)
                self.end_headers()
            case _:
                self._answer(b"hello")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body: bytes, **headers: str) -> None:
        self.send_response(200)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def address() -> Iterator[tuple[str, int]]:
    Server.seen = Server.opened = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=partial(server.serve_forever, 0.01))
        thread.start()
        yield "127.0.0.1", server.server_port
        server.shutdown()
        thread.join()


@contextmanager
def speaker(said: bytes) -> Iterator[tuple[str, int]]:
    """A server that answers one connection with these bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def speak() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(said)

        thread = threading.Thread(target=speak)
        thread.start()
        yield listening.getsockname()
        thread.join()


def test_answers_are_read_whole_over_one_connection(address):
    connection = Connection(*address)
    assert connection.ask("GET", "/").body == b"hello"
    assert connection.ask("GET", "/chunked").body == b"hello, world"
    assert connection.ask("GET", "/empty").status == 204
    assert connection.ask("POST", "/", {"X-Any": "x"}, b"a=b").body == b"a=b"
    assert connection.ask("POST", "/").body == b""
    assert Server.opened == 1
    connection.close()


def test_a_connection_that_the_server_closes_is_opened_again(address):
    connection = Connection(*address)
    assert connection.ask("GET", "/close").body == b"bye"
    assert connection.ask("GET", "/").body == b"hello"
    assert Server.opened == 2
    connection.close()


@pytest.mark.parametrize(
    "said", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 2x0 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nbody"]
)
def test_what_is_no_answer_is_no_number_in_the_table(said):
    with speaker(said) as address:
        connection = Connection(*address)
        with pytest.raises(WrongAnswer):
            connection.ask("GET", "/")
        connection.close()


def test_every_step_is_counted_and_it_ends_in_time(address):
    result = drive(lambda it: it.ask("GET", "/") and None, address, connections=3, seconds=0.3)
    assert Server.seen == len(result.latencies) > 3
    assert Server.opened == 3
    assert 0.3 <= result.seconds < 3
    assert result.per_second == pytest.approx(len(result.latencies) / result.seconds)
    assert 0 < result.percentile(0.5) <= result.percentile(0.95) < 3


def test_a_wrong_answer_ends_it_at_once(address):
    def step(connection: Connection) -> None:
        if connection.ask("GET", "/") != Answer(200, {}, b"something else"):
            raise WrongAnswer("not this")

    with pytest.raises(WrongAnswer, match="not this"):
        drive(step, address, connections=3, seconds=60)


def test_nobody_there_is_an_error():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            drive(
                lambda it: it.ask("GET", "/") and None,
                unused.getsockname(),
                connections=2,
                seconds=60,
            )


def test_percentiles_are_by_nearest_rank():
    values = [float(each) for each in range(1, 101)]
    assert [percentile(values, each) for each in (0.5, 0.95, 0.99, 1.0)] == [50, 95, 99, 100]
    assert percentile([3.0], 0.95) == 3.0
    assert percentile([2.0, 1.0], 0.5) == 1.0
    assert percentile([], 0.95) == 0.0


def test_runs_add_up():
    result = Result()
    result.add(Result(1.0, [0.1] * 10))
    result.add(Result(3.0, [0.2] * 30))
    assert result.per_second == 10
    assert result.percentile(0.25) == 0.1
    assert result.percentile(0.26) == 0.2
    assert Result().per_second == 0
