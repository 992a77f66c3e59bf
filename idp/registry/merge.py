"""What a line of an import comes to, beside what is known of the person already.

A line is the whole record: what it leaves out is gone. Two things are never lost by silence, the
civil status and the cards; and an older record never replaces a newer one. The civil status hangs
on nothing else: of a line that is refused it is taken alone, where the person is known.
"""

from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import TypeAlias

from idp.core.person import CivilStatus
from idp.core.personal_number import PersonalNumber
from idp.registry.chip_keys import ChipKeys, keys_of
from idp.registry.lines import Problem
from idp.registry.model import StatusOnly
from idp.registry.rows import BIRTH_DATE, NUMBER, STATUS, UPDATED_AT, Row, Rows

VIET_NAM = timezone(timedelta(hours=7))
DAY = 24 * 3600
"""How far the registry's clock may be ahead, in seconds: a later time would bar every change."""

Known: TypeAlias = MutableMapping[str, tuple[str, int | None]]
"""Civil status and time of change by number, of those persons that are known."""
StatusRow: TypeAlias = tuple[str, str, int | None]
"""Number, civil status and time of change."""


@dataclass(frozen=True, slots=True)
class Merged:
    """The rows to write, the lines refused, and what is noted of the others.

    ``statuses`` are written alone: the rest of those lines was refused.
    """

    rows: Rows
    statuses: list[StatusRow]
    problems: list[Problem]
    notes: list[Problem]


def merge(rows: Rows, known: Known, chips: ChipKeys, now: int) -> Merged:
    """What is to be written of ``rows``, in the order of the lines. ``now``: epoch seconds.

    ``known`` and ``chips`` are brought up to date, ``rows`` is used up.
    """
    today = datetime.fromtimestamp(now, VIET_NAM).date().isoformat()
    merged = Merged(rows, [], [], [])
    dropped: set[str] = set()
    told, keys = set(rows.told), keys_of(rows)
    for place, only in rows.statuses:
        _take_status(merged, place, only, known, now)
    for place, at in sorted(zip(rows.places, range(len(rows.places)), strict=True)):
        row = rows.persons[at]
        number, before = row[NUMBER], known.get(row[NUMBER])
        own = keys.get(number, ())
        if reason := _impossible(row, today, now) or chips.refusal(number, own):
            if number in rows.silent:
                merged.problems.append(Problem(place, reason))
            else:
                _take_status(merged, place, _status_of(row, reason), known, now)
            dropped.add(number)
            continue
        if before is not None:
            if _is_older(row[UPDATED_AT], before):
                merged.notes.append(Problem(place, "older than the record held; not written"))
                dropped.add(number)
                continue
            row = rows.persons[at] = _succeed(row, before, silent=number in rows.silent)
            _note_revival(merged, place, before, row[STATUS])
        known[number] = (row[STATUS], row[UPDATED_AT])
        if number in told:
            chips.replace(number, own)
    return replace(merged, rows=rows.without(dropped)) if dropped else merged


def _take_status(merged: Merged, place: int, only: StatusOnly, known: Known, now: int) -> None:
    """Of a line that is refused, the status, where the person is known; the report says both."""
    number, before = only.number.digits, known.get(only.number.digits)
    in_time = only.is_dated and not _is_ahead(only.updated_at, now)
    at = only.updated_at if in_time else None
    reason = only.reason
    if before is not None and _is_older(at, before):
        reason += "; older than the record held"
    elif before is not None and not in_time and only.status is CivilStatus.ALIVE != before[0]:
        reason += "; the status alive is not taken without a time"
    elif before is not None:
        reason += f"; only the status is taken: {only.status}"
        _note_revival(merged, place, before, only.status)
        known[number] = (only.status.value, before[1] if at is None else at)
        merged.statuses.append((number, *known[number]))
    merged.problems.append(Problem(place, reason))


def _status_of(row: Row, reason: str) -> StatusOnly:
    status = CivilStatus(row[STATUS])
    return StatusOnly(PersonalNumber(row[NUMBER]), status, reason, row[UPDATED_AT])


def _note_revival(merged: Merged, place: int, before: tuple[str, int | None], now: str) -> None:
    if before[0] == CivilStatus.DECEASED != now:
        merged.notes.append(Problem(place, f"status: was deceased, is {now}"))


def _impossible(row: Row, today: str, now: int) -> str | None:
    if row[BIRTH_DATE] > today:
        return "birth_date: in the future"
    return "updated_at: in the future" if _is_ahead(row[UPDATED_AT], now) else None


def _is_ahead(updated_at: int | None, now: int) -> bool:
    return updated_at is not None and updated_at > now + DAY


def _is_older(updated_at: int | None, before: tuple[str, int | None]) -> bool:
    return updated_at is not None and before[1] is not None and updated_at < before[1]


def _succeed(row: Row, before: tuple[str, int | None], *, silent: bool) -> Row:
    """The row with what it does not say, of the two that stay: the status, and its time."""
    status = before[0] if silent else row[STATUS]
    updated_at = before[1] if row[UPDATED_AT] is None else row[UPDATED_AT]
    return (*row[:STATUS], status, *row[STATUS + 1 : UPDATED_AT], updated_at)
