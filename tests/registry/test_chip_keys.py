"""An import never gives one chip key to two persons, nor does its dry run say that it would."""

import io
import json

import pytest

from idp.core.personal_number import PersonalNumber
from idp.registry import importer
from idp.registry.chip_keys import REPEATED, TAKEN
from idp.registry.importer import import_persons
from idp.registry.lines import Problem
from idp.registry.repository import Registry
from idp.registry.sql import SqlRegistry
from idp.storage.database import Database

A, B, C = "aa" * 32, "bb" * 32, "cc" * 32


def line(index: int, *keys: str, **more: object) -> bytes:
    number = f"000199{index:06}"
    cards = [
        {"document_number": number[-9:], "issued_on": f"202{at}-01-01", "aa_key_digest": key}
        for at, key in enumerate(keys)
    ]
    said = {"number": number, "name": "A B", "birth_date": "1999", "sex": "male", "cards": cards}
    return json.dumps(said | more).encode() + b"\n"


@pytest.fixture
def registry(database: Database, clock) -> Registry:
    return Registry(database, clock)


def held(database: Database, index: int) -> list[str | None]:
    found = SqlRegistry(database).cards(PersonalNumber(f"000199{index:06}"))
    return [each.aa_key_digest for each in found]


@pytest.fixture(params=[1, 2, 100])
def batch(request, monkeypatch) -> int:
    monkeypatch.setattr(importer, "BATCH", request.param)
    return request.param


@pytest.fixture
def bring(registry, batch):
    """An import; its dry run has told the same before."""

    def run(*lines: bytes) -> tuple[Problem, ...]:
        dry = import_persons(registry, io.BytesIO(b"".join(lines)), dry_run=True)
        wet = import_persons(registry, io.BytesIO(b"".join(lines)))
        assert (dry.problems, dry.notes, dry.persons) == (wet.problems, wet.notes, wet.persons)
        return wet.problems

    return run


def test_of_two_lines_with_one_chip_key_the_second_is_refused(bring, database):
    assert bring(line(2, A), line(3, B), line(1, A)) == (Problem(3, TAKEN),)
    assert (held(database, 2), held(database, 1)) == ([A], [])
    assert bring(line(2, A), line(3, B), line(1, A)) == (Problem(3, TAKEN),)


def test_two_cards_of_a_line_with_one_chip_key_are_refused(bring, database):
    assert bring(line(1, A, A), line(2, A)) == (Problem(1, REPEATED),)
    assert held(database, 2) == [A]


def test_a_key_that_a_line_gives_up_is_free_for_the_next(bring, database):
    assert bring(line(2, A)) == ()
    assert bring(line(1, A), line(2, B), line(3, A)) == (Problem(1, TAKEN),)
    assert (held(database, 2), held(database, 3)) == ([B], [A])


def test_a_line_without_cards_gives_no_key_up(bring, database):
    bring(line(2, A))
    assert bring(line(2, cards=None), line(1, A)) == (Problem(2, TAKEN),)
    assert held(database, 2) == [A]


def test_a_person_may_say_the_same_key_again(bring, database):
    assert bring(line(1, A, B), line(2, C), line(1, B, A), line(1, A)) == ()
    assert held(database, 1) == [A]


def test_a_refused_line_takes_no_key(bring, database):
    (problem,) = bring(line(1, A, birth_date="2999"), line(2, A))
    assert problem.line == 1
    assert held(database, 2) == [A]
