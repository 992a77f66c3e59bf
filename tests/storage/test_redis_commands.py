"""Which commands a run becomes: few, and in an order that means the same."""

import pytest

from idp.storage.redis_commands import plan
from idp.storage.transient import Delete, Get, Hit, Operation, Put, Take


def _sent(*operations: Operation, slots: str = "") -> list[str]:
    """Each command's name and the places of its operations. Keys that begin alike share a slot."""
    commands = plan(operations, lambda key: slots.find(key[0]))
    return [f"{each.arguments[0]} {''.join(map(str, each.places))}" for each in commands]


@pytest.mark.parametrize(
    ("operations", "sent"),
    [
        ((Get("a"),), ["GET 0"]),
        ((Get("a"), Get("b"), Get("a")), ["MGET 012"]),
        ((Hit("a", 1), Hit("b", 2), Hit("a", 1)), ["EVAL 012"]),
        ((Get("a"), Put("b", {}, 1), Get("c")), ["GET 0", "SET 1", "GET 2"]),
        ((Take("a"), Get("u")), ["GETDEL 0", "GET 1"]),
        ((Hit("a", 1), Put("b", {}, 1), Hit("c", 1)), ["EVAL 02", "SET 1"]),
        ((Hit("a", 1), Delete("b"), Hit("b", 1)), ["EVAL 0", "DEL 1", "EVAL 2"]),
        ((Hit("a", 1), Take("b", into="c"), Hit("c", 1)), ["EVAL 0", "EVAL 1", "EVAL 2"]),
        ((Get("a"), Get("b"), Get("c"), Delete("b")), ["MGET 02", "GET 1", "DEL 3"]),
        ((Get("a"), Hit("h", 1), Hit("i", 1), Get("b")), ["GET 0", "EVAL 12", "GET 3"]),
    ],
)
def test_gets_and_hits_go_together_where_nothing_comes_between(
    operations: tuple[Operation, ...], sent: list[str]
) -> None:
    assert _sent(*operations) == sent


def test_a_command_names_keys_of_one_slot() -> None:
    operations = (Get("a1"), Get("b1"), Get("a2"), Hit("b2", 1), Hit("a3", 1), Hit("b3", 1))
    assert _sent(*operations, slots="ab") == ["MGET 02", "GET 1", "EVAL 35", "EVAL 4"]
