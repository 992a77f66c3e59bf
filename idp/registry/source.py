"""Where persons are looked up: our own copy of the registry, or the authority's service."""

from typing import Protocol

from idp.core.personal_number import PersonalNumber
from idp.registry.model import Card, Person


class RegistrySource(Protocol):
    """The population registry. Every method raises ``Unavailable`` when it cannot answer."""

    def person(self, number: PersonalNumber) -> Person | None:
        """The person, whatever their status; None when the registry knows no such number."""
        ...

    def cards(self, number: PersonalNumber) -> tuple[Card, ...]:
        """The person's chip cards, whatever their status, the last issued first."""
        ...

    def by_former_number(self, digits: str) -> tuple[PersonalNumber, ...]:
        """The persons who have, or had, the 9-digit number; ambiguous when there are several."""
        ...
