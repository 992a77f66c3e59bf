"""Records of the transient store: read by other releases, and those of other releases."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import MISSING, dataclass, fields, replace
from enum import Enum
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import idp
from idp.core.records import Record, Unreadable
from tests.records.samples import SAMPLES

RELEASE = Path(__file__).parent / "2026-11"


def kind(record: Record) -> str:
    return type(record).__name__


def every_kind() -> Iterator[type[Record]]:
    """Every record of the product, whether or not somebody remembered it here."""
    for module in walk_packages(idp.__path__, "idp."):
        if module.name.startswith(("idp.oidc", "idp.login", "idp.authn", "idp.sandbox")):
            for found in vars(import_module(module.name)).values():
                if isinstance(found, type) and issubclass(found, Record) and found is not Record:
                    yield found


def stored(record: Record) -> dict[str, Any]:
    """The record as the store gives it back."""
    found: dict[str, Any] = json.loads(json.dumps(record.dump()))
    return found


def test_every_kind_of_record_has_a_sample() -> None:
    assert {each.__name__ for each in every_kind()} == {kind(each) for each in SAMPLES}


@pytest.mark.parametrize("record", SAMPLES, ids=kind)
def test_what_the_release_of_november_2026_stored_is_read(record: Record) -> None:
    kept = json.loads((RELEASE / f"{kind(record)}.json").read_text("utf-8"))
    assert type(record).load(kept) == record


@pytest.mark.parametrize("record", SAMPLES, ids=kind)
def test_what_is_stored_now_has_all_that_release_needs(record: Record) -> None:
    kept = json.loads((RELEASE / f"{kind(record)}.json").read_text("utf-8"))
    assert known_to(kept, stored(record)) == kept


def known_to(release: Any, now: Any) -> Any:
    """What is stored now, without the members that ``release`` did not have."""
    if isinstance(release, dict) and isinstance(now, dict):
        return {name: known_to(release[name], now.get(name, MISSING)) for name in release}
    if isinstance(release, list) and isinstance(now, list) and len(release) == len(now):
        return [known_to(*both) for both in zip(release, now, strict=True)]
    return now


@pytest.mark.parametrize("record", SAMPLES, ids=kind)
def test_unknown_members_are_ignored_and_missing_ones_get_their_defaults(record: Record) -> None:
    known = stored(record)
    assert type(record).load({**known, "of_the_next_release": {"a": [1]}}) == record
    for each in fields(record):  # type: ignore[arg-type]
        less = {name: value for name, value in known.items() if name != each.name}
        if each.default is MISSING and each.default_factory is MISSING:
            assert type(record).read(less) is None
            continue
        default = each.default if each.default is not MISSING else each.default_factory()  # type: ignore[misc]
        assert type(record).load(less) == replace(record, **{each.name: default})  # type: ignore[type-var]


@pytest.mark.parametrize("record", SAMPLES, ids=kind)
@pytest.mark.parametrize("wrong", [None, {"a": 1}, [[]], object(), "x" * 9, -1.5])
def test_a_member_of_another_type_is_as_if_nothing_were_stored(record: Record, wrong: Any) -> None:
    for name, value in stored(record).items():
        if type(value) is not type(wrong):
            found = type(record).read({**stored(record), name: wrong})
            assert found is None or getattr(found, name) == wrong  # None, where it is optional


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Inner(Record):
    number: int
    colour: Colour | None = None


@dataclass(frozen=True, slots=True)
class Outer(Record):
    text: str
    flag: bool
    ratio: float
    inner: Inner
    many: tuple[Inner, ...]
    pair: tuple[str, str]
    maybe: Inner | None = None


OUTER = Outer("t", True, 1.5, Inner(1), (), ("a", "b"))
INNERS = st.builds(Inner, st.integers(), st.sampled_from([None]))


@given(
    st.builds(
        Outer,
        st.text(),
        st.booleans(),
        st.floats(allow_nan=False),
        INNERS,
        st.lists(INNERS).map(tuple),
        st.tuples(st.text(), st.text()),
        st.none() | INNERS,
    )
)
def test_a_record_survives_the_store(record: Outer) -> None:
    assert Outer.load(stored(record)) == record


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_whatever_stands_in_the_store_is_read_or_unreadable(value: Any) -> None:
    for name in ("inner", "many", "pair", "maybe", "text"):
        with suppress(Unreadable):
            Outer.load({**stored(OUTER), name: value})


@pytest.mark.parametrize("pair", [[], ["a"], ["a", "b", "c"]])
def test_a_tuple_has_its_length(pair: list[str]) -> None:
    assert Outer.read({**stored(OUTER), "pair": pair}) is None


def test_a_field_of_another_type_is_a_mistake_of_ours() -> None:
    @dataclass(frozen=True, slots=True)
    class Wrong(Record):
        when: complex

    with pytest.raises(TypeError):
        Wrong(1j).dump()
