"""The transient store on Redis or Valkey: standalone, Sentinel or Cluster, commands of 7.0.

One run is one pipeline to the node that holds the keys. Nothing is sent twice: an operation whose
answer was lost may have been done.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol
from urllib.parse import unquote

from redis import BlockingConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import MovedError, RedisClusterException, RedisError
from redis.retry import Retry
from redis.sentinel import Sentinel

from idp.core.errors import Unavailable
from idp.storage.redis_commands import Command, answer, command
from idp.storage.transient import Add, Operation, Operations, Take

TIMEOUT = 2.0
MAX_CONNECTIONS = 64
WAIT_MS = 200


class RedisStore(Operations):
    """A :class:`idp.storage.transient.TransientStore`. ``round_trips`` counts the pipelines.

    ``url`` is ``redis://``, ``rediss://``, ``unix://``, ``redis+sentinel://h:p,h:p/name`` or
    ``redis+cluster://h:p,h:p`` (``rediss+…`` for TLS). With ``replicas``, what is consumed or
    claimed must have reached that many of them, or it counts as unknown.
    """

    def __init__(self, url: str, *, replicas: int = 0, timeout: float = TIMEOUT) -> None:
        self.round_trips = 0
        self._replicas = replicas
        self._nodes = _connect(url, timeout)

    def run(self, *operations: Operation) -> tuple[Any, ...]:
        commands = [command(each) for each in operations]
        single_use = any(isinstance(each, Take | Add) for each in operations)
        with self._available():
            replies = self._send(commands, acknowledged=self._replicas if single_use else 0)
        return tuple(map(answer, operations, replies))

    def ping(self) -> None:
        with self._available():
            for client in self._nodes.all():
                client.ping()

    def close(self) -> None:
        """Close every connection."""
        self._nodes.close()

    def _send(self, commands: Sequence[Command], *, acknowledged: int) -> list[Any]:
        replies: list[Any] = [None] * len(commands)
        moved = self._send_to_owners(commands, range(len(commands)), replies, acknowledged)
        if moved:  # refused by a node that no longer has the slot, so not done
            self._nodes.refresh()
            moved = self._send_to_owners(commands, moved, replies, acknowledged)
        if moved:
            raise Unavailable("redis")
        return replies

    def _send_to_owners(
        self,
        commands: Sequence[Command],
        places: Sequence[int],
        replies: list[Any],
        acknowledged: int,
    ) -> list[int]:
        """Fill in the replies; the places of commands that another node has to answer."""
        moved = []
        for client, here in self._nodes.route(commands, places):
            found = self._pipeline(client, commands, here, acknowledged)
            for place, reply in zip(here, found, strict=True):
                if isinstance(reply, MovedError):
                    moved.append(place)
                elif isinstance(reply, Exception):
                    raise reply
                replies[place] = reply
        return moved

    def _pipeline(
        self, client: Any, commands: Sequence[Command], places: Sequence[int], acknowledged: int
    ) -> list[Any]:
        pipeline = client.pipeline(transaction=False)
        for place in places:
            pipeline.execute_command(*commands[place].arguments)
        if acknowledged:
            pipeline.execute_command("WAIT", acknowledged, WAIT_MS)
        self.round_trips += 1
        # An error that is raised for us would quote the command, and so the values in it.
        replies: list[Any] = pipeline.execute(raise_on_error=False)
        if acknowledged and replies.pop() < acknowledged:
            raise Unavailable("redis")
        return replies

    @contextmanager
    def _available(self) -> Iterator[None]:
        try:
            yield
        except (RedisError, RedisClusterException, OSError) as error:
            self._nodes.doubt()
            raise Unavailable("redis") from error


def check_url(url: str) -> None:
    """Return when ``url`` is one of Redis; nothing is connected. An error quotes nothing of it.

    Raises:
        ValueError: it is not.
    """
    try:
        _connect(url, TIMEOUT).close()
    except (ValueError, TypeError):
        raise ValueError(
            "Redis is redis://host:port, rediss://, unix:///path, redis+sentinel://h:p,h:p/name"
            " or redis+cluster://h:p,h:p"
        ) from None


class _Nodes(Protocol):
    """Where commands go."""

    def route(
        self, commands: Sequence[Command], places: Sequence[int]
    ) -> list[tuple[Any, Sequence[int]]]:
        """Clients, and the places of the commands that each is for."""
        ...

    def all(self) -> Sequence[Any]:
        """Every client that has to answer."""
        ...

    def refresh(self) -> None:
        """Learn anew who has which slot."""
        ...

    def doubt(self) -> None:
        """Refresh before the next command: something failed."""
        ...

    def close(self) -> None: ...


class _One:
    """A single server, or the one that Sentinel calls the master now."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def route(
        self, commands: Sequence[Command], places: Sequence[int]
    ) -> list[tuple[Any, Sequence[int]]]:
        return [(self._client, places)]

    def all(self) -> Sequence[Any]:
        return (self._client,)

    def refresh(self) -> None:
        """There is one."""

    def doubt(self) -> None:
        """A broken connection is replaced by the pool; Sentinel is asked again by it."""

    def close(self) -> None:
        self._client.close()
        self._client.connection_pool.disconnect()


class _Cluster:
    """A cluster's masters. Connects with the first command."""

    def __init__(self, addresses: Sequence[tuple[str, int]], options: Mapping[str, Any]) -> None:
        self._addresses = addresses
        self._options = options
        self._lock = threading.Lock()
        self._client: Any = None
        self._doubtful = False

    def route(
        self, commands: Sequence[Command], places: Sequence[int]
    ) -> list[tuple[Any, Sequence[int]]]:
        client = self._current()
        routes: dict[str, tuple[Any, list[int]]] = {}
        for place in places:
            node = client.get_node_from_key(commands[place].key)
            if node.name not in routes:
                routes[node.name] = client.get_redis_connection(node), []
            routes[node.name][1].append(place)
        return list(routes.values())

    def all(self) -> Sequence[Any]:
        client = self._current()
        return [client.get_redis_connection(node) for node in client.get_primaries()]

    def refresh(self) -> None:
        self._current().nodes_manager.initialize()

    def doubt(self) -> None:
        self._doubtful = True

    def close(self) -> None:
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _current(self) -> Any:
        with self._lock:
            if self._client is None:
                nodes = [_node(host, port) for host, port in self._addresses]
                self._client = RedisCluster(startup_nodes=nodes, **self._options)
            elif self._doubtful:
                self._client.nodes_manager.initialize()
            self._doubtful = False
            return self._client


_node: Any = ClusterNode  # neither is typed
_sentinel: Any = Sentinel


def _connect(url: str, timeout: float) -> _Nodes:
    options: dict[str, Any] = {
        "decode_responses": True,
        "protocol": 2,
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": Retry(NoBackoff(), 0),
    }
    scheme, _, rest = url.partition("://")
    if "+" not in scheme:
        pool = BlockingConnectionPool.from_url(
            url, max_connections=MAX_CONNECTIONS, timeout=timeout, **options
        )
        return _One(Redis(connection_pool=pool))
    credentials, _, rest = rest.rpartition("@")
    hosts, _, name = rest.partition("/")
    addresses = [_address(each) for each in hosts.split(",")]
    username, _, password = (unquote(part) for part in credentials.partition(":"))
    options |= {
        "username": username or None,
        "password": password or None,
        "ssl": scheme.startswith("rediss"),
        "max_connections": MAX_CONNECTIONS,
    }
    match scheme.split("+"):
        case ["redis" | "rediss", "cluster"]:
            return _Cluster(addresses, options)
        case ["redis" | "rediss", "sentinel"] if name:
            asked = {each: options[each] for each in ("socket_timeout", "retry", "ssl")}
            sentinel = _sentinel(addresses, sentinel_kwargs=asked, **options)
            return _One(sentinel.master_for(name))
    raise ValueError("a Redis URL is redis://, rediss://, unix://, …+sentinel:// or …+cluster://")


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError("an address of Redis is host:port")
    return host.strip("[]"), int(port)
