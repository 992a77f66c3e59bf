"""The population registry as another authority's service: JSON over TLS.

One POST to one address: ``{"number": …}`` is answered ``{"person": {…} | null}`` with the person's
``cards`` among the fields, ``{"former_number": …}`` by ``{"numbers": […]}``. Numbers travel in the
body, because addresses end up in logs. The record's fields are those of an import file.
"""

import json
from collections.abc import Mapping
from typing import Any

from idp.core.errors import Unavailable
from idp.core.personal_number import PersonalNumber
from idp.outbound.breaker import Breaker
from idp.outbound.service import Service, ServiceSettings
from idp.registry.model import Card, Person, Record
from idp.registry.record import MAX_MANY, RecordError, parse_record

DEPENDENCY = "registry"


class HttpRegistry:
    """See :class:`idp.registry.source.RegistrySource`."""

    def __init__(self, settings: ServiceSettings, breaker: Breaker | None = None) -> None:
        self._service = Service(DEPENDENCY, settings, breaker or Breaker(DEPENDENCY))

    def person(self, number: PersonalNumber) -> Person | None:
        """The person with this number."""
        record = self._record(number)
        return record.person if record else None

    def cards(self, number: PersonalNumber) -> tuple[Card, ...]:
        """The person's cards, the last issued first."""
        record = self._record(number)
        found = record.cards or () if record else ()
        return tuple(sorted(found, key=lambda each: each.issued_on, reverse=True))

    def by_former_number(self, digits: str) -> tuple[PersonalNumber, ...]:
        """The persons who have or had the 9-digit number."""
        numbers = self._ask({"former_number": digits}).get("numbers")
        if not isinstance(numbers, list) or len(numbers) > MAX_MANY:
            raise Unavailable(DEPENDENCY)
        try:
            return tuple(PersonalNumber(each) for each in sorted(set(numbers)))
        except (TypeError, ValueError, AttributeError) as error:
            raise Unavailable(DEPENDENCY) from error

    def close(self) -> None:
        """Close the connections."""
        self._service.close()

    def _record(self, number: PersonalNumber) -> Record | None:
        answer = self._ask({"number": number.digits})
        if "person" not in answer:
            raise Unavailable(DEPENDENCY)
        if answer["person"] is None:
            return None
        try:
            record = parse_record(answer["person"], strict=False)
        except RecordError as error:
            raise Unavailable(DEPENDENCY) from error
        if record.person.number != number:  # somebody else's record must never log anyone in
            raise Unavailable(DEPENDENCY)
        return record

    def _ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """The service's answer. Anything else counts as no answer: fail closed."""
        status, body = self._service.post(question)
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Unavailable(DEPENDENCY) from error
        if status != 200 or not isinstance(answer, dict):
            raise Unavailable(DEPENDENCY)
        return answer
