"""A row of one feature that is stored in a transaction of another."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idp.storage.statements import Statement


@dataclass(frozen=True, slots=True)
class Beside:
    """``statement`` inserts ``values``; it may insert nothing where there is such a row."""

    statement: Statement
    values: Mapping[str, Any]
