"""The transient operations as Redis commands: pure; ``storage.redis`` sends them.

Each operation is atomic by itself. Get after Get is one MGET; the Hits of a run are one script, its
Links another. In a Cluster a command names keys of one slot only. Scripts are sent whole (the
server knows a script again by its hash): a restarted or promoted server never has to ask for one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from idp.core.records import decode, encode
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
_LINKS = """
local done = {}
for i, key in ipairs(KEYS) do
  redis.call('SADD', key, ARGV[2 * i - 1])
  if redis.call('EXPIRE', key, ARGV[2 * i], 'NX') == 0 then
    redis.call('EXPIRE', key, ARGV[2 * i], 'GT')
  end
  done[i] = 1
end
return done
"""


Arguments: TypeAlias = tuple[str | bytes | int, ...]


@dataclass(slots=True)
class Command:
    """What is sent, the slot of its keys, and the places of the operations that it carries out."""

    slot: int
    arguments: Arguments
    places: list[int]
    reply: Any = None

    def split(self, operations: Sequence[Operation]) -> "list[Command]":
        """The same, one command an operation."""
        return [Command(self.slot, _arguments(operations[place]), [place]) for place in self.places]


def plan(operations: Sequence[Operation], slot: Callable[[str], int]) -> list[Command]:
    """The commands that carry out ``operations`` in order.

    A Hit or a Link may come earlier than it stands in the run: counters and sets of names say
    nothing about other keys. A Get never passes another operation: a caller that takes first
    and then looks for a mark must not look first. Where another operation of the run has the key
    too, neither is joined with others.
    """
    if len(operations) == 1:
        return [Command(slot(operations[0].key), _arguments(operations[0]), [0])]
    shared = _shared(operations)
    commands: list[Command] = []
    joining: dict[tuple[type, int], Command] = {}
    for place, operation in enumerate(operations):
        kind, key = type(operation), operation.key
        here = slot(key)
        joins = kind in _JOINED and key not in shared
        if joins and (kind, here) in joining:
            joining[kind, here].places.append(place)
            continue
        command = Command(here, (), [place])
        commands.append(command)
        if kind is not Get:
            joining = {each: into for each, into in joining.items() if each[0] is not Get}
        if joins:
            joining[kind, here] = command
    for command in commands:
        command.arguments = _joined([operations[place] for place in command.places])
    return commands


def settle(operations: Sequence[Operation], commands: Iterable[Command]) -> tuple[Any, ...]:
    """The answers that the replies to ``commands`` mean, given to the operations as well."""
    for command in commands:
        places, reply = command.places, command.reply
        replies = (reply,) if len(places) == 1 else reply
        for place, each in zip(places, replies, strict=True):
            operation = operations[place]
            operation.value = _ANSWERS[type(operation)](operation, each)
    return tuple([each.value for each in operations])


def _shared(operations: Iterable[Operation]) -> set[str]:
    """The keys that operations of different kinds have."""
    kinds: dict[str, type] = {}
    shared: set[str] = set()
    for each in operations:
        kind = type(each)
        if kinds.setdefault(each.key, kind) is not kind:
            shared.add(each.key)
        if isinstance(each, Take):
            for key in (each.into, *(put.key for put in each.put)):
                if kinds.setdefault(key, Put) is not Put:
                    shared.add(key)
    return shared


def _joined(operations: Sequence[Operation]) -> Arguments:
    """The one command that carries out ``operations``: one, or several of a kind."""
    if len(operations) == 1:
        return _arguments(operations[0])
    keys = [each.key for each in operations]
    match operations[0]:
        case Hit():
            lifetimes = [max(each.ttl, 1) for each in operations if isinstance(each, Hit)]
            return ("EVAL", _HITS, len(keys), *keys, *lifetimes)
        case Link():
            return ("EVAL", _LINKS, len(keys), *keys, *_linked(operations))
    return ("MGET", *keys)


def _linked(operations: Iterable[Operation]) -> Iterator[str | int]:
    for each in operations:
        if isinstance(each, Link):
            yield from (each.member, max(each.ttl, 1))


def _arguments(operation: Operation) -> Arguments:
    """The one command that carries out ``operation``."""
    return _ARGUMENTS[type(operation)](operation)


def _take(take: Take[Any]) -> Arguments:
    if take.binding is None and not take.put and not take.into:
        return ("GETDEL", take.key)
    keys = (take.key, *(each.key for each in take.put), *([take.into] if take.into else []))
    bound = "" if take.binding is None else "bound"
    tries = "" if take.tries is None else take.tries
    put = [each for it in take.put for each in (encode(it.content), max(it.ttl, 1))]
    if take.into:
        put += [b"", max(take.into_ttl, 1)]  # nothing: the value that is taken
    return ("EVAL", _TAKE, len(keys), *keys, bound, take.binding or "", tries, *put)


def _taken(take: Take[Any], reply: str | list[Any] | None) -> Taken[Any]:
    """A script answers a list, GETDEL the value or None."""
    if not isinstance(reply, list):
        return Taken(None if reply is None else _load(reply, take.kind))
    match reply:
        case ["taken", stored]:
            return Taken(_load(stored, take.kind))
        case ["mismatch", *left]:
            return Taken(mismatch=True, tries_left=left[0] if left else None)
    return Taken()


def _load(stored: str, kind: type[Any] | None) -> Any:
    return decode(stored if stored[0] == "{" else stored.lstrip("0123456789"), kind)


def _first(hit: Hit, reply: Any) -> int:
    count: int = reply[0] if isinstance(reply, list) else reply
    return count


def _done(_: Operation, reply: Any) -> bool:
    return bool(reply)


_JOINED = (Get, Hit, Link)
_ARGUMENTS: Mapping[type, Callable[[Any], Arguments]] = {
    Get: lambda get: ("GET", get.key),
    Put: lambda put: ("SET", put.key, encode(put.content), "EX", max(put.ttl, 1)),
    Add: lambda add: ("SET", add.key, encode(add.content), "NX", "EX", max(add.ttl, 1)),
    Delete: lambda delete: ("DEL", delete.key),
    Take: _take,
    Hit: lambda hit: ("EVAL", _HITS, 1, hit.key, max(hit.ttl, 1)),
    Link: lambda link: ("EVAL", _LINKS, 1, link.key, link.member, max(link.ttl, 1)),
    Unlink: lambda unlink: ("SREM", unlink.key, unlink.member),
    Members: lambda members: ("SMEMBERS", members.key),
}
_ANSWERS: Mapping[type, Callable[[Any, Any], Any]] = {
    Get: lambda get, reply: None if reply is None else _load(reply, get.kind),
    Put: _done,
    Add: _done,
    Delete: _done,
    Take: _taken,
    Hit: _first,
    Link: _done,
    Unlink: _done,
    Members: lambda _, reply: frozenset(reply),
}
