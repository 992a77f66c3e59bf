"""``idp registry``: what it answers, its exit codes, what it leaves on record."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from idp.audit.events import OperatorAction
from idp.audit.log import AuditLog
from idp.audit.reading import tail
from idp.cli.registry import registry
from idp.core.clock import FixedClock
from idp.core.person import CivilStatus
from idp.core.personal_number import PersonalNumber
from idp.registry.sql import SqlRegistry
from idp.storage.database import Database, metadata, open_database

NUMBER = "000199000001"
GOOD = {"number": NUMBER, "name": "Trần Thị Mai", "birth_date": "1999-05-17", "sex": "female"}


@dataclass
class Deployment:
    """What the commands use of a context, over a database of the test's own."""

    database: Database
    clock: FixedClock
    audit: AuditLog = field(init=False)

    def __post_init__(self) -> None:
        self.audit = AuditLog(self.database, b"k" * 32, self.clock)

    def record(self, action: str, subject: str = "") -> None:
        self.audit.write(OperatorAction(action=action, actor="tester", object=subject))

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(registry, list(words), obj=self)


@pytest.fixture
def deployment(sqlite_url: str, clock: FixedClock) -> Iterator[Deployment]:
    database = open_database(sqlite_url)
    with database.begin() as connection:
        metadata.create_all(connection)
    yield Deployment(database, clock)
    database.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "persons.jsonl"
    path.write_text(json.dumps(GOOD) + "\n")
    return path


def test_a_good_file_is_imported_and_put_on_record(deployment: Deployment, file: Path) -> None:
    result = deployment.run("import", str(file))
    assert (result.exit_code, result.stdout) == (0, "1 lines, 1 persons written, 0 refused\n")
    (entry,) = tail(deployment.database, 1)
    assert (entry["action"], entry["object"]) == ("registry.import", "persons.jsonl")


def test_bad_lines_are_told_and_the_exit_code_says_so(deployment: Deployment, file: Path) -> None:
    file.write_text(f'{{"number": "1"}}\n{json.dumps(GOOD)}\n')
    result = deployment.run("import", str(file))
    assert result.exit_code == 1
    assert result.stderr == "line 1: number: a personal number has 12 digits\n"
    assert result.stdout == "2 lines, 1 persons written, 1 refused\n"
    told = json.loads(deployment.run("import", str(file), "--format", "json").stdout)
    assert told == {
        "lines": 2,
        "persons": 1,
        "refused": 1,
        "problems": [{"line": 1, "reason": "number: a personal number has 12 digits"}],
        "noted": 0,
        "notes": [],
        "dry_run": False,
    }


def test_a_dry_run_writes_nothing_not_even_a_record(deployment: Deployment, file: Path) -> None:
    result = deployment.run("import", str(file), "--dry-run")
    assert (result.exit_code, result.stdout) == (
        0,
        "1 lines, 1 persons would be written, 0 refused\n",
    )
    assert SqlRegistry(deployment.database).person(PersonalNumber(NUMBER)) is None
    assert list(tail(deployment.database, 1)) == []


@pytest.mark.parametrize(
    "words",
    [
        ["import", "nowhere.jsonl"],
        ["import", "/"],
        ["show", "1"],
        ["show", "٠٠٠١٩٩٠٠٠٠٠١"],
        ["set-status", NUMBER, "resting"],
        ["show", NUMBER, "--format", "xml"],
    ],
)
def test_wrong_usage_is_exit_code_two(deployment: Deployment, words: list[str]) -> None:
    assert deployment.run(*words).exit_code == 2


def test_a_person_is_shown_and_looking_leaves_no_number_on_record(
    deployment: Deployment, file: Path
) -> None:
    deployment.run("import", str(file))
    shown = json.loads(deployment.run("show", NUMBER, "--format", "json").stdout)
    assert shown == GOOD | {"nationality": "VNM", "status": "alive", "cards": []}
    assert "name: Trần Thị Mai\n" in deployment.run("show", NUMBER).stdout
    (entry,) = tail(deployment.database, 1)
    assert entry["object"] == "********0001"
    assert NUMBER not in json.dumps(list(tail(deployment.database, 10)))


def test_a_status_is_changed_and_put_on_record(deployment: Deployment, file: Path) -> None:
    deployment.run("import", str(file))
    assert deployment.run("set-status", NUMBER, "deceased").stdout == "********0001: deceased\n"
    person = SqlRegistry(deployment.database).person(PersonalNumber(NUMBER))
    assert person is not None
    assert person.status is CivilStatus.DECEASED
    (entry,) = tail(deployment.database, 1)
    assert entry["action"] == "registry.set-status.deceased"


@pytest.mark.parametrize("words", [["show", NUMBER], ["set-status", NUMBER, "alive"]])
def test_nobody_is_exit_code_one(deployment: Deployment, words: list[str]) -> None:
    result = deployment.run(*words)
    assert (result.exit_code, result.stderr) == (1, "No person in the registry has this number.\n")
