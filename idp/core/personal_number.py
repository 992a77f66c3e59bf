"""The 12-digit personal identification number and the 9-digit number before it.

``PPP G YY RRRRRR``: province or country of birth registration, century and sex, year, six random
digits; no check digit (Law on Identification 26/2023 Art. 12, Circular 59/2021/TT-BCA Art. 4). The
number tells birth year, sex and province, so it is never logged and never a subject identifier.
"""

from dataclasses import dataclass

from idp.core.typed import compact

MAX_TYPED = 64


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
    """The number a person typed or pasted, as :func:`idp.core.typed.compact` reads it.

    Raises:
        ValueError: neither 12 nor 9 digits.
    """
    digits = _digits(typed)
    return FormerNumber(digits) if len(digits) == 9 else PersonalNumber(digits)


def parse_personal(typed: str) -> PersonalNumber:
    """The same where only a personal number will do.

    Raises:
        ValueError: not 12 digits.
    """
    return PersonalNumber(_digits(typed))


def parse_former(typed: str) -> FormerNumber:
    """The same where only a number of the old card will do.

    Raises:
        ValueError: not 9 digits.
    """
    return FormerNumber(_digits(typed))


def _digits(typed: str) -> str:
    if len(typed) > MAX_TYPED:
        raise ValueError("too long for a number")
    return typed if typed.isascii() and typed.isdigit() else compact(typed)
