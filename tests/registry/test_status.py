"""The civil status hangs on nothing else: a line that is wrong elsewhere still tells of a death."""

import json

import pytest

from idp.core.person import CivilStatus
from idp.registry import importer
from tests.registry.bringing import NOW, NUMBER_OF, line

WRONG = [
    ({"cards": [{"document_number": "090010070"}]}, "cards: issued_on: missing"),
    ({"cards": "none"}, "cards: not a list of at most 32"),
    ({"cards": [{"document_number": "090010070", "issued_on": "2022-01-01", "aa_key_digest": key}
                for key in ("aa" * 32, "aa" * 32)]},
     "cards: two with one document number and issue date"),
    ({"address": ["x"], "birth_date": "1/2/90"},
     "birth_date: a birth date is YYYY, YYYY-MM or YYYY-MM-DD"),
    ({"birth_date": "2100"}, "birth_date: in the future"),
    ({"birth_date": None}, "birth_date: missing"),
    ({"name": "A (B)"}, "name: a name holds letters, marks, spaces, apostrophes, dots and hyphens,"
     " no brackets or other punctuation"),
    ({"name": 7}, "name: not a text"),
    ({"sex": "nam"}, "sex: not one of male, female, other"),
    ({"nationality": "Pháp"}, "nationality: not three capital letters (ISO 3166-1 alpha-3)"),
    ({"ethnicity": "x" * 65}, "ethnicity: longer than 64 characters"),
    ({"former_numbers": ["1"]}, "former_numbers: a former number has 9 digits"),
    ({"statuss": "alive"}, "an unknown field; did you mean status?"),
    ({"updated_at": "2026"}, "updated_at: not a time in whole seconds since 1970"),
    ({"updated_at": NOW + 90_000}, "updated_at: in the future"),
]  # fmt: skip


@pytest.mark.parametrize("batch", [1, 100])
@pytest.mark.parametrize(("wrong", "reason"), WRONG)
def test_a_status_is_taken_from_a_line_that_is_wrong_elsewhere(
    bring, monkeypatch, batch, wrong, reason
):
    monkeypatch.setattr(importer, "BATCH", batch)
    card = {"document_number": "090010070", "issued_on": "2022-01-01"}
    bring(line(name="Before", phone="0912345678", updated_at=1_000, cards=[card]))
    refused, notes = bring(line(**{"status": "deceased", "updated_at": 2_000} | wrong))
    assert refused == [f"{reason}; only the status is taken: deceased"]
    assert notes == []
    person = bring.person()
    assert person.status is CivilStatus.DECEASED
    assert (person.name.full, person.phone) == ("Before", "+84912345678")
    assert person.updated_at == (1_000 if "updated_at" in wrong else 2_000)
    assert len(bring.cards()) == 1


def test_a_status_is_taken_beside_a_repeated_member_but_not_when_it_is_repeated_itself(bring):
    bring(line())
    repeated = "not JSON with one meaning: a member is repeated"
    nested = line(status="missing", address={"text": "x"}).replace(b'"x"', b'"x", "text": "y"')
    assert bring(nested)[0] == [f"{repeated}; only the status is taken: missing"]
    twice = line(status="alive").replace(b"}", b', "status": "deceased"}')
    assert bring(twice)[0] == [repeated]
    assert bring(line(status="alive").replace(b"}", b', "number": "1"}'))[0] == [repeated]
    assert bring.person().status is CivilStatus.MISSING


def test_a_status_is_taken_from_a_line_whose_chip_key_is_another_persons(bring):
    def card(number):
        issued = {"issued_on": "2022-01-01", "aa_key_digest": "aa" * 32}
        return [{"document_number": number[-9:]} | issued]

    bring(line(cards=card(NUMBER_OF)), line(number="000090010071"))
    (reason,), _ = bring(line(number="000090010071", status="deceased", cards=card("000090010071")))
    assert reason.startswith("cards: the chip key")
    assert reason.endswith("; only the status is taken: deceased")
    assert bring.person("000090010071").status is CivilStatus.DECEASED
    assert bring.cards("000090010071") == ()


def test_a_line_of_number_and_status_alone_changes_the_status(bring):
    bring(line())
    said = json.dumps({"number": NUMBER_OF, "status": "number_cancelled"}).encode()
    assert bring(said)[0] == ["name: missing; only the status is taken: number_cancelled"]
    assert bring.person().status is CivilStatus.NUMBER_CANCELLED


def test_of_somebody_who_is_not_known_a_wrong_line_gives_nothing(bring):
    assert bring(line(sex="?", status="deceased"))[0] == ["sex: not one of male, female, other"]
    assert bring(line(birth_date="2100", status="deceased"))[0] == ["birth_date: in the future"]
    assert bring.person() is None


def test_a_wrong_line_without_a_status_changes_none(bring):
    bring(line(status="missing"))
    for wrong in ({"sex": "?"}, {"birth_date": "2100"}, {"status": "dead"}):
        (reason,), _ = bring(line(**wrong))
        assert "status is taken" not in reason
    assert bring.person().status is CivilStatus.MISSING


def test_the_status_of_a_wrong_line_follows_the_rules_of_the_others(bring):
    bring(line(status="deceased", updated_at=2_000))
    older = line(status="alive", updated_at=1_000, sex="?")
    assert bring(older)[0] == ["sex: not one of male, female, other; older than the record held"]
    undated = line(status="alive", updated_at="2026")
    assert bring(undated)[0][0].endswith("; the status alive is not taken without a time")
    assert bring.person().status is CivilStatus.DECEASED
    newer = line(status="alive", updated_at=3_000, sex="?")
    refused, notes = bring(newer)
    assert refused[0].endswith("; only the status is taken: alive")
    assert notes == ["status: was deceased, is alive"]
    assert bring.person().status is CivilStatus.ALIVE
    assert bring.person().updated_at == 3_000
