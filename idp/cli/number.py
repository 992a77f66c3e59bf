"""A personal number as an argument of a command: typed or pasted, 12 digits."""

from typing import Any

import click

from idp.core.personal_number import PersonalNumber, parse_personal


class NumberType(click.ParamType[PersonalNumber]):
    """Parses a number by the same rule as the pages; anything else is wrong usage."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> PersonalNumber:
        """The number, or the error that click shows."""
        if isinstance(value, PersonalNumber):
            return value
        try:
            return parse_personal(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


NUMBER = NumberType()
