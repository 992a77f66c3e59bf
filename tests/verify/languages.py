"""The verification kit's programs, a language each.

A program reads a JSON object from each line of its input. The first tells the provider, and the
seconds between two fetches of its keys for an unknown ``kid``: ``{"issuer", "client_id",
"jwks_uri", "alg", "refetch_after"}``. Each line after it is a question, answered with a line:

- ``{"id_token", "expected": {"nonce", "min_acr", "max_age"?, "access_token"?}}``
- ``{"logout_token"}``

The answer is ``{"claims": {…}}`` or ``{"refused": reason}``. On anything else the program ends.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

HERE = Path(__file__).parent
Command: TypeAlias = Callable[[], list[str]]
Ask: TypeAlias = Callable[[Mapping[str, Any]], dict[str, Any]]


def _node() -> list[str]:
    node = shutil.which("node")
    assert node, "node is not installed: Node.js 20 or later is needed"
    return [node, str(HERE / "node/program.mjs")]


LANGUAGES: dict[str, Command] = {
    "python": lambda: [sys.executable, str(HERE / "python/program.py")],
    "node": _node,
}
"""Those that every machine of ours has: a test of these is never skipped."""


@contextmanager
def program(command: list[str], settings: Mapping[str, Any]) -> Iterator[Ask]:
    """A program that was told its settings; call what is yielded for each question."""
    process = subprocess.Popen(
        command,
        env={**os.environ, "NO_PROXY": "127.0.0.1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None

    def tell(message: Mapping[str, Any]) -> None:
        assert process.stdin is not None
        process.stdin.write(f"{json.dumps(message)}\n")
        process.stdin.flush()

    def ask(question: Mapping[str, Any]) -> dict[str, Any]:
        assert process.stdout is not None
        assert process.stderr is not None
        tell(question)
        line = process.stdout.readline()
        assert line, process.stderr.read()
        answer: dict[str, Any] = json.loads(line)
        return answer

    with process:
        tell(settings)
        yield ask
        process.stdin.close()
