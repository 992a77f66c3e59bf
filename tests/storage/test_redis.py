"""Redis in particular: failures, replicas, Sentinel, URLs."""

from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from idp.core.errors import Unavailable
from idp.core.handles import Handle
from idp.storage.embedded import EmbeddedValkey
from idp.storage.redis import RedisStore
from idp.storage.transient import Add, Get, Hit, Link, Put, Take, Taken

VALUE = {"binding": "b"}


@pytest.fixture
def key() -> str:
    return Handle.new().key("test")


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:1",
        "unix:///nowhere/valkey.sock",
        "redis+cluster://127.0.0.1:1",
        "redis+sentinel://127.0.0.1:1/idp",
        "redis+sentinel://:p%40ss@127.0.0.1:1/idp",
    ],
)
def test_a_server_that_is_not_there_is_unavailable(url: str, key: str) -> None:
    store = RedisStore(url, timeout=0.5)
    for _ in range(2):
        with pytest.raises(Unavailable, match="redis"):
            store.get(key)
    with pytest.raises(Unavailable, match="redis"):
        store.ping()
    store.close()


@pytest.mark.parametrize(
    "url", ["redis+sentinel://127.0.0.1:1", "redis+other://h:1", "redis+cluster://h", "http://h"]
)
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"Redis|address"):
        RedisStore(url)


def test_a_restarted_server_is_used_again_and_forgot_nothing(tmp_path: Path, key: str) -> None:
    first = EmbeddedValkey(tmp_path)
    store = RedisStore(first.start())
    store.put(key, VALUE, 60)
    store.put(key + "2", VALUE, 60)
    assert store.take(key) == Taken(VALUE)
    first.stop()
    with pytest.raises(Unavailable):
        store.get(key)
    with EmbeddedValkey(tmp_path):
        assert store.take(key) == Taken()
        assert store.get(key + "2") == VALUE
    store.close()


def test_every_key_has_a_lifetime(valkey_url: str, key: str) -> None:
    store = RedisStore(valkey_url)
    store.run(
        Put(key, VALUE, 9), Add(key + "a", VALUE, 9), Hit(key + "h", 9), Link(key + "l", "m", 9)
    )
    store.take(key, binding="x", tries=5)
    store.take(key, binding="b", put=(Put(key + "p", VALUE, 9),))
    client = redis.Redis.from_url(valkey_url)
    found = [client.ttl(each) for each in client.scan_iter("*")]
    assert found
    assert min(found) >= 0
    client.close()
    store.close()


@pytest.mark.attack("U09")
def test_U09_a_full_server_refuses_what_is_new_and_lets_go_of_what_is_old(
    serve: Callable[..., int], key: str
) -> None:
    port = serve("--maxmemory-policy noeviction")
    store = RedisStore(f"redis://127.0.0.1:{port}")
    store.put(key, VALUE, 60)
    client = redis.Redis(port=port)
    client.config_set("maxmemory", 1)
    for operation in (Put(key + "2", VALUE, 9), Add(key + "2", VALUE, 9), Hit(key + "h", 9)):
        with pytest.raises(Unavailable):
            store.run(operation)
    assert store.get(key) == VALUE
    with pytest.raises(Unavailable):  # a guess that cannot be counted is not made
        store.take(key, binding="x", tries=5)
    assert store.take(key, binding="b", put=(Put(key + "n", VALUE, 9),)) == Taken(VALUE)
    assert store.get(key + "n") == VALUE
    client.close()
    store.close()


def test_sentinel_finds_the_master_and_what_is_consumed_waits_for_its_replica(
    sentinel_url: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idp.storage.redis.WAIT_MS", 15_000)  # a busy machine's replica is slow
    store = RedisStore(sentinel_url, replicas=1, timeout=20)
    store.ping()
    store.put(key, VALUE, 60)
    assert store.run(Get(key), Take(key, put=(Put(key + "n", VALUE, 60),))) == (VALUE, Taken(VALUE))
    assert store.add(key, VALUE, 60)
    store.close()


@pytest.mark.attack("U01")
def test_U01_what_too_few_replicas_know_is_not_said_to_be_done(sentinel_url: str, key: str) -> None:
    store = RedisStore(sentinel_url, replicas=2)
    store.put(key, VALUE, 60)
    for operation in (Take(key), Add(key + "a", VALUE, 60)):
        with pytest.raises(Unavailable):
            store.run(operation)
    assert store.get(key) is None
    store.close()


def test_a_slot_that_moved_is_followed(cluster_url: str, key: str) -> None:
    store = RedisStore(cluster_url)
    store.put(key, VALUE, 60)
    _move_slot_of(key, cluster_url)
    before = store.round_trips
    assert store.run(Get(key), Take(key)) == (VALUE, Taken(VALUE))
    assert store.round_trips == before + 2
    store.close()


def _move_slot_of(key: str, cluster_url: str) -> None:
    """Move the slot of ``key``, and the key, from the master that has it to another."""
    ports = [int(each.rpartition(":")[2]) for each in cluster_url.split(",")]
    nodes = [redis.Redis(port=port, decode_responses=True) for port in ports]
    slot = nodes[0].execute_command("CLUSTER KEYSLOT", key)
    source = next(it for it in nodes if it.execute_command("CLUSTER COUNTKEYSINSLOT", slot))
    target = next(it for it in nodes if it is not source)
    source_id, target_id = (it.execute_command("CLUSTER MYID") for it in (source, target))
    target.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", source_id)
    source.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", target_id)
    port = ports[nodes.index(target)]
    source.execute_command("MIGRATE", "127.0.0.1", port, key, 0, 2000)
    for node in (target, source):
        node.execute_command("CLUSTER SETSLOT", slot, "NODE", target_id)
    for node in nodes:
        node.close()


def test_no_value_is_in_an_error(serve: Callable[..., int], key: str) -> None:
    port = serve("")
    client = redis.Redis(port=port)
    client.config_set("maxmemory", 1)
    store = RedisStore(f"redis://127.0.0.1:{port}")
    with pytest.raises(Unavailable) as caught:
        store.put(key, {"secret": "hush"}, 9)
    error: BaseException | None = caught.value
    while error is not None:
        assert "hush" not in str(error)
        error = error.__cause__ or error.__context__
    client.close()
    store.close()
