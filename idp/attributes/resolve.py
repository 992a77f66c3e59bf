"""Claims about the citizen from what the registry and the account hold (OIDC Core §5.1).

Pure. Consent decides elsewhere which claims may leave. Unknown values are left out, never guessed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Protocol

from idp.core.person import Address, BirthDate
from idp.registry.model import Person

VIETNAM = timezone(timedelta(hours=7))
"""Asia/Ho_Chi_Minh: no summer time, and none ahead."""


class EidAccount(Protocol):
    """What is read of an account; accounts and attributes do not know each other."""

    @property
    def level(self) -> int: ...
    @property
    def phone(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class _Citizen:
    person: Person
    account: EidAccount
    today: tuple[int, int, int]


def claims(
    person: Person, account: EidAccount, requested: frozenset[str], now: int
) -> dict[str, Any]:
    """The values of the ``requested`` claims that are known, ``now`` in epoch seconds."""
    today = datetime.fromtimestamp(now, UTC).astimezone(VIETNAM)
    citizen = _Citizen(person, account, (today.year, today.month, today.day))
    found = {name: _CLAIMS[name](citizen) for name in sorted(requested & _CLAIMS.keys())}
    return {name: value for name, value in found.items() if value not in (None, "", [], {})}


def _birthdate(birth_date: BirthDate) -> str:
    # OIDC Core knows a whole date or a year; a year and a month become the year.
    return str(birth_date) if birth_date.day is not None else f"{birth_date.year:04}"


def _phone(citizen: _Citizen) -> str | None:
    return citizen.account.phone or citizen.person.phone


def _phone_verified(citizen: _Citizen) -> bool | None:
    # The account's phone was proved when it was bound; the registry's is what somebody said.
    return bool(citizen.account.phone) if _phone(citizen) else None


def _email_verified(citizen: _Citizen) -> bool | None:
    return False if citizen.person.email else None


def _address(address: Address) -> dict[str, str]:
    """The address claim (OIDC Core §5.1.1): province is the region, commune the locality."""
    found = {
        "formatted": str(address),
        "street_address": address.street,
        "locality": address.commune,
        "region": address.province,
    }
    return {name: value for name, value in found.items() if value}


def _age_over(years: int) -> Callable[[_Citizen], bool]:
    return lambda citizen: citizen.person.birth_date.age_at_least(years, on=citizen.today)


_CLAIMS: Mapping[str, Callable[[_Citizen], Any]] = {
    "name": lambda it: it.person.name.full,
    "family_name": lambda it: it.person.name.family,
    "middle_name": lambda it: it.person.name.middle,
    "given_name": lambda it: it.person.name.given,
    "gender": lambda it: it.person.sex.value,
    "birthdate": lambda it: _birthdate(it.person.birth_date),
    "nationality": lambda it: it.person.nationality,
    "updated_at": lambda it: it.person.updated_at,
    "pid": lambda it: it.person.number.digits,
    "former_ids": lambda it: [each.digits for each in it.person.former_numbers],
    "phone_number": _phone,
    "phone_number_verified": _phone_verified,
    "email": lambda it: it.person.email,
    "email_verified": _email_verified,
    "address": lambda it: _address(it.person.address),
    "age_over_14": _age_over(14),
    "age_over_18": _age_over(18),
    "age_over_60": _age_over(60),
    "account_level": lambda it: it.account.level,
}
