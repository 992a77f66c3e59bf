"""What is known of a person: name, partial birth date, sex, address, civil status."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from idp.core.typed import plain

_BIRTH_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)
_TYPOGRAPHY = str.maketrans(
    dict.fromkeys(
        "'`\u00b4\u02b9\u02bb\u02bc\u02bd\u02c8\u02ca\u02cb\u2018\u201b\u2032\u2035\uff07", "\u2019"
    )
    | dict.fromkeys("\u00b7\u2022\u2027\u2219\u22c5\u30fb", " ")
)
"""Signs that keyboards have for U+2019, and dots that stand between the words of a name."""
_KINDS = {
    "N": "digits",
    "P": "brackets or other punctuation",
    "S": "symbols",
    "C": "control characters",
    "Z": "line separators",
}
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Sex(StrEnum):
    """As registered; the words are those of the OIDC ``gender`` claim."""

    MALE = "male"
    FEMALE = "female"
    OTHER = "other"


class CivilStatus(StrEnum):
    """The state of a person in the population registry."""

    ALIVE = "alive"
    DECEASED = "deceased"
    MISSING = "missing"
    NUMBER_CANCELLED = "number_cancelled"


@dataclass(frozen=True, slots=True)
class Name:
    """Họ, chữ đệm, tên. ``full`` is the source of truth, NFC; the parts are for display.

    Each is kept without invisible marks, with single spaces, and with U+2019 for every apostrophe.

    A name may have one word only, or no middle name, and need not be of Kinh form.
    """

    full: str
    family: str = ""
    middle: str = ""
    given: str = ""

    def __post_init__(self) -> None:
        for field in ("full", "family", "middle", "given"):
            given = getattr(self, field)
            value = _tidy(given)
            if value is not given:
                object.__setattr__(self, field, value)
        if not 1 <= len(self.full) <= 100:
            raise ValueError("a name has 1 to 100 characters")
        letters = self.full.replace(" ", "").isalpha()  # nearly every name, and cheap to ask
        if not letters and not all(_is_name_character(each) for each in self.full):
            raise ValueError(
                "a name holds letters, marks, spaces, apostrophes, dots and hyphens, no "
                + next(_KINDS[_kind(each)] for each in self.full if not _is_name_character(each))
            )


@lru_cache(8_192)  # the parts of names come again and again
def _tidy(text: str) -> str:
    """As a name is kept; the very same object where it is so already."""
    tidy = plain(text)
    if not tidy.replace(" ", "").isalpha() or "\u02b0" <= max(tidy) <= "\u02ff":
        tidy = tidy.translate(_TYPOGRAPHY)
    tidy = " ".join(tidy.split())
    return text if tidy == text else tidy


def _kind(character: str) -> str:
    return unicodedata.category(character)[0]


def _is_name_character(character: str) -> bool:
    return character in " '\u2019.-" or _kind(character) in "LM"


@dataclass(frozen=True, slots=True, order=True)
class BirthDate:
    """A date of birth that may be a year, or a year and a month, only."""

    year: int
    month: int | None = None
    day: int | None = None

    def __post_init__(self) -> None:
        if not 1850 <= self.year <= 2200:
            raise ValueError("no such birth year")
        if self.month is None:
            if self.day is not None:
                raise ValueError("a day without a month")
        elif not 1 <= self.month <= 12:
            raise ValueError("no such month")
        elif self.day is not None and not 1 <= self.day <= _days_in(self.year, self.month):
            raise ValueError("no such day")

    @classmethod
    def parse(cls, text: str) -> "BirthDate":
        """``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``; ``00`` stands for not known.

        Raises:
            ValueError: another form, or no such date.
        """
        match = _BIRTH_DATE.fullmatch(text)
        if match is None:
            raise ValueError("a birth date is YYYY, YYYY-MM or YYYY-MM-DD")
        year, month, day = (int(part) if part else 0 for part in match.groups())
        return cls(year, month or None, day or None)

    def __str__(self) -> str:
        if self.month is None:
            return f"{self.year:04}"
        if self.day is None:
            return f"{self.year:04}-{self.month:02}"
        return f"{self.year:04}-{self.month:02}-{self.day:02}"

    def age_at_least(self, years: int, *, on: tuple[int, int, int]) -> bool:
        """Whether the person surely has ``years`` full years on the date ``on`` (y, m, d).

        Parts not known count as the latest they could be, so that a doubt never makes older.
        """
        birthday = (self.year + years, self.month or 12, self.day or 31)
        return birthday <= on


def _days_in(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 28 if month == 2 and not leap else _DAYS[month - 1]


@dataclass(frozen=True, slots=True)
class Address:
    """Two-tier form since 1 July 2025: province, commune, street line; no district.

    ``text`` keeps an address in its older written form, never parsed.
    """

    province_code: str = ""
    province: str = ""
    commune_code: str = ""
    commune: str = ""
    street: str = ""
    text: str = ""

    def __str__(self) -> str:
        return self.text or ", ".join(
            part for part in (self.street, self.commune, self.province) if part
        )
