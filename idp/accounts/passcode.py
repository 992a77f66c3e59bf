"""The 6-digit passcode: its policy, and its Argon2id hash (RFC 9106) under a pepper.

A million passcodes are soon tried against any hash. So it is the HMAC of the passcode, under a
secret that is kept apart from the database, that is hashed: a stolen table alone tells nothing
(NIST SP 800-63B-4 §3.1.1.2, keyed hashing).
"""

import hmac
import secrets
from functools import cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from idp.accounts.settings import DEFAULT, PasscodeSettings
from idp.core.person import BirthDate
from idp.core.typed import compact

LENGTH = 6
_UP = "01234567890"
_DOWN = _UP[::-1]


class WeakPasscode(ValueError):
    """The passcode may not be chosen; ``reason`` is a short machine word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def choose(typed: str, birth_date: BirthDate) -> str:
    """The digits of a passcode that the holder may choose.

    Raises:
        WeakPasscode: ``format``, ``repeated`` (one digit, or one group, again and again),
            ``sequence``, or ``birth_date``: what anybody would try first.
    """
    digits = _normalise(typed)
    if not (len(digits) == LENGTH and digits.isascii() and digits.isdigit()):
        raise WeakPasscode("format")
    if digits in (digits + digits)[1:-1]:  # a rotation of itself: 111111, 121212, 123123
        raise WeakPasscode("repeated")
    if digits in _UP or digits in _DOWN:
        raise WeakPasscode("sequence")
    if digits in _spellings(birth_date):
        raise WeakPasscode("birth_date")
    return digits


def hash_passcode(digits: str, pepper: bytes, settings: PasscodeSettings = DEFAULT) -> str:
    """The Argon2id hash of a passcode, as a PHC string of under 128 characters."""
    return _hasher(settings).hash(_keyed(digits, pepper))


def verify(
    passcode_hash: str | None, typed: str, pepper: bytes, settings: PasscodeSettings = DEFAULT
) -> bool:
    """Whether ``typed`` is the passcode. It costs the same where there is none to compare with.

    Raises:
        ValueError: what is stored is not an Argon2 hash.
    """
    hasher = _hasher(settings)
    try:
        hasher.verify(passcode_hash or _nobodys(settings), _keyed(_normalise(typed), pepper))
    except VerifyMismatchError:
        return False
    except InvalidHashError as error:
        raise ValueError("a stored passcode is not an Argon2 hash") from error
    return passcode_hash is not None


def _keyed(digits: str, pepper: bytes) -> bytes:
    return hmac.digest(pepper, digits.encode(), "sha256")


def _normalise(typed: str) -> str:
    return compact(typed[:64])


def _spellings(birth_date: BirthDate) -> frozenset[str]:
    year, month, day = f"{birth_date.year:04}", birth_date.month, birth_date.day
    if month is None:
        return frozenset()
    found = {f"{month:02}{year}", f"{year}{month:02}"}
    if day is not None:
        short = year[2:]
        found |= {
            f"{day:02}{month:02}{short}",
            f"{month:02}{day:02}{short}",
            f"{short}{month:02}{day:02}",
        }
    return frozenset(found)


@cache
def _hasher(settings: PasscodeSettings) -> PasswordHasher:
    return PasswordHasher(
        time_cost=settings.passes,
        memory_cost=settings.memory,
        parallelism=settings.lanes,
        type=Type.ID,
    )


@cache
def _nobodys(settings: PasscodeSettings) -> str:
    return _hasher(settings).hash(secrets.token_bytes(32))
