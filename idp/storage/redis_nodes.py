"""Where commands go: a single Redis, the master that Sentinel names, or a Cluster's masters."""

import threading
from binascii import crc_hqx
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import unquote

from redis import ConnectionPool
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.retry import Retry
from redis.sentinel import Sentinel

from idp.storage.redis_connection import Connections, NodeConnection

_SLOTS = 16_384
_node: Any = ClusterNode  # neither is typed
_sentinel: Any = Sentinel


class Nodes(Protocol):
    """The connections of the thread that asks. Each has to be made :meth:`ready` before its use."""

    def slot(self, key: str) -> int:
        """What keys have in common that one command may name together."""
        ...

    def owner(self, slot: int) -> NodeConnection:
        """The node that has ``slot``."""
        ...

    def ready(self, connection: NodeConnection) -> None:
        """Connect it, unless it is. Raises redis-py's errors and OSError: nothing was sent."""
        ...

    def at(self, address: str, teller: NodeConnection) -> NodeConnection:
        """The node at ``address``, as ``teller`` calls it (without a host: its own)."""
        ...

    def all(self) -> Sequence[NodeConnection]:
        """Every node that has to answer."""
        ...

    def refresh(self) -> None:
        """Learn anew who has which slot."""
        ...

    def doubt(self) -> None:
        """Refresh before the next command: something failed."""
        ...

    def close(self) -> None: ...


class _One:
    """A single server."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._connections = Connections()

    def slot(self, key: str) -> int:
        return 0

    def owner(self, slot: int) -> NodeConnection:
        return self._connections.to(None, self._make)

    def ready(self, connection: NodeConnection) -> None:
        connection.ready()

    def at(self, address: str, teller: NodeConnection) -> NodeConnection:
        raise ConnectionError("a single Redis names no other")

    def all(self) -> Sequence[NodeConnection]:
        return (self.owner(0),)

    def refresh(self) -> None:
        """There is one."""

    def doubt(self) -> None:
        """A connection that broke is closed already."""

    def close(self) -> None:
        self._connections.close()
        self._pool.disconnect()

    def _make(self) -> Any:
        return self._pool.connection_class(**self._pool.connection_kwargs)


class _Master(_One):
    """The server that Sentinel calls the master. Sentinel is asked with each new connection."""

    def __init__(self, client: Any) -> None:
        super().__init__(client.connection_pool)
        self._client = client
        self._address: tuple[str, int] | None = None

    def ready(self, connection: NodeConnection) -> None:
        if connection.address != self._address:  # another thread found a new master
            connection.close()
        connection.ready()
        self._address = connection.address


class _Cluster:
    """A cluster's masters. Connects with the first command."""

    def __init__(self, addresses: Sequence[tuple[str, int]], options: Mapping[str, Any]) -> None:
        self._addresses = addresses
        self._options = options
        self._lock = threading.Lock()
        self._client: Any = None
        self._doubtful = False
        self._connections = Connections()

    def slot(self, key: str) -> int:
        start = key.find("{")
        if start >= 0:
            end = key.find("}", start + 1)
            if end > start + 1:
                key = key[start + 1 : end]
        return crc_hqx(key.encode(), 0) % _SLOTS

    def owner(self, slot: int) -> NodeConnection:
        node = self._current().nodes_manager.get_node_from_slot(slot)
        return self._to(node.host, node.port)

    def ready(self, connection: NodeConnection) -> None:
        connection.ready()

    def at(self, address: str, teller: NodeConnection) -> NodeConnection:
        host, _, port = address.rpartition(":")
        return self._to(host or teller.address[0], int(port))

    def all(self) -> Sequence[NodeConnection]:
        return [self._to(node.host, node.port) for node in self._current().get_primaries()]

    def refresh(self) -> None:
        self._current().nodes_manager.initialize()

    def doubt(self) -> None:
        self._doubtful = True

    def close(self) -> None:
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None
        self._connections.close()

    def _to(self, host: str, port: int) -> NodeConnection:
        return self._connections.to((host, port), lambda: self._make(host, port))

    def _make(self, host: str, port: int) -> Any:
        client = self._current()
        pool = client.get_redis_connection(client.get_default_node()).connection_pool
        return pool.connection_class(**{**pool.connection_kwargs, "host": host, "port": port})

    def _current(self) -> Any:
        with self._lock:
            if self._client is None:
                nodes = [_node(host, port) for host, port in self._addresses]
                self._client = RedisCluster(startup_nodes=nodes, **self._options)
            elif self._doubtful:
                self._client.nodes_manager.initialize()
            self._doubtful = False
            return self._client


def nodes_of(url: str, timeout: float) -> Nodes:
    """The nodes behind ``url``; nothing is connected yet.

    Raises:
        ValueError, TypeError: it is no URL of Redis.
    """
    options: dict[str, Any] = {
        "decode_responses": True,
        "protocol": 2,
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": Retry(NoBackoff(), 0),
    }
    scheme, _, rest = url.partition("://")
    if "+" not in scheme:
        return _One(ConnectionPool.from_url(url, **options))
    credentials, _, rest = rest.rpartition("@")
    hosts, _, name = rest.partition("/")
    addresses = [_address(each) for each in hosts.split(",")]
    username, _, password = (unquote(part) for part in credentials.partition(":"))
    options |= {
        "username": username or None,
        "password": password or None,
        "ssl": scheme.startswith("rediss"),
    }
    match scheme.split("+"):
        case ["redis" | "rediss", "cluster"]:
            return _Cluster(addresses, options)
        case ["redis" | "rediss", "sentinel"] if name:
            asked = {each: options[each] for each in ("socket_timeout", "retry", "ssl")}
            sentinel = _sentinel(addresses, sentinel_kwargs=asked, **options)
            return _Master(sentinel.master_for(name))
    raise ValueError("a Redis URL is redis://, rediss://, unix://, …+sentinel:// or …+cluster://")


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError("an address of Redis is host:port")
    return host.strip("[]"), int(port)
