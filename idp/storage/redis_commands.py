"""The transient operations as Redis commands: pure; ``storage.redis`` sends them.

Each operation is atomic by itself. Get after Get is one MGET; the Hits of a run are one script. In
a Cluster a command names keys of one slot only. Scripts are sent whole (the server knows a script
again by its hash): a restarted or promoted server never has to ask for one.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from idp.storage.transient import (
    Add,
    Delete,
    Get,
    Hit,
    Link,
    Members,
    Operation,
    Put,
    Take,
    Taken,
    Unlink,
)

# A value is its JSON text, which begins with "{"; the digits before it count failed takes.
_TAKE = """
local stored = redis.call(ARGV[1] == 'bound' and 'GET' or 'GETDEL', KEYS[1])
if not stored then return {'absent'} end
local misses, value = string.match(stored, '^(%d*)(.*)$')
if ARGV[1] == 'bound' and cjson.decode(value).binding ~= ARGV[2] then
  if ARGV[3] == '' then return {'mismatch'} end
  misses = (tonumber(misses) or 0) + 1
  local left = math.max(tonumber(ARGV[3]) - misses, 0)
  if left == 0 then redis.call('DEL', KEYS[1])
  else redis.call('SET', KEYS[1], misses .. value, 'KEEPTTL') end
  return {'mismatch', left}
end
if ARGV[1] == 'bound' then redis.call('DEL', KEYS[1]) end
for i = 2, #KEYS do
  local content = ARGV[2 * i]
  if content == '' then content = value end
  redis.call('SET', KEYS[i], content, 'EX', ARGV[2 * i + 1])
end
return {'taken', value}
"""
_HITS = """
local counts = {}
for i, key in ipairs(KEYS) do
  counts[i] = redis.call('INCR', key)
  if counts[i] == 1 then redis.call('EXPIRE', key, ARGV[i]) end
end
return counts
"""
_LINK = """
redis.call('SADD', KEYS[1], ARGV[1])
if redis.call('EXPIRE', KEYS[1], ARGV[2], 'NX') == 0 then
  redis.call('EXPIRE', KEYS[1], ARGV[2], 'GT')
end
return 1
"""


_encode = json.JSONEncoder(separators=(",", ":")).encode
_decode = json.JSONDecoder().raw_decode


@dataclass(slots=True)
class Command:
    """What is sent, the slot of its keys, and the places of the operations that it carries out."""

    slot: int
    arguments: tuple[str | int, ...]
    places: list[int]
    reply: Any = None

    def split(self, operations: Sequence[Operation]) -> "list[Command]":
        """The same, one command an operation."""
        return [Command(self.slot, _arguments(operations[place]), [place]) for place in self.places]


def plan(operations: Sequence[Operation], slot: Callable[[str], int]) -> list[Command]:
    """The commands that carry out ``operations`` in order.

    A Hit may come earlier than it stands in the run: a counter says nothing about other keys. A
    Get never passes another operation: whoever takes first and then looks for a mark must not look
    first. Where another operation of the run has the key too, neither is joined with others.
    """
    commands: list[Command] = []
    joining: dict[type[Operation], dict[int, Command]] = {Get: {}, Hit: {}}
    apart = {kind: _touched(operations, kind) for kind in joining}
    for place, operation in enumerate(operations):
        kind, here = type(operation), slot(operation.key)
        joins = kind in joining and operation.key not in apart[kind]
        if joins and here in joining[kind]:
            joining[kind][here].places.append(place)
            continue
        command = Command(here, (), [place])
        commands.append(command)
        if kind is not Get:
            joining[Get].clear()
        if joins:
            joining[kind][here] = command
    for command in commands:
        command.arguments = _joined([operations[place] for place in command.places])
    return commands


def answers(operations: Sequence[Operation], commands: Iterable[Command]) -> tuple[Any, ...]:
    """What the replies to ``commands`` mean as the operations' answers."""
    found: list[Any] = [None] * len(operations)
    for command in commands:
        places, reply = command.places, command.reply
        if len(places) == 1:
            found[places[0]] = _answer(operations[places[0]], reply)
        else:
            for place, each in zip(places, reply, strict=True):
                found[place] = _answer(operations[place], each)
    return tuple(found)


def _touched(operations: Iterable[Operation], kind: type[Operation]) -> set[str]:
    """The keys of the operations that are not of ``kind``."""
    keys: set[str] = set()
    for each in operations:
        if type(each) is not kind:
            keys.add(each.key)
            if isinstance(each, Take):
                keys.update((each.into, *(put.key for put in each.put)))
    return keys


def _joined(operations: Sequence[Operation]) -> tuple[str | int, ...]:
    """The one command that carries out ``operations``: one, or several Gets or Hits."""
    if len(operations) == 1:
        return _arguments(operations[0])
    keys = [each.key for each in operations]
    lifetimes = [max(each.ttl, 1) for each in operations if isinstance(each, Hit)]
    return ("EVAL", _HITS, len(keys), *keys, *lifetimes) if lifetimes else ("MGET", *keys)


def _arguments(operation: Operation) -> tuple[str | int, ...]:
    """The one command that carries out ``operation``."""
    key = operation.key
    match operation:
        case Get():
            return ("GET", key)
        case Put(_, value, ttl):
            return ("SET", key, _encode(value), "EX", max(ttl, 1))
        case Add(_, value, ttl):
            return ("SET", key, _encode(value), "NX", "EX", max(ttl, 1))
        case Delete():
            return ("DEL", key)
        case Take():
            return _take(operation)
        case Hit() | Link() | Unlink() | Members():
            return _count_or_link(operation)


def _answer(operation: Operation, reply: Any) -> Any:
    match operation:
        case Get():
            return None if reply is None else _load(reply)
        case Take():
            return _taken(reply)
        case Hit():
            return reply[0] if isinstance(reply, list) else reply
        case Members():
            return frozenset(reply)
        case _:
            return bool(reply)


def _take(take: Take) -> tuple[str | int, ...]:
    if take.binding is None and not take.put and not take.into:
        return ("GETDEL", take.key)
    keys = (take.key, *(each.key for each in take.put), *([take.into] if take.into else []))
    bound = "" if take.binding is None else "bound"
    tries = "" if take.tries is None else take.tries
    put = [each for it in take.put for each in (_encode(it.value), max(it.ttl, 1))]
    if take.into:
        put += ["", max(take.into_ttl, 1)]  # nothing: the value that is taken
    arguments = (bound, take.binding or "", tries, *put)
    return ("EVAL", _TAKE, len(keys), *keys, *arguments)


def _count_or_link(operation: Hit | Link | Unlink | Members) -> tuple[str | int, ...]:
    key = operation.key
    match operation:
        case Hit(_, ttl):
            return "EVAL", _HITS, 1, key, max(ttl, 1)
        case Link(_, member, ttl):
            return "EVAL", _LINK, 1, key, member, max(ttl, 1)
        case Unlink(_, member):
            return "SREM", key, member
        case Members():
            return "SMEMBERS", key


def _taken(reply: str | list[Any] | None) -> Taken:
    """A script answers a list, GETDEL the value or None."""
    if not isinstance(reply, list):
        return Taken(None if reply is None else _load(reply))
    match reply:
        case ["taken", stored]:
            return Taken(_load(stored))
        case ["mismatch", *left]:
            return Taken(mismatch=True, tries_left=left[0] if left else None)
    return Taken()


def _load(stored: str) -> dict[str, Any]:
    if stored[0] != "{":
        stored = stored.lstrip("0123456789")
    value: dict[str, Any] = _decode(stored)[0]
    return value
