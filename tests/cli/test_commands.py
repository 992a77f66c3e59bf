"""What every command has in common, found by walking the tree of them."""

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from idp.cli import main


def commands(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, with how it is called."""
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        if isinstance(found, click.Group):
            yield from commands(found, *path, name)
        else:
            yield (*path, name), found


COMMANDS = dict(commands(main))
JSON = ("--format", "json")
NAMES = [" ".join(each) for each in COMMANDS]


@pytest.fixture(autouse=True)
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of a development deployment under ``tmp_path``."""
    monkeypatch.setenv("IDP_STATE_DIRECTORY", str(tmp_path / "var"))
    monkeypatch.setenv("IDP_KEYS__DIRECTORY", str(tmp_path / "keys"))
    monkeypatch.setenv("IDP_TRUST__DIRECTORY", str(tmp_path / "trust"))


def idp(*arguments: str) -> str:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_every_command_explains_itself_whatever_the_settings(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDP_NO_SUCH_SETTING", "1")
    assert idp(*name.split(), "--help").startswith(f"Usage: main {name}")


@pytest.mark.parametrize("name", NAMES)
def test_every_command_answers_programs_too(name: str) -> None:
    command = COMMANDS[tuple(name.split())]
    (option,) = (each for each in command.params if "--format" in each.opts)
    assert isinstance(option.type, click.Choice)
    assert "json" in option.type.choices


@pytest.mark.parametrize("name", NAMES)
def test_every_command_says_what_it_was_asked_wrongly(name: str) -> None:
    done = CliRunner().invoke(main, [*name.split(), "--no-such-option", "a", "b"])
    assert done.exit_code == 2
    assert "Traceback" not in done.output


def test_the_reference_of_settings_for_programs() -> None:
    rows = {each["variable"]: each for each in json.loads(idp("config", "reference", *JSON))}
    assert rows["IDP_OTP__TRIES"]["default"] == 5
    assert rows["IDP_SMS__URL"]["required_in_production"]
    assert rows["IDP_SMS__TOKEN"]["default"] is None
    assert rows["IDP_STATE_DIRECTORY"]["default"] == "var"
    assert all(each["description"] for each in rows.values())


def test_what_is_json_already_stays_as_it_is(tmp_path: Path) -> None:
    assert json.loads(idp("keys", "export-jwks", *JSON))["keys"]
    entries = [json.loads(each) for each in idp("audit", "export", *JSON).splitlines()]
    out = ("--out", str(tmp_path / "log"))
    assert json.loads(idp("audit", "export", *out, *JSON)) == {"entries": len(entries)}


def test_delivering_once_says_how_many_were_tried() -> None:
    assert json.loads(idp("logout", "deliver", "--once", *JSON)) == {"tried": 0}
    assert idp("logout", "deliver", "--once") == ""
