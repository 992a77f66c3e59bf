"""What a relying party asks of a login."""

from dataclasses import dataclass

from idp.core.records import Record


@dataclass(frozen=True, slots=True)
class Requirement(Record):
    """The authentication that must be shown before the citizen may go on.

    ``level`` is a minimum. ``methods`` are those the relying party accepts (none named: any).
    Only authentications at or after ``not_before`` (epoch seconds) count; with ``fresh`` only
    those made in this very transaction. ``account_id`` is the one account that will do.
    """

    level: int = 1
    methods: tuple[str, ...] = ()
    not_before: int = 0
    fresh: bool = False
    account_id: str | None = None
