"""The transient store on Redis or Valkey: standalone, Sentinel or Cluster, commands of 7.0.

One run sends all commands for a node in one write and asks every node at the same time. Nothing is
sent twice unless the node said that it did not do it: an operation whose answer was lost may have
been done.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import hiredis
from redis.exceptions import RedisClusterException, RedisError

from idp.core.errors import Unavailable
from idp.storage.redis_commands import Command, plan, settle
from idp.storage.redis_connection import NodeConnection, Refused
from idp.storage.redis_nodes import Nodes, nodes_of
from idp.storage.transient import Add, Operation, Operations, Take

TIMEOUT = 2.0
WAIT_MS = 200
_REDIRECTIONS = 3
_pack: Any = hiredis.pack_command  # its types allow one argument only
_ASKING: bytes = _pack(("ASKING",))
_FAILURES = (RedisError, RedisClusterException, hiredis.HiredisError, OSError, Refused)


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
        nodes = self._here()
        commands = plan(operations, nodes.slot)
        single_use = self._replicas and any(isinstance(each, Take | Add) for each in operations)
        try:
            parts = _owners(nodes, commands)
            self._carry_out(operations, commands, parts, self._replicas if single_use else 0)
        except _FAILURES as error:
            nodes.doubt()
            raise Unavailable("redis") from error
        return settle(operations, commands)

    def ping(self) -> None:
        nodes = self._here()
        try:
            parts = [_Part(each, [Command(0, ("PING",), [])]) for each in nodes.all()]
            self._carry_out((), [], parts, 0)
        except _FAILURES as error:
            nodes.doubt()
            raise Unavailable("redis") from error

    def close(self) -> None:
        """Close every connection."""
        self._nodes.close()

    def _here(self) -> Nodes:
        """The nodes, connected by this process: after a fork the old belong to the parent."""
        if self._process != os.getpid():
            self._nodes, self._process = nodes_of(*self._address), os.getpid()
        return self._nodes

    def _carry_out(
        self,
        operations: Sequence[Operation],
        commands: list[Command],
        parts: "list[_Part]",
        acknowledged: int,
    ) -> None:
        """Fill in the replies of ``commands``; those that had to be split are among them then."""
        for _ in range(1 + _REDIRECTIONS):
            self.round_trips += 1
            _exchange(self._nodes, parts, acknowledged)
            refused = [each for part in parts for each in part.refused()]
            if not refused:
                return
            parts = _redirect(self._nodes, operations, commands, refused)
        raise Unavailable("redis")


@dataclass(slots=True)
class _Part:
    """The commands that one node has to answer."""

    connection: NodeConnection
    commands: list[Command]
    asking: bool = False
    """The slot is on its way to that node: each command needs the leave of ASKING."""

    def packed(self, acknowledged: int) -> bytes:
        packed: list[bytes] = [_pack(each.arguments) for each in self.commands]
        if self.asking:
            packed = [part for each in packed for part in (_ASKING, each)]
        if acknowledged:
            packed.append(_pack(("WAIT", acknowledged, WAIT_MS)))
        return b"".join(packed)

    def receive(self, acknowledged: int) -> None:
        """Read the replies to what :meth:`packed` sends."""
        count = len(self.commands) * (2 if self.asking else 1)
        replies = self.connection.receive(count + 1 if acknowledged else count)
        if acknowledged:
            reached = replies.pop()
            if isinstance(reached, Refused) or reached < acknowledged:
                raise Unavailable("redis")
        answered = replies[1::2] if self.asking else replies
        for each, reply in zip(self.commands, answered, strict=True):
            each.reply = reply

    def refused(self) -> "list[tuple[Command, _Part]]":
        """The commands that were not done, because the slot is elsewhere or on its way.

        Raises:
            Refused: any other error.
        """
        found = []
        for each in self.commands:
            if isinstance(each.reply, Refused):
                if each.reply.code not in ("MOVED", "ASK", "TRYAGAIN"):
                    if each.reply.code == "READONLY":  # no master: connecting finds the new one
                        self.connection.close()
                    raise each.reply
                found.append((each, self))
        return found


def _exchange(nodes: Nodes, parts: Sequence[_Part], acknowledged: int) -> None:
    """Ask every part's node, then await the answers."""
    for part in parts:
        nodes.ready(part.connection)
    try:
        for part in parts:
            part.connection.send(part.packed(acknowledged))
        for part in parts:
            part.receive(acknowledged)
    except BaseException:
        for part in parts:  # some have not been heard: their answers would come late
            part.connection.close()
        raise


def _redirect(
    nodes: Nodes,
    operations: Sequence[Operation],
    commands: list[Command],
    refused: Sequence[tuple[Command, _Part]],
) -> list[_Part]:
    """The parts that follow MOVED (for good), ASK (for this once) and TRYAGAIN (key by key)."""
    anew: list[Command] = []
    asking: dict[int, _Part] = {}
    moved = False
    for command, part in refused:
        match command.reply.code:
            case "MOVED":
                moved = True
                anew.append(command)
            case "ASK":
                connection = nodes.at(command.reply.address, part.connection)
                follows = asking.setdefault(id(connection), _Part(connection, [], asking=True))
                follows.commands.append(command)
            case _:
                if len(command.places) < 2:
                    raise command.reply
                split = command.split(operations)
                commands.remove(command)
                commands += split
                anew += split
    if moved:
        nodes.refresh()
    return [*_owners(nodes, anew), *asking.values()]


def _owners(nodes: Nodes, commands: Sequence[Command]) -> list[_Part]:
    """The commands by the node that has their keys."""
    if len({each.slot for each in commands}) == 1:
        return [_Part(nodes.owner(commands[0].slot), list(commands))]
    by_slot: dict[int, _Part] = {}
    parts: dict[int, _Part] = {}
    for command in commands:
        part = by_slot.get(command.slot)
        if part is None:
            connection = nodes.owner(command.slot)
            part = by_slot[command.slot] = parts.setdefault(id(connection), _Part(connection, []))
        part.commands.append(command)
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
