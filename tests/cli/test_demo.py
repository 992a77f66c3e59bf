"""The demo's cards: registry, simulated reader and authority tell the same story again."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from idp.cli import main
from idp.cli.context import Context
from idp.core.personal_number import PersonalNumber
from idp.demo import cards
from idp.mrtd import dg15
from idp.mrtd.testing.software_card import SoftwareCard
from idp.registry.model import Card, CardStatus
from idp.registry.sql import SqlRegistry

MAI, REVOKED, CARDLESS = "000199000001", "000090000007", "000099000002"


@pytest.fixture
def obj(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    """A seeded development deployment."""
    monkeypatch.setenv("IDP_STATE_DIRECTORY", str(tmp_path / "var"))
    monkeypatch.setenv("IDP_KEYS__DIRECTORY", str(tmp_path / "keys"))
    monkeypatch.setenv("IDP_TRUST__DIRECTORY", str(tmp_path / "trust"))
    context = Context()
    idp(context, "demo", "seed")
    yield context
    context.close()


def idp(obj: Context, *arguments: str) -> str:
    result = CliRunner().invoke(main, arguments, obj=obj)
    assert result.exit_code == 0, result.output
    return result.stdout


def registered(obj: Context, number: str) -> Card:
    return SqlRegistry(obj.database).cards(PersonalNumber(number))[0]


def in_reader(obj: Context, number: str) -> Path:
    path: Path = obj.settings.simulated_cards / f"{number}.json"
    return path


def key_digest(card_file: Path) -> str:
    card = SoftwareCard.from_json(card_file.read_text())
    return dg15.parse(card.files.data_group(15)).digest


def test_an_issued_card_is_the_one_in_the_reader_and_stays_it(obj: Context, tmp_path: Path) -> None:
    for number in (MAI, CARDLESS):
        out = tmp_path / number
        idp(obj, "card", "issue", number, "--out", str(out))
        for _ in range(2):
            digest = key_digest(out / "CARD.json")
            assert registered(obj, number).aa_key_digest == digest
            assert key_digest(in_reader(obj, number)) == digest
            idp(obj, "demo", "seed")


@pytest.mark.parametrize("content", [None, b"", b"{}", b"\xff", "of another chip"])
def test_seeding_makes_the_card_anew_whose_file_is_not_the_registered_one(
    obj: Context, content: Any
) -> None:
    file, others = in_reader(obj, MAI), in_reader(obj, "000190000009")
    before = others.read_bytes()
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content if isinstance(content, bytes) else before)
    idp(obj, "demo", "seed")
    assert registered(obj, MAI).aa_key_digest == key_digest(file)
    assert others.read_bytes() == before


def test_seeding_makes_the_cards_anew_of_an_authority_that_is_no_more(obj: Context) -> None:
    before = key_digest(in_reader(obj, MAI))
    shutil.rmtree(obj.settings.card_authority)
    idp(obj, "demo", "seed")
    assert key_digest(in_reader(obj, MAI)) == registered(obj, MAI).aa_key_digest != before


def test_seeding_replaces_a_revoked_card_but_the_one_that_is_to_be(obj: Context) -> None:
    for number, status in ((MAI, CardStatus.VALID), (REVOKED, CardStatus.REVOKED)):
        before = registered(obj, number)
        idp(obj, "card", "revoke", before.serial or "")
        idp(obj, "demo", "seed")
        now = registered(obj, number)
        assert now.status is status
        assert (now == before) is (status is CardStatus.REVOKED)
        assert now.aa_key_digest == key_digest(in_reader(obj, number))


def test_seeding_again_makes_no_card(obj: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "issue", None)
    shown = json.loads(idp(obj, "demo", "seed", "--format", "json"))
    assert {each["number"]: each["card"] for each in shown}[REVOKED] == "revoked"
