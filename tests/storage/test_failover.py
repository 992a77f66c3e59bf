"""A failover that loses writes: the link to the replica is cut before what it carried arrived."""

import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from idp.core.errors import Unavailable
from idp.core.handles import Handle
from idp.storage.redis import RedisStore
from idp.storage.transient import Put, Taken

CODES = 4
VALUE = {"binding": "b"}


class Link:
    """A TCP proxy on 127.0.0.1 whose traffic can be stopped without closing anything."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._sockets: list[socket.socket] = []
        self._flows = threading.Event()
        self._flows.set()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._carry)
        self._thread.start()

    def cut(self) -> None:
        """From now on nothing passes."""
        self._flows.clear()

    def close(self) -> None:
        self._closed.set()
        self._thread.join(5)
        for each in (self._listener, *self._sockets):
            each.close()
        self._selector.close()

    def _carry(self) -> None:
        while not self._closed.wait(0 if self._flows.is_set() else 0.02):
            if not self._flows.is_set():
                continue
            for ready, _ in self._selector.select(0.02):
                if not self._flows.is_set():
                    break
                self._move(ready.fileobj, ready.data)

    def _move(self, source: Any, sink: socket.socket | None) -> None:
        if sink is None:
            accepted, _ = source.accept()
            onward = socket.create_connection(("127.0.0.1", self._target))
            self._sockets += [accepted, onward]
            self._selector.register(accepted, selectors.EVENT_READ, onward)
            self._selector.register(onward, selectors.EVENT_READ, accepted)
            return
        data = source.recv(65_536)
        if data:
            sink.sendall(data)
        else:
            self._selector.unregister(source)


@pytest.fixture
def pair(serve: Callable[..., int]) -> Iterator[tuple[int, int, Link]]:
    """A master, its replica, and the link between them."""
    master = serve("--repl-diskless-sync-delay 0")
    link = Link(master)
    replica = serve(f"--replicaof 127.0.0.1 {link.port}")
    with redis.Redis(port=replica, decode_responses=True) as client:
        deadline = time.monotonic() + 15
        while client.info("replication")["master_link_status"] != "up":
            assert time.monotonic() < deadline
            time.sleep(0.02)
    yield master, replica, link
    link.close()


def _redeemed(store: RedisStore, keys: list[str]) -> int:
    """How many of ``keys`` a relying party gets tokens for."""
    count = 0
    for key in keys:
        try:
            count += store.take(key, binding="b") == Taken(VALUE)
        except Unavailable:
            continue
    return count


@pytest.mark.attack("U01")
@pytest.mark.parametrize(("replicas", "in_all"), [(1, CODES), (0, 2 * CODES)])
def test_U01_a_code_is_redeemed_once_across_a_lossy_failover_when_replicas_are_waited_for(
    pair: tuple[int, int, Link], replicas: int, in_all: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without waiting (0) each code is redeemed twice: that is what the waiting is for."""
    master, replica, link = pair
    before = RedisStore(f"redis://127.0.0.1:{master}", replicas=replicas)
    keys = [Handle.new().key("code") for _ in range(CODES)]
    before.run(*(Put(key, VALUE, 60) for key in keys))
    settled = RedisStore(f"redis://127.0.0.1:{master}", replicas=1, timeout=20)
    with monkeypatch.context() as patient:
        patient.setattr("idp.storage.redis.WAIT_MS", 15_000)  # a busy machine's replica is slow
        settled.add(Handle.new().key("last"), VALUE, 60)  # all before it has reached the replica
    link.cut()
    redeemed = _redeemed(before, keys)
    with redis.Redis(port=replica) as client:
        client.execute_command("REPLICAOF", "NO", "ONE")
    after = RedisStore(f"redis://127.0.0.1:{replica}")
    redeemed += _redeemed(after, keys) + _redeemed(before, keys)
    assert redeemed == in_all
    for store in (before, settled, after):
        store.close()
