"""A person as a JSON object: one line of an import file, one answer of the registry's service.

The fields are described in ``docs/registry.md``. What is read is checked as a whole, so that
nothing behind this module meets a half-right record. Reasons never hold the data they are about.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from difflib import get_close_matches
from enum import EnumType
from functools import lru_cache
from typing import Any, TypeVar

from idp.core.person import Address, BirthDate, CivilStatus, Name, Sex
from idp.core.personal_number import PersonalNumber, parse_former, parse_personal
from idp.core.typed import plain
from idp.mrtd.names import unprintable
from idp.registry import phone
from idp.registry.model import NATIONALITY, NO_ADDRESS, Card, CardStatus, Person, Record, StatusOnly

MAX_MANY = 32
MAX_TIME = 1 << 40
_NAME_PARTS = ("family_name", "middle_name", "given_name")
_ADDRESS = {
    "province_code": 8,
    "province": 100,
    "commune_code": 8,
    "commune": 100,
    "street": 200,
    "text": 400,
}
_CARD = frozenset(
    ("document_number", "issued_on", "expires_on", "status", "serial", "aa_key_digest")
)
_PERSON = frozenset(
    (
        "number",
        "name",
        *_NAME_PARTS,
        "birth_date",
        "sex",
        "nationality",
        "ethnicity",
        "address",
        "status",
        "phone",
        "email",
        "updated_at",
        "former_numbers",
        "cards",
    )
)
_NATIONALITIES = {
    **dict.fromkeys(("vn", "việt nam", "viet nam", "vietnam"), NATIONALITY),
    "d": "DEU",  # the one code of 9303-3 §5 that is shorter in the zone than in ISO 3166-1
}
_EMAIL = re.compile(
    r"[!#-'*+/-9=?A-Z^-~.-]+@(?:[A-Z0-9-]+\.)+[A-Z0-9-]*[A-Z][A-Z0-9-]*", re.ASCII | re.IGNORECASE
)
_USUAL = re.compile(
    "[A-Za-z\u00c0-\u0137\u0139-\u017f\u01a0\u01a1\u01af\u01b0\u1ea0-\u1ef9 .'\u2019-]+"
)
"""A name of letters that surely have a form in a card's zone; cheap to ask."""
T = TypeVar("T")


class RecordError(ValueError):
    """The object is no record; the text is ``field: reason``, without the data."""


def parse_record(value: object, *, strict: bool) -> Record:
    """Read a person, with the cards when the object has them.

    ``strict`` refuses fields it does not know: mistakes in a file, but a service may add some.

    Raises:
        RecordError: what is wrong with the first wrong field.
    """
    found = _mapping(value, _PERSON if strict else None)
    notes: list[str] = []
    person = parse_person(found, notes, strict=strict)
    status_told = _given(found, "status") is not None
    if found.get("cards") is None:
        return Record(person, None, status_told, tuple(notes))
    cards = _cards(found, strict=strict)
    if len({(each.document_number, each.issued_on) for each in cards}) < len(cards):
        raise RecordError("cards: two with one document number and issue date")
    own = tuple(each for each in cards if _is_of(each, person.number))
    if len(own) < len(cards):
        notes.append("cards: a document number of another person; that card is left out")
    return Record(person, own, status_told, tuple(notes))


def parse_status(value: object, reason: str) -> StatusOnly | None:
    """The civil status in an object that is no record for ``reason``; None where it says none.

    A death counts whatever else the record says.
    """
    if not isinstance(value, dict):
        return None
    try:
        number = _required(value, "number", parse_personal)
        status = _optional(value, "status", CivilStatus)
    except RecordError:
        return None
    if status is None:
        return None
    try:
        return StatusOnly(number, status, reason, _time(value.get("updated_at")))
    except RecordError:
        return StatusOnly(number, status, reason, is_dated=False)


def parse_person(found: Mapping[str, Any], notes: list[str], *, strict: bool) -> Person:
    """Read a person from a JSON object. Nothing else hangs on how somebody is reached: contact data
    that cannot be read is left out, and ``notes`` gets the reason.

    Raises:
        RecordError: what is wrong with the first wrong field.
    """
    return Person(
        number=_required(found, "number", parse_personal),
        name=_name(found),
        birth_date=_required(found, "birth_date", BirthDate.parse),
        sex=_required(found, "sex", Sex),
        nationality=_optional(found, "nationality", _nationality) or NATIONALITY,
        ethnicity=_text(found, "ethnicity", 64),
        address=_address(found, notes, strict=strict),
        status=_optional(found, "status", CivilStatus) or CivilStatus.ALIVE,
        phone=_contact(found, "phone", phone.parse, notes),
        email=_contact(found, "email", _email, notes),
        updated_at=_time(found.get("updated_at")),
        former_numbers=tuple(
            _checked("former_numbers", each, parse_former)
            for each in _many(found, "former_numbers")
        ),
    )


def parse_card(value: object, *, strict: bool) -> Card:
    """Read one card from a JSON object.

    Raises:
        RecordError: what is wrong with the first wrong field.
    """
    found = _mapping(value, _CARD if strict else None)
    return Card(
        document_number=_required(found, "document_number", _document_number),
        issued_on=_required(found, "issued_on", _date),
        expires_on=_optional(found, "expires_on", _date),
        status=_optional(found, "status", CardStatus) or CardStatus.VALID,
        serial=_text(found, "serial", 64) or None,
        aa_key_digest=_optional(found, "aa_key_digest", _digest),
    )


def dump_person(person: Person) -> dict[str, Any]:
    """The JSON object of a person, as :func:`parse_record` reads it; empty fields are left out."""
    address = {name: getattr(person.address, name) for name in _ADDRESS}
    found = {
        "number": person.number.digits,
        "name": person.name.full,
        "family_name": person.name.family,
        "middle_name": person.name.middle,
        "given_name": person.name.given,
        "birth_date": str(person.birth_date),
        "sex": person.sex.value,
        "nationality": person.nationality,
        "ethnicity": person.ethnicity,
        "address": {name: text for name, text in address.items() if text},
        "status": person.status.value,
        "phone": person.phone,
        "email": person.email,
        "updated_at": person.updated_at,
        "former_numbers": [each.digits for each in person.former_numbers],
    }
    return {name: value for name, value in found.items() if value not in (None, "", [], {})}


def dump_card(card: Card) -> dict[str, Any]:
    """The JSON object of a card, as :func:`parse_card` reads it; empty fields are left out."""
    found = {
        "document_number": card.document_number,
        "issued_on": card.issued_on.isoformat(),
        "expires_on": card.expires_on.isoformat() if card.expires_on else None,
        "status": card.status.value,
        "serial": card.serial,
        "aa_key_digest": card.aa_key_digest,
    }
    return {name: value for name, value in found.items() if value is not None}


def _mapping(value: object, known: frozenset[str] | None) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise RecordError("not a JSON object")
    if known is not None and not known.issuperset(value):
        raise RecordError(_unknown(value, known))
    return value


def _unknown(given: Iterable[str], known: Iterable[str]) -> str:
    """The reason for fields that are not ``known``; it names the field that was likely meant."""
    wanted = sorted(known)
    for each in given:
        if each not in wanted and (near := get_close_matches(each[:64], wanted, 1, 0.8)):
            return f"an unknown field; did you mean {near[0]}?"
    return f"an unknown field; the fields are {', '.join(wanted)}"


def _many(found: Mapping[str, Any], field: str) -> list[Any]:
    value = found.get(field)
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MAX_MANY:
        raise RecordError(f"{field}: not a list of at most {MAX_MANY}")
    return value


def _checked(field: str, value: object, read: Callable[[str], T]) -> T:
    if not isinstance(value, str):
        number = isinstance(value, int | float) and field in ("number", "former_numbers", "phone")
        lost = "; put it in quotes, with its leading zeros" if number else ""
        raise RecordError(f"{field}: not a text{lost}")
    try:
        return read(plain(value).strip())
    except ValueError as error:
        # An enumeration's own message repeats the value.
        reason = f"not one of {', '.join(read)}" if isinstance(read, EnumType) else str(error)
        raise RecordError(f"{field}: {reason}") from None


def _required(found: Mapping[str, Any], field: str, read: Callable[[str], T]) -> T:
    value = found.get(field)
    if value is None:
        raise RecordError(f"{field}: missing")
    return _checked(field, value, read)


def _optional(found: Mapping[str, Any], field: str, read: Callable[[str], T]) -> T | None:
    value = _given(found, field)
    return None if value is None else _checked(field, value, read)


def _given(found: Mapping[str, Any], field: str) -> object:
    """The value of an optional field; None where it is absent, null or blank."""
    value = found.get(field)
    return None if value == "" or (isinstance(value, str) and value.isspace()) else value


def _contact(
    found: Mapping[str, Any], field: str, read: Callable[[str], T], notes: list[str]
) -> T | None:
    try:
        return _optional(found, field, read)
    except RecordError as error:
        notes.append(f"{error}; left out")
        return None


def _cards(found: Mapping[str, Any], *, strict: bool) -> tuple[Card, ...]:
    try:
        return tuple(parse_card(each, strict=strict) for each in _many(found, "cards"))
    except RecordError as error:
        reason = str(error).removeprefix("cards: ")
        raise RecordError(f"cards: {reason}") from None


def _is_of(card: Card, number: PersonalNumber) -> bool:
    """Whether the card can be the person's: nine digits are the last nine of their number."""
    shown = card.document_number
    return len(shown) != 9 or not shown.isdigit() or number.digits.endswith(shown)


def _text(found: Mapping[str, Any], field: str, longest: int) -> str:
    value = found.get(field)
    if value is None:
        return ""
    text = _one_line(value) if isinstance(value, str) else None
    if text is None:
        raise RecordError(f"{field}: not a text that can be printed")
    if len(text) > longest:
        raise RecordError(f"{field}: longer than {longest} characters")
    return text


@lru_cache(16_384)  # places, groups and parts of names come again and again
def _one_line(value: str) -> str | None:
    text = " ".join(plain(value).split())
    return text if text.isprintable() else None


def _name(found: Mapping[str, Any]) -> Name:
    full = _required(found, "name", str)
    parts = [_text(found, part, 100) for part in _NAME_PARTS]
    try:
        name = Name(full, *parts)
    except ValueError as error:
        raise RecordError(f"name: {error}") from None
    if not _USUAL.fullmatch(name.full) and unprintable(name.full):
        raise RecordError(
            "name: letters that no card can show (ICAO 9303-3 §6); give it in Latin letters"
        )
    return name


def _address(found: Mapping[str, Any], notes: list[str], *, strict: bool) -> Address:
    value = _given(found, "address")
    if value is None:
        return NO_ADDRESS
    try:
        if not isinstance(value, dict):
            raise RecordError("not a JSON object")
        if strict and not _ADDRESS.keys() >= value.keys():
            raise RecordError(_unknown(value, _ADDRESS))
        return Address(**{name: _text(value, name, longest) for name, longest in _ADDRESS.items()})
    except RecordError as error:
        notes.append(f"address: {error}; left out")
        return NO_ADDRESS


def _nationality(value: str) -> str:
    if len(value) == 3 and value.isascii() and value.isalpha() and value.isupper():
        return value
    known = _NATIONALITIES.get(value.casefold())
    if known is None:
        raise ValueError("not three capital letters (ISO 3166-1 alpha-3)")
    return known


def _email(value: str) -> str:
    if len(value) > 254 or _EMAIL.fullmatch(value) is None:
        raise ValueError("not one e-mail address in ASCII")
    return value


def _time(value: object) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < MAX_TIME:
        raise RecordError("updated_at: not a time in whole seconds since 1970")
    return value


def _date(value: str) -> date:
    try:
        found = date.fromisoformat(value)
    except ValueError:
        raise ValueError("not a date YYYY-MM-DD") from None
    if found.isoformat() != value:
        raise ValueError("not a date YYYY-MM-DD")
    return found


def _document_number(value: str) -> str:
    if not (1 <= len(value) <= 16 and value.isascii() and value.isalnum()):
        raise ValueError("not 1 to 16 letters and digits")
    return value


def _digest(value: str) -> str:
    if not (len(value) == 64 and set(value) <= set("0123456789abcdef")):
        raise ValueError("not a SHA-256 in lower-case hexadecimal")
    return value
