"""The transient store on Redis or Valkey: standalone, Sentinel or Cluster, commands of 7.0.

One run sends all commands for a node in one write and asks every node at the same time. Nothing is
sent twice unless the node said that it did not do it: an operation whose answer was lost may have
been done.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import hiredis
from redis.exceptions import RedisClusterException, RedisError

from idp.core.errors import Unavailable
from idp.storage.redis_commands import Command, answer, command
from idp.storage.redis_connection import NodeConnection, Refused
from idp.storage.redis_nodes import Nodes, nodes_of
from idp.storage.transient import Add, Operation, Operations, Take

TIMEOUT = 2.0
WAIT_MS = 200
_REDIRECTIONS = 3
_pack: Any = hiredis.pack_command  # its types allow one argument only
_ASKING: bytes = _pack(("ASKING",))
_PING = Command("", ("PING",))


class RedisStore(Operations):
    """A :class:`idp.storage.transient.TransientStore`. ``round_trips`` counts the exchanges.

    ``url`` is ``redis://``, ``rediss://``, ``unix://``, ``redis+sentinel://h:p,h:p/name`` or
    ``redis+cluster://h:p,h:p`` (``rediss+…`` for TLS). With ``replicas``, what is consumed or
    claimed must have reached that many of them, or it counts as unknown. Each thread keeps one
    connection to each node.
    """

    def __init__(self, url: str, *, replicas: int = 0, timeout: float = TIMEOUT) -> None:
        self.round_trips = 0
        self._replicas = replicas
        self._address = url, timeout
        self._nodes = nodes_of(url, timeout)
        self._process = os.getpid()

    def run(self, *operations: Operation) -> tuple[Any, ...]:
        if not operations:
            return ()
        commands = [command(each) for each in operations]
        single_use = any(isinstance(each, Take | Add) for each in operations)
        replies = self._replies(commands, self._replicas if single_use else 0)
        return tuple(map(answer, operations, replies))

    def ping(self) -> None:
        self._replies(None, 0)

    def close(self) -> None:
        """Close every connection."""
        self._nodes.close()

    def _replies(self, commands: Sequence[Command] | None, acknowledged: int) -> list[Any]:
        """The replies to ``commands``; without commands, every node answers a PING."""
        if self._process != os.getpid():  # forked: its connections belong to the parent
            self._nodes, self._process = nodes_of(*self._address), os.getpid()
        nodes = self._nodes
        try:
            if commands is None:
                parts = [_Part(each, [place]) for place, each in enumerate(nodes.all())]
                commands = [_PING] * len(parts)
            else:
                parts = _owners(nodes, commands, range(len(commands)))
            return self._carry_out(nodes, commands, parts, acknowledged)
        except (RedisError, RedisClusterException, hiredis.HiredisError, OSError, Refused) as error:
            nodes.doubt()
            raise Unavailable("redis") from error

    def _carry_out(
        self, nodes: Nodes, commands: Sequence[Command], parts: "list[_Part]", acknowledged: int
    ) -> list[Any]:
        replies: list[Any] = [None] * len(commands)
        for _ in range(1 + _REDIRECTIONS):
            self.round_trips += 1
            redirected = _fill(replies, parts, _exchange(nodes, commands, parts, acknowledged))
            if not redirected:
                return replies
            parts = _redirect(nodes, commands, redirected)
        raise Unavailable("redis")


@dataclass(slots=True)
class _Part:
    """The places of the commands that one node has to answer."""

    connection: NodeConnection
    places: list[int]
    asking: bool = False
    """The slot is on its way to that node: each command needs the leave of ASKING."""

    def packed(self, commands: Sequence[Command], acknowledged: int) -> bytes:
        packed = [_pack(commands[place].arguments) for place in self.places]
        if self.asking:
            packed = [part for each in packed for part in (_ASKING, each)]
        if acknowledged:
            packed.append(_pack(("WAIT", acknowledged, WAIT_MS)))
        return b"".join(packed)

    def receive(self, acknowledged: int) -> list[Any]:
        """The replies to what :meth:`packed` sends, without those to ASKING and WAIT."""
        count = len(self.places) * (2 if self.asking else 1)
        replies = self.connection.receive(count + 1 if acknowledged else count)
        if acknowledged:
            reached = replies.pop()
            if isinstance(reached, Refused) or reached < acknowledged:
                raise Unavailable("redis")
        return replies[1::2] if self.asking else replies


def _exchange(
    nodes: Nodes, commands: Sequence[Command], parts: Sequence[_Part], acknowledged: int
) -> list[list[Any]]:
    """The replies of each part's node. All are asked before the first answer is awaited."""
    for part in parts:
        nodes.ready(part.connection)
    try:
        for part in parts:
            part.connection.send(part.packed(commands, acknowledged))
        return [part.receive(acknowledged) for part in parts]
    except BaseException:
        for part in parts:  # some have not been heard: their answers would come late
            part.connection.close()
        raise


def _fill(
    replies: list[Any], parts: Sequence[_Part], found: Sequence[Sequence[Any]]
) -> list[tuple[int, Refused, NodeConnection]]:
    """Put what was ``found`` into ``replies``. Returns what another node has to answer."""
    redirected = []
    for part, answers in zip(parts, found, strict=True):
        for place, reply in zip(part.places, answers, strict=True):
            if not isinstance(reply, Refused):
                replies[place] = reply
            elif reply.address:  # MOVED or ASK: refused, so not done
                redirected.append((place, reply, part.connection))
            else:
                if reply.code == "READONLY":  # no master any more: connecting finds the new one
                    part.connection.close()
                raise reply
    return redirected


def _redirect(
    nodes: Nodes,
    commands: Sequence[Command],
    redirected: Sequence[tuple[int, Refused, NodeConnection]],
) -> list[_Part]:
    """The parts that follow MOVED (for good) and ASK (for this once)."""
    moved = [place for place, refused, _ in redirected if refused.code == "MOVED"]
    if moved:
        nodes.refresh()
    parts = _owners(nodes, commands, moved)
    asking: dict[int, _Part] = {}
    for place, refused, teller in redirected:
        if refused.code == "ASK":
            connection = nodes.at(refused.address, teller)
            part = asking.setdefault(id(connection), _Part(connection, [], asking=True))
            part.places.append(place)
    return [*parts, *asking.values()]


def _owners(nodes: Nodes, commands: Sequence[Command], places: Iterable[int]) -> list[_Part]:
    """The commands at ``places`` by the node that has their keys."""
    by_slot: dict[int, _Part] = {}
    parts: dict[int, _Part] = {}
    for place in places:
        slot = nodes.slot(commands[place].key)
        part = by_slot.get(slot)
        if part is None:
            connection = nodes.owner(slot)
            part = by_slot[slot] = parts.setdefault(id(connection), _Part(connection, []))
        part.places.append(place)
    return list(parts.values())


def check_url(url: str) -> None:
    """Return when ``url`` is one of Redis; nothing is connected. An error quotes nothing of it.

    Raises:
        ValueError: it is not.
    """
    try:
        nodes_of(url, TIMEOUT).close()
    except (ValueError, TypeError):
        raise ValueError(
            "Redis is redis://host:port, rediss://, unix:///path, redis+sentinel://h:p,h:p/name"
            " or redis+cluster://h:p,h:p"
        ) from None
