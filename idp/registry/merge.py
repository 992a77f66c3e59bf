"""What a line of an import comes to, beside what is known of the person already.

A line is the whole record: what it leaves out is gone. Two things are never lost by silence, the
civil status and the cards; and an older record never replaces a newer one.
"""

from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import TypeAlias

from idp.core.person import CivilStatus
from idp.registry.chip_keys import ChipKeys, keys_of
from idp.registry.lines import Problem
from idp.registry.rows import BIRTH_DATE, NUMBER, STATUS, UPDATED_AT, Row, Rows

VIET_NAM = timezone(timedelta(hours=7))
DAY = 24 * 3600
"""How far the registry's clock may be ahead, in seconds: a later time would bar every change."""

Known: TypeAlias = MutableMapping[str, tuple[str, int | None]]
"""Civil status and time of change by number, of those persons that are known."""


@dataclass(frozen=True, slots=True)
class Merged:
    """The rows to write, the lines refused, and what is noted of the others."""

    rows: Rows
    problems: list[Problem]
    notes: list[Problem]


def merge(rows: Rows, known: Known, chips: ChipKeys, now: int) -> Merged:
    """What is to be written of ``rows``, in the order of the lines. ``now``: epoch seconds.

    ``known`` and ``chips`` are brought up to date, ``rows`` is used up.
    """
    today = datetime.fromtimestamp(now, VIET_NAM).date().isoformat()
    merged = Merged(rows, [], [])
    dropped: set[str] = set()
    told, keys = set(rows.told), keys_of(rows)
    for place, at in sorted(zip(rows.places, range(len(rows.places)), strict=True)):
        row = rows.persons[at]
        number, before = row[NUMBER], known.get(row[NUMBER])
        own = keys.get(number, ())
        if reason := _impossible(row, today, now) or chips.refusal(number, own):
            merged.problems.append(Problem(place, reason))
            dropped.add(number)
            continue
        if before is not None:
            if _is_older(row, before):
                merged.notes.append(Problem(place, "older than the record held; not written"))
                dropped.add(number)
                continue
            row = rows.persons[at] = _succeed(row, before, silent=number in rows.silent)
            if before[0] == CivilStatus.DECEASED != row[STATUS]:
                merged.notes.append(Problem(place, f"status: was deceased, is {row[STATUS]}"))
        known[number] = (row[STATUS], row[UPDATED_AT])
        if number in told:
            chips.replace(number, own)
    return replace(merged, rows=rows.without(dropped)) if dropped else merged


def _impossible(row: Row, today: str, now: int) -> str | None:
    if row[BIRTH_DATE] > today:
        return "birth_date: in the future"
    if row[UPDATED_AT] is not None and row[UPDATED_AT] > now + DAY:
        return "updated_at: in the future"
    return None


def _is_older(row: Row, before: tuple[str, int | None]) -> bool:
    return row[UPDATED_AT] is not None and before[1] is not None and row[UPDATED_AT] < before[1]


def _succeed(row: Row, before: tuple[str, int | None], *, silent: bool) -> Row:
    """The row with what it does not say, of the two that stay: the status, and its time."""
    status = before[0] if silent else row[STATUS]
    updated_at = before[1] if row[UPDATED_AT] is None else row[UPDATED_AT]
    return (*row[:STATUS], status, *row[STATUS + 1 : UPDATED_AT], updated_at)
