"""Commands that end something wait for every process."""

import ast
from pathlib import Path

import pytest

import idp.cli
from idp.cli.everywhere import sentence
from idp.storage.processes import Confirmation

ENDINGS = {
    "client": {"update", "delete", "rotate_secret", "_set_status"},
    "client_registration": {"prune"},
    "session": {"revoke"},
    "account": {"lock"},
    "keys": {"revoke"},
    "card_authority": {"revoke"},
    "trust": {"add", "remove"},
}


@pytest.mark.parametrize("module", ENDINGS)
def test_every_command_that_ends_something_waits_until_it_has_ended_everywhere(module: str) -> None:
    source = (Path(idp.cli.__path__[0]) / f"{module}.py").read_text("utf-8")
    functions = (each for each in ast.walk(ast.parse(source)) if isinstance(each, ast.FunctionDef))
    waiting = {each.name for each in functions if "end_everywhere" in ast.dump(each)}
    assert waiting == ENDINGS[module]


@pytest.mark.parametrize(
    ("confirmation", "told"),
    [
        (Confirmation(4, 0, 0.61), "In force on every process (4), after 0.6 s."),
        (Confirmation(0, 0, 0.0), "In force: no process is running, after 0.0 s."),
        (
            Confirmation(3, 1, 10.04),
            "In force: confirmed by 3; not by 1 within 10.0 s."
            " These refuse every request until they can read the change.",
        ),
    ],
)
def test_the_command_says_how_far_it_got(confirmation: Confirmation, told: str) -> None:
    assert sentence(confirmation) == told
