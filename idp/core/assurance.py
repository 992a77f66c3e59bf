"""Levels of authentication, computed from the factors proved (Decree 69/2024 Art. 20).

Level 1: one factor. 2: two different factors, no biometric. 3: two or more, one of them a
biometric. 4: a biometric, a possession and a knowledge factor. A method has no level of its own:
a chip signature and a code sent to a phone are both possession.
"""

from collections.abc import Iterable
from enum import StrEnum

ACR_PREFIX = "urn:vn:eid:level:"
LEVELS = (1, 2, 3, 4)


class Factor(StrEnum):
    """The three kinds of authentication factor (NIST SP 800-63-4 §2.2)."""

    KNOWLEDGE = "knowledge"
    POSSESSION = "possession"
    BIOMETRIC = "biometric"


def level(factors: Iterable[Factor]) -> int:
    """The authentication level that these proved factors reach; 0 when there are none."""
    kinds = frozenset(factors)
    if not kinds:
        return 0
    if len(kinds) == 3:
        return 4
    if len(kinds) == 1:
        return 1
    return 3 if Factor.BIOMETRIC in kinds else 2


def acr(level: int) -> str:
    """The ``acr`` value of a level."""
    return f"{ACR_PREFIX}{level}"


def acr_level(value: str) -> int | None:
    """The level an ``acr`` value names, None when it is not one of ours."""
    number = value.removeprefix(ACR_PREFIX)
    if number == value or number not in {"1", "2", "3", "4"}:
        return None
    return int(number)


ACR_VALUES = tuple(acr(each) for each in LEVELS)
REACHABLE_LEVEL = 2
"""The highest level any shipped method can reach: no biometric is compared here yet."""


def amr(methods: Iterable[str], factors: Iterable[Factor]) -> tuple[str, ...]:
    """Authentication method references (RFC 8176), ``mfa`` added for two kinds of factor."""
    values = set(methods)
    if len(frozenset(factors)) > 1:
        values.add("mfa")
    return tuple(sorted(values))
