"""Lines of an import file: cut into chunks, read, and turned into rows. No store is touched."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

from idp.registry.model import Record
from idp.registry.record import RecordError, parse_record
from idp.registry.rows import Rows

MAX_LINE = 64 * 1024
KEPT_PROBLEMS = 1_000
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some lines of a file, in order: ``first`` is the number of the first (from 1), ``end`` how
    many bytes of the file have been read with the last. A line over the limit is None.
    """

    first: int
    lines: Sequence[bytes | None]
    end: int


@dataclass(frozen=True, slots=True)
class Problem:
    """Line ``line`` (from 1) was not taken, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a chunk says. ``problems`` holds the first 1,000 of the ``refused`` lines."""

    rows: Rows
    refused: int
    problems: tuple[Problem, ...]


def chunks(file: BinaryIO, size: int) -> Iterator[Chunk]:
    """``file`` in chunks of ``size`` lines; the last may be shorter."""
    first, end = 1, 0
    lines: list[bytes | None] = []
    for length, line in _lines(file):
        lines.append(line)
        end += length
        if len(lines) == size:
            yield Chunk(first, lines, end)
            first, lines = first + size, []
    if lines:
        yield Chunk(first, lines, end)


def parse(chunk: Chunk) -> Parsed:
    """Read every line; of two lines about one person the later one counts."""
    refused = 0
    problems: list[Problem] = []
    found: dict[str, Record] = {}
    for place, line in enumerate(chunk.lines, chunk.first):
        try:
            record = _record(line)
        except RecordError as error:
            refused += 1
            if len(problems) < KEPT_PROBLEMS:
                problems.append(Problem(place, str(error)))
            continue
        if record is not None:
            number = record.person.number.digits
            found[number] = _after(found.get(number), record)
    return Parsed(Rows.of(found.values()), refused, tuple(problems))


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Each line and how many bytes it took; None for one over the limit, which is skipped."""
    first = True
    while line := file.readline(MAX_LINE + 1):
        size = len(line)
        if first:
            line, first = line.removeprefix(_BOM), False
        if len(line) <= MAX_LINE:
            yield size, line
            continue
        while not line.endswith(b"\n") and (line := file.readline(MAX_LINE)):
            size += len(line)
        yield size, None


def _record(line: bytes | None) -> Record | None:
    """The record of a line; None for an empty one.

    Raises:
        RecordError: there is none.
    """
    if line is None:
        raise RecordError(f"longer than {MAX_LINE} bytes")
    if not line.strip():
        return None
    try:
        value = json.loads(line.decode())
    except (ValueError, RecursionError):
        raise RecordError("not JSON in UTF-8") from None
    return parse_record(value, strict=True)


def _after(before: Record | None, record: Record) -> Record:
    """What two lines about one person come to: a line without cards leaves them alone."""
    if before is None or record.cards is not None:
        return record
    return replace(record, cards=before.cards)
