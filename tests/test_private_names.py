"""No test reads a private name of the product: what is tested is what others may use."""

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent
NAMEDTUPLE = frozenset({"_asdict", "_fields", "_make", "_replace"})
OTHERS = {
    "oidc/authorization/test_twice.py": {"_cookies"},  # Werkzeug's client copies no cookie jar
}


def private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in NAMEDTUPLE


def read(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of every private name that is read of another object."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls" | "os" | "sys")):
                continue
            case ast.Attribute(attr=name) if private(name):
                yield node.lineno, name
            case ast.ImportFrom(module=str(module), names=names) if module.startswith("idp"):
                yield from ((node.lineno, each.name) for each in names if private(each.name))


def test_no_test_reads_a_private_name() -> None:
    found = {
        f"{name}:{line}": read_name
        for path in TESTS.rglob("*.py")
        for name in [str(path.relative_to(TESTS))]
        for line, read_name in read(ast.parse(path.read_text()))
        if read_name not in OTHERS.get(name, set())
    }
    assert not found, "use what the module offers to others, or let it offer what you need"
