"""Accounts from the command line."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from idp.accounts.repository import Accounts
from idp.cli import main
from idp.cli.context import Context
from idp.core.person import BirthDate, Name, Sex
from idp.core.personal_number import PersonalNumber
from idp.registry.model import Person
from idp.registry.repository import Record, Registry
from idp.standing.revocations import Revocations
from idp.standing.subjects import Subject

NUMBER = "000199123456"


@pytest.fixture
def obj(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    monkeypatch.setenv("IDP_STATE_DIRECTORY", str(tmp_path / "var"))
    monkeypatch.setenv("IDP_KEYS__DIRECTORY", str(tmp_path / "keys"))
    context = Context()
    person = Person(
        PersonalNumber(NUMBER),
        Name("Lê Văn Mẫu"),
        BirthDate(1999, 5, 17),
        Sex.MALE,
        phone="+84912345678",
    )
    Registry(context.database, context.clock).write([Record(person)])
    yield context
    context.close()


def idp(obj: Context, *arguments: str, code: int = 0):
    result = CliRunner().invoke(main, ("account", *arguments, "--format", "json"), obj=obj)
    assert result.exit_code == code, result.output
    return json.loads(result.stdout) if code == 0 else result


def test_an_account_is_opened_with_the_registrys_phone(obj):
    opened = idp(obj, "open", NUMBER)
    assert (opened["phone"], opened["level"], opened["number"]) == ("09******78", 1, "********3456")
    assert idp(obj, "show", NUMBER) == opened
    idp(obj, "open", NUMBER, code=1)


def test_a_lock_ends_every_session_and_can_be_lifted(obj):
    idp(obj, "open", NUMBER)
    account = Accounts(obj.database).by_number(PersonalNumber(NUMBER))
    assert idp(obj, "lock", NUMBER, "--reason", "holder")["lock"] == "holder"
    revocations = Revocations(obj.database, obj.clock)
    assert revocations.is_revoked(Subject("account", account.id), obj.clock() - 1)
    assert idp(obj, "unlock", NUMBER)["lock"] is None


def test_a_passcode_that_anybody_would_try_is_refused(obj):
    idp(obj, "open", NUMBER)
    for weak in ("123456", "111111", "170599"):
        idp(obj, "set-passcode", NUMBER, "--passcode", weak, code=1)
    assert idp(obj, "set-passcode", NUMBER, "--passcode", "246813")["passcode"] is True


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("open", "000199999999"), 1),
        (("open", "12"), 2),
        (("open", NUMBER, "--phone", "12"), 2),
        (("show", NUMBER), 1),
    ],
)
def test_what_cannot_be_done_says_so(obj, arguments, code):
    idp(obj, *arguments, code=code)
