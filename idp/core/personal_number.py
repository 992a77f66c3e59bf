"""The 12-digit personal identification number and the 9-digit number before it.

``PPP G YY RRRRRR``: province or country of birth registration, century and sex, year, six random
digits; no check digit (Law on Identification 26/2023 Art. 12, Circular 59/2021/TT-BCA Art. 4). The
number tells birth year, sex and province, so it is never logged and never a subject identifier.
"""

import re
import unicodedata
from dataclasses import dataclass

MAX_TYPED = 64
_SEPARATORS = re.compile(r"[\s.\-\u2010-\u2015\u00a0]")


@dataclass(frozen=True, slots=True)
class PersonalNumber:
    """A well-formed personal number. Compare by value; show with :meth:`masked`."""

    digits: str

    def __post_init__(self) -> None:
        if not (len(self.digits) == 12 and self.digits.isascii() and self.digits.isdigit()):
            raise ValueError("a personal number has 12 digits")

    def __str__(self) -> str:
        return self.digits

    def __repr__(self) -> str:
        return f"PersonalNumber({self.masked})"

    @property
    def masked(self) -> str:
        """The last four digits: the front tells year, sex and province."""
        return "********" + self.digits[-4:]

    @property
    def province_code(self) -> str:
        """Three digits: where the birth was registered."""
        return self.digits[:3]

    @property
    def sex(self) -> str:
        """``male`` or ``female``, by the century digit's parity."""
        return "female" if int(self.digits[3]) % 2 else "male"


@dataclass(frozen=True, slots=True)
class FormerNumber:
    """A 9-digit number of the old identity card: not unique, never proof of anything."""

    digits: str

    def __post_init__(self) -> None:
        if not (len(self.digits) == 9 and self.digits.isascii() and self.digits.isdigit()):
            raise ValueError("a former number has 9 digits")

    def __str__(self) -> str:
        return self.digits

    def __repr__(self) -> str:
        return f"FormerNumber(*****{self.digits[-4:]})"


def parse(typed: str) -> PersonalNumber | FormerNumber:
    """The number a person typed or pasted: spaces, dots, dashes and full-width digits are fine.

    Raises:
        ValueError: neither 12 nor 9 digits.
    """
    if len(typed) > MAX_TYPED:
        raise ValueError("too long")
    digits = _SEPARATORS.sub("", unicodedata.normalize("NFKC", typed))
    if len(digits) == 9:
        return FormerNumber(digits)
    return PersonalNumber(digits)
