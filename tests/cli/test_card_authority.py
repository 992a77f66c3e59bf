"""Software cards from the command line, judged by the card library and the registry."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from idp.cli import main
from idp.cli.context import Context
from idp.cli.demo_steps import stores
from idp.core.personal_number import PersonalNumber
from idp.demo.citizens import seed_citizens
from idp.mrtd.testing.software_card import SoftwareCard
from idp.registry.model import CardStatus
from idp.registry.repository import persons
from idp.registry.sql import SqlRegistry


@pytest.fixture
def obj(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    monkeypatch.setenv("IDP_STATE_DIRECTORY", str(tmp_path / "var"))
    monkeypatch.setenv("IDP_KEYS__DIRECTORY", str(tmp_path / "keys"))
    monkeypatch.setenv("IDP_TRUST__DIRECTORY", str(tmp_path / "trust"))
    monkeypatch.setenv("IDP_SANDBOX", "true")
    context = Context()
    seed_citizens(stores(context))
    yield context
    context.close()


def idp(obj: Context, *arguments: str, code: int = 0):
    result = CliRunner().invoke(main, arguments, obj=obj)
    assert result.exit_code == code, result.output
    return json.loads(result.stdout) if "json" in arguments and code == 0 else result


def test_an_issued_card_is_accepted_by_the_verifier(obj, tmp_path):
    out = tmp_path / "card"
    issued = idp(obj, "card", "issue", "000199000001", "--out", str(out), "--format", "json")
    assert issued["number"] == "********0001"
    assert issued["status"] == "valid"
    card = SoftwareCard.from_json((out / "CARD.json").read_text())
    challenge = bytes(range(8))
    (out / "challenge.bin").write_bytes(challenge)
    (out / "signature.bin").write_bytes(card.sign(challenge))
    found = idp(obj, "card", "verify", str(out), "--format", "json")
    assert found["accepted"]
    assert found["chain"] == "trusted"


def test_a_name_that_no_card_can_show_is_told_in_a_sentence(obj, tmp_path):
    with obj.database.begin() as connection:  # as an import of an earlier release left it
        connection.execute(update(persons).values(full_name="Ελένη"))
    result = idp(obj, "card", "issue", "000199000001", "--out", str(tmp_path), code=1)
    assert result.output.startswith("No letter of this citizen's name can be printed on a card")


def test_a_revoked_card_stays_revoked_when_its_chip_is_made_again(obj, tmp_path):
    for _ in range(2):
        issued = idp(
            obj, "card", "issue", "000090000007", "--out", str(tmp_path), "--format", "json"
        )
        assert issued["status"] == "revoked"


def test_revoke_reaches_the_registry_and_the_list(obj, tmp_path):
    issued = idp(obj, "card", "issue", "000085000005", "--out", str(tmp_path), "--format", "json")
    idp(obj, "card", "revoke", issued["serial"])
    (card,) = SqlRegistry(obj.database).cards(PersonalNumber("000085000005"))
    assert card.status is CardStatus.REVOKED
    rows = idp(obj, "card", "list", "--format", "json")
    assert [each["status"] for each in rows if each["serial"] == issued["serial"]] == ["revoked"]


def test_files_are_for_their_owner_only(obj, tmp_path):
    idp(obj, "card", "issue", "000199000001", "--out", str(tmp_path / "c"))
    assert {each.stat().st_mode & 0o777 for each in (tmp_path / "c").iterdir()} == {0o600}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("card", "issue", "000199999999", "--out", "x"), 1),
        (("card", "issue", "12", "--out", "x"), 2),
        (("card", "issue", "000199000001"), 2),
        (("card", "revoke", "none"), 1),
    ],
)
def test_what_cannot_be_done_says_so(obj, arguments, code):
    idp(obj, *arguments, code=code)
