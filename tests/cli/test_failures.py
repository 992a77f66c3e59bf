"""What is in the way of a command is told in a sentence: never a traceback, never silence."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from idp.cli import main

NUMBER = "000199000001"
CLIENT = {"client_id": "good", "client_name": "x", "redirect_uris": ["https://a.example/cb"]}


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A development deployment with the demo's citizens."""
    made = tmp_path_factory.mktemp("seeded")
    with pytest.MonkeyPatch.context() as monkeypatch:
        settings(monkeypatch, made)
        assert idp("demo", "seed").exit_code == 0
    return made


@pytest.fixture(autouse=True)
def deployment(seeded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of it, which is where we are."""
    shutil.copytree(seeded, tmp_path, dirs_exist_ok=True)
    settings(monkeypatch, tmp_path)
    monkeypatch.chdir(tmp_path)


def settings(monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
    monkeypatch.setenv("IDP_STATE_DIRECTORY", str(directory / "var"))
    monkeypatch.setenv("IDP_KEYS__DIRECTORY", str(directory / "keys"))
    monkeypatch.setenv("IDP_TRUST__DIRECTORY", str(directory / "trust"))
    monkeypatch.setenv("IDP_REGISTRATION__POLICY", "token")


def idp(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def refused(*arguments: str, code: int, said: str = "") -> None:
    done = idp(*arguments)
    assert isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == code, done.output
    assert said in done.stderr
    assert done.stderr


def garbage(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 40)


def file_for(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
    path.touch()


def folder_for(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir(parents=True)


@pytest.mark.parametrize(
    ("harm", "place", "said"),
    [
        (garbage, "var/idp.db", "database"),
        (folder_for, "var/idp.db", "idp.db: Is a directory"),
        (file_for, "var", "var: "),
        (file_for, "keys", "keys: "),
        (garbage, "keys/card-authority/authority.pem", "authority.pem: not a card authority"),
        (file_for, "var/cards", "cards: "),
    ],
)
def test_what_a_deployment_stands_on_is_something_else(
    harm: Callable[[Path], None], place: str, said: str
) -> None:
    harm(Path(place))
    refused("demo", "seed", code=1, said=said)
    assert idp("check").exit_code in (0, 1)


def test_a_trust_file_that_is_a_folder() -> None:
    folder_for(Path("trust/a.der"))
    refused("trust", "list", code=1, said="a.der: Is a directory")


def test_a_revocation_list_of_ours_that_is_none_is_made_anew() -> None:
    garbage(Path("keys/card-authority/trust/crl.crl"))
    assert idp("demo", "seed").exit_code == 0
    assert idp("trust", "list").exit_code == 0


@pytest.mark.parametrize(
    "command",
    [("audit", "export"), ("keys", "export-jwks"), ("card", "issue", NUMBER)],
    ids=" ".join,
)
def test_a_place_where_nothing_can_be_written(command: tuple[str, ...]) -> None:
    Path("file").touch()
    Path("loop").symlink_to("loop")
    before = idp("card", "list").stdout
    for place in ("file/x", "/proc/none/x", "loop", "x" * 300):
        refused(*command, "--out", place, code=1)
    assert idp("card", "list").stdout == before, "no card is issued that nobody gets"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"[" * 100_000,
        b"1" * 5_000,
        json.dumps({**CLIENT, "client_name": "\ud800"}).encode(),
        json.dumps({**CLIENT, "default_max_age": 10**200}).encode(),
        json.dumps({**CLIENT, "default_max_age": float("nan")}).encode(),
        b'{"client_id": "a", "client_id": "b"}',
    ],
    ids=lambda each: repr(each[:20]),
)
def test_client_metadata_that_is_no_json_object(content: bytes) -> None:
    Path("good.json").write_text(json.dumps(CLIENT))
    assert idp("client", "create", "--file", "good.json").exit_code == 0
    Path("bad.json").write_bytes(content)
    for command in (("create",), ("update", "good")):
        refused("client", *command, "--file", "bad.json", code=2, said="bad.json")


@pytest.mark.parametrize(
    "command",
    [
        ("audit", "tail", "-n"),
        ("client", "invite", "--ttl"),
        ("client", "invite", "--uses"),
        ("client", "rotate-secret", "good", "--overlap"),
        ("client", "prune", "--unused-days"),
        ("demo", "seed", "--citizens"),
        ("demo", "up", "--reader-port"),
        ("logout", "retry", "--"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("number", ["9" * 20, "-1", "1" * 5_000, "many"])
def test_a_number_that_cannot_be(command: tuple[str, ...], number: str) -> None:
    refused(*command, number, code=2)


@pytest.mark.parametrize(
    "command",
    [
        *(("client", each) for each in ("show", "disable", "enable", "delete", "uninvite")),
        *(("session", "list"), ("session", "revoke"), ("registry", "show"), ("account", "show")),
        *(("card", "revoke"), ("keys", "revoke"), ("trust", "remove"), ("account", "lock")),
    ],
    ids=" ".join,
)
def test_an_id_that_nothing_has(command: tuple[str, ...]) -> None:
    for id_ in ("", "x" * 10_000, "../..", "'; DROP TABLE clients", "\udcff"):
        done = idp(*command, "--", id_)
        assert isinstance(done.exception, SystemExit), done.exception
        assert done.exit_code in (1, 2)
        assert done.stderr


def test_a_reader_that_went_away_is_no_news() -> None:
    command = [sys.executable, "-c", "from idp.cli import main; main()", "config", "reference"]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")
