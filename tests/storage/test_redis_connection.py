"""Connections to Redis: broken, slow, shared, forked; and redirections by a Cluster."""

import contextlib
import gc
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import redis

from idp.core.errors import Unavailable
from idp.core.handles import Handle
from idp.storage.embedded import EmbeddedValkey
from idp.storage.redis import RedisStore
from idp.storage.redis_connection import Refused
from idp.storage.transient import Get, Hit, Put, Take, Taken
from tests.storage.conftest import until

VALUE = {"binding": "b"}


@pytest.fixture
def key() -> str:
    return Handle.new().key("test")


@pytest.fixture
def server(serve: Callable[..., int]) -> Iterator[tuple[int, "redis.Redis"]]:
    """A port, and a client to look behind the store."""
    port = serve("")
    with redis.Redis(port=port, decode_responses=True) as client:
        yield port, client


def _others(client: "redis.Redis") -> list[str]:
    """The addresses of the connections that are not ``client``'s."""
    mine = client.client_id()
    return [each["addr"] for each in client.client_list() if int(each["id"]) != mine]


def test_a_connection_that_died_idle_is_replaced_before_anything_is_sent(
    server: tuple[int, "redis.Redis"], key: str
) -> None:
    port, client = server
    store = RedisStore(f"redis://127.0.0.1:{port}")
    store.put(key, VALUE, 60)
    (address,) = _others(client)
    client.client_kill(address)
    assert store.take(key) == Taken(VALUE)
    assert len(_others(client)) == 1
    store.close()


def test_a_restart_between_two_runs_is_not_noticed(tmp_path: "os.PathLike[str]", key: str) -> None:
    with EmbeddedValkey(tmp_path) as url:  # type: ignore[arg-type]
        store = RedisStore(url)
        store.put(key, VALUE, 60)
    with EmbeddedValkey(tmp_path):  # type: ignore[arg-type]
        assert store.get(key) == VALUE
    store.close()


class Scripted:
    """A server that answers each connection by the next of ``answers``, after one request."""

    def __init__(self, *answers: bytes) -> None:
        self._answers = list(answers)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests: list[bytes] = []
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        for each in (self._listener, *self._open):
            each.close()

    def _serve(self) -> None:
        for answer in self._answers:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            connection.settimeout(5)
            while b"CLIENT" in (request := connection.recv(65_536)):
                connection.sendall(b"+OK\r\n" * request.count(b"SETINFO"))
            self.requests.append(request)
            connection.sendall(answer)
            if answer.endswith(b"."):
                connection.close()


@pytest.fixture
def scripted() -> Iterator[Callable[..., Scripted]]:
    servers: list[Scripted] = []

    def start(*answers: bytes) -> Scripted:
        servers.append(Scripted(*answers))
        return servers[-1]

    yield start
    for each in servers:
        each.close()


@pytest.mark.parametrize("half", [b"", b'$7\r\n{"a"', b"$7\r\n.", b"garbage\r\n"])
def test_half_a_reply_is_no_answer_and_is_not_read_as_the_next_one(
    scripted: Callable[..., Scripted], half: bytes
) -> None:
    server = scripted(half, b'$7\r\n{"b":2}\r\n')
    store = RedisStore(server.url, timeout=0.3)
    with pytest.raises(Unavailable):
        store.get("k")
    assert store.get("k") == {"b": 2}
    assert len(server.requests) == 2  # each sent once
    store.close()


def test_what_was_never_asked_for_ends_the_connection(scripted: Callable[..., Scripted]) -> None:
    server = scripted(b"$-1\r\n$-1\r\n", b'$7\r\n{"b":2}\r\n')
    store = RedisStore(server.url, timeout=0.3)
    assert store.get("k") is None
    assert store.get("k") == {"b": 2}
    store.close()


def test_an_error_keeps_its_code_only() -> None:
    refused = Refused("ERR unknown command 'SET', with args beginning with: 'key' 'hush'")
    assert (refused.code, refused.address, str(refused)) == ("ERR", "", "ERR")
    assert Refused("MOVED 3999 10.0.0.1:6381").address == "10.0.0.1:6381"
    assert Refused("ASK 3999 :6381").address == ":6381"


def test_no_argument_is_in_an_error_that_quotes_the_command(
    server: tuple[int, "redis.Redis"], key: str
) -> None:
    port, client = server
    with redis.Redis(port=port) as admin:
        admin.execute_command("ACL SETUSER default -set")
    store = RedisStore(f"redis://127.0.0.1:{port}")
    with pytest.raises(Unavailable) as caught:
        store.put(key, {"secret": "hush"}, 9)
    error: BaseException | None = caught.value
    while error is not None:
        assert "hush" not in repr(error)
        assert key not in repr(error)
        error = error.__cause__ or error.__context__
    assert store.get(key) is None  # the connection is still good
    assert len(_others(client)) == 1
    store.close()


def test_each_thread_has_its_own_connection_which_ends_with_it(
    server: tuple[int, "redis.Redis"], key: str
) -> None:
    port, client = server
    store = RedisStore(f"redis://127.0.0.1:{port}")
    both = threading.Barrier(5)
    wrong: list[object] = []

    def work(mine: str) -> None:
        for number in range(50):
            found = store.run(Put(mine, {"n": number}, 60), Get(mine))
            if found != (True, {"n": number}):
                wrong.append(found)
        both.wait(10)
        both.wait(10)

    threads = [threading.Thread(target=work, args=(f"{key}{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    both.wait(10)
    assert len(_others(client)) == 4
    both.wait(10)
    for thread in threads:
        thread.join(10)
    assert not wrong
    gc.collect()
    until(lambda: not _others(client))
    store.close()


def test_closing_closes_the_connections_of_all_threads(
    server: tuple[int, "redis.Redis"], key: str
) -> None:
    port, client = server
    store = RedisStore(f"redis://127.0.0.1:{port}")
    used, closed = threading.Event(), threading.Event()

    def work() -> None:
        store.get(key)
        used.set()
        closed.wait(10)

    thread = threading.Thread(target=work)
    thread.start()
    assert used.wait(10)
    store.close()
    until(lambda: not _others(client))
    closed.set()
    thread.join(10)


def test_a_child_does_not_use_its_parents_connection(
    server: tuple[int, "redis.Redis"], key: str
) -> None:
    port, _ = server
    store = RedisStore(f"redis://127.0.0.1:{port}")
    store.put(key, VALUE, 60)
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            for _ in range(100):
                store.run(Hit(f"{key}child", 60))
            os._exit(0)
        os._exit(1)
    assert all(store.get(key) == VALUE for _ in range(100))
    assert os.waitpid(child, 0)[1] == 0
    assert store.run(Hit(f"{key}child", 60), Get(key)) == (101, VALUE)
    store.close()


def test_a_slow_reply_is_unavailable_in_time_and_its_operation_is_not_repeated(
    server: tuple[int, "redis.Redis"], key: str
) -> None:
    port, client = server
    store = RedisStore(f"redis://127.0.0.1:{port}", timeout=0.3)
    store.get(key)
    client.execute_command("CLIENT PAUSE", 1000, "WRITE")
    begun = time.monotonic()
    with pytest.raises(Unavailable):
        store.run(Hit(key, 60))
    assert time.monotonic() - begun < 0.9
    client.execute_command("CLIENT UNPAUSE")
    assert store.run(Hit(key, 60)) == (1,)  # Redis dropped the first with its connection
    store.close()


def _ports(cluster_url: str) -> list[int]:
    return [int(each.rpartition(":")[2]) for each in cluster_url.split(",")]


def test_the_owners_in_a_cluster_are_asked_at_the_same_time(cluster_url: str) -> None:
    store = RedisStore(cluster_url, timeout=5)
    nodes = [redis.Redis(port=port, decode_responses=True) for port in _ports(cluster_url)]
    keys = [f"{{{letter}}}:test" for letter in "abc"]  # slots 15495, 3300, 7365
    store.run(*(Put(each, {"key": each}, 60) for each in keys))
    before = store.round_trips
    for node in nodes:
        node.execute_command("CLIENT PAUSE", 400, "WRITE")
    begun = time.monotonic()
    assert store.run(*(Put(each, {"key": each}, 60) for each in keys)) == (True,) * 3
    assert time.monotonic() - begun < 0.8
    assert store.run(*map(Get, keys)) == tuple({"key": each} for each in keys)
    assert store.round_trips == before + 2
    for node in nodes:
        node.close()
    store.close()


def test_a_slot_on_its_way_is_asked_for_at_its_next_node(cluster_url: str) -> None:
    handle = Handle.new()
    moved, stayed, new = (handle.key(kind) for kind in ("moved", "stayed", "new"))
    store = RedisStore(cluster_url)
    store.run(Put(moved, VALUE, 60), Put(stayed, {"n": 1}, 60))
    nodes = [redis.Redis(port=port, decode_responses=True) for port in _ports(cluster_url)]
    slot = nodes[0].execute_command("CLUSTER KEYSLOT", moved)
    source = next(it for it in nodes if it.execute_command("CLUSTER COUNTKEYSINSLOT", slot))
    target = next(it for it in nodes if it is not source)
    source_id, target_id = (it.execute_command("CLUSTER MYID") for it in (source, target))
    target.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", source_id)
    source.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", target_id)
    port = _ports(cluster_url)[nodes.index(target)]
    source.execute_command("MIGRATE", "127.0.0.1", port, moved, 0, 2000)
    others = [handle.key(kind) for kind in ("one", "two")]
    answers = store.run(Get(moved), Get(stayed), Get(new), *(Hit(each, 60) for each in others))
    assert answers == (VALUE, {"n": 1}, None, 1, 1)
    before = store.round_trips
    assert store.run(Get(moved), Get(stayed), Hit(new, 60), Hit(new, 60), Take(moved)) == (
        *(VALUE, {"n": 1}, 1, 2),
        Taken(VALUE),
    )
    assert store.round_trips == before + 2
    assert store.run(Hit(new, 60), Get(moved)) == (3, None)
    source.execute_command("MIGRATE", "127.0.0.1", port, stayed, 0, 2000)
    for node in (target, source):
        node.execute_command("CLUSTER SETSLOT", slot, "NODE", target_id)
    assert store.run(Get(stayed), Hit(new, 60)) == ({"n": 1}, 4)
    for node in nodes:
        node.close()
    store.close()
