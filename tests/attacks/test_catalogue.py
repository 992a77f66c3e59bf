"""docs/attacks.md lists every attack mark there is, and no test that is not there."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
TABLE = TESTS.parent / "docs" / "attacks.md"
GROUPS = "ABCDEFGHIJKLMNOPQRS"
_ROW = re.compile(r"^\| ([A-Z]\d\d) \| ([^|]+) \| (.+) \|$", re.MULTILINE)
_TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")


def marked() -> dict[str, set[tuple[str, str]]]:
    """The tests, as file and name, by the row of the mark that they carry."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for path in TESTS.glob("**/test_*.py"):
        file = path.relative_to(TESTS).as_posix()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
                continue
            for row in _rows(node):
                found[row].add((file, node.name))
    return found


def _rows(function: ast.FunctionDef) -> set[str]:
    """The rows a test is marked with, by itself or by its parameters (``mark.attack(row)``)."""
    rows: set[str] = set()
    for decorator in map(ast.unparse, function.decorator_list):
        rows |= set(re.findall(r"mark\.attack\('([A-Z]\d\d)'\)", decorator))
        if "mark.attack(row)" in decorator:
            rows |= set(re.findall(r"\('([A-Z]\d\d)', ", decorator))
    return rows


def table() -> dict[str, tuple[str, str]]:
    """What the document says of each row: the attack, and what refuses it."""
    return {row: (attack, cell) for row, attack, cell in _ROW.findall(TABLE.read_text("utf-8"))}


@pytest.fixture(scope="module")
def tests() -> dict[str, set[tuple[str, str]]]:
    return marked()


def test_every_listed_test_exists_and_carries_its_row(
    tests: dict[str, set[tuple[str, str]]],
) -> None:
    listed = table()
    assert len(listed) > 120
    for row, (attack, cell) in listed.items():
        named = set(_TEST.findall(cell))
        assert named <= tests[row], f"{row}: {named - tests[row]}"
        assert named or len(cell) > 60, f"{row} ({attack}) has neither a test nor a reason"


def test_every_marked_row_is_listed(tests: dict[str, set[tuple[str, str]]]) -> None:
    wanted = {row for row in tests if row[0] in GROUPS}
    assert wanted <= set(table())
