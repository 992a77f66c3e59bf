"""The transient operations as Redis commands: pure; ``storage.redis`` sends them.

Each operation is one command, so that it is atomic by itself. Scripts are sent whole (the server
knows a script again by its hash): a restarted or promoted server never has to ask for one.
"""

import json
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
    Value,
)

# A value is its JSON text, which begins with "{"; the digits before it count failed takes.
_TAKE = """
local stored = redis.call('GET', KEYS[1])
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
redis.call('DEL', KEYS[1])
for i = 2, #KEYS do
  local content = ARGV[2 * i]
  if content == '' then content = value end
  redis.call('SET', KEYS[i], content, 'EX', ARGV[2 * i + 1])
end
return {'taken', value}
"""
_HIT = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return count
"""
_LINK = """
redis.call('SADD', KEYS[1], ARGV[1])
if redis.call('TTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
return 1
"""


@dataclass(frozen=True, slots=True)
class Command:
    """What is sent, and the key that says to which node."""

    key: str
    arguments: tuple[str | int, ...]


def command(operation: Operation) -> Command:
    """The one command that carries out ``operation``."""
    key = operation.key
    match operation:
        case Get():
            return Command(key, ("GET", key))
        case Put(_, value, ttl):
            return Command(key, ("SET", key, _dump(value), "EX", max(ttl, 1)))
        case Add(_, value, ttl):
            return Command(key, ("SET", key, _dump(value), "NX", "EX", max(ttl, 1)))
        case Delete():
            return Command(key, ("DEL", key))
        case Take():
            return _take(operation)
        case Hit() | Link() | Unlink() | Members():
            return _count_or_link(operation)


def answer(operation: Operation, reply: Any) -> Any:
    """What the server's ``reply`` means as the operation's answer."""
    match operation:
        case Get():
            return None if reply is None else _load(reply)
        case Take():
            return _taken(*reply)
        case Hit():
            return int(reply)
        case Members():
            return frozenset(reply)
        case _:
            return bool(reply)


def _take(take: Take) -> Command:
    keys = (take.key, *(each.key for each in take.put), *([take.into] if take.into else []))
    bound = "" if take.binding is None else "bound"
    tries = "" if take.tries is None else take.tries
    put = [each for it in take.put for each in (_dump(it.value), max(it.ttl, 1))]
    if take.into:
        put += ["", max(take.into_ttl, 1)]  # nothing: the value that is taken
    arguments = (bound, take.binding or "", tries, *put)
    return Command(take.key, ("EVAL", _TAKE, len(keys), *keys, *arguments))


def _count_or_link(operation: Hit | Link | Unlink | Members) -> Command:
    key = operation.key
    match operation:
        case Hit(_, ttl):
            return Command(key, ("EVAL", _HIT, 1, key, max(ttl, 1)))
        case Link(_, member, ttl):
            return Command(key, ("EVAL", _LINK, 1, key, member, max(ttl, 1)))
        case Unlink(_, member):
            return Command(key, ("SREM", key, member))
        case Members():
            return Command(key, ("SMEMBERS", key))


def _taken(outcome: str, detail: Any = None) -> Taken:
    if outcome == "taken":
        return Taken(_load(detail))
    return Taken(mismatch=outcome == "mismatch", tries_left=detail)


def _dump(value: Value) -> str:
    return json.dumps(value, separators=(",", ":"))


def _load(stored: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(stored.lstrip("0123456789"))
    return value
