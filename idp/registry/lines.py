"""Lines of an import file: cut into chunks, read, and turned into rows. No store is touched."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from idp.core.strict_json import RepeatedName, loads_line, loads_unrepeated
from idp.registry.model import Record, StatusOnly
from idp.registry.record import RecordError, parse_record, parse_status
from idp.registry.rows import Rows

MAX_LINE = 64 * 1024
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
    """What is wrong with line ``line`` (from 1); never the data itself."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a chunk says.

    ``rounds`` are to be written one after the other: a number that comes again is in a later one.
    ``problems`` are the lines of which nothing is taken, ``notes`` what was left out of the others.
    """

    rounds: tuple[Rows, ...]
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]


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
    """Read every line."""
    problems: list[Problem] = []
    notes: list[Problem] = []
    rounds: list[dict[str, tuple[int, Record | StatusOnly]]] = [{}]
    for place, line in enumerate(chunk.lines, chunk.first):
        try:
            record = _record(line)
        except RecordError as error:
            problems.append(Problem(place, str(error)))
            continue
        if record is None:
            continue
        if isinstance(record, StatusOnly):
            number = record.number.digits
        else:
            number = record.person.number.digits
            notes.extend(Problem(place, each) for each in record.notes)
        free = next((each for each in rounds if number not in each), None)
        if free is None:
            rounds.append(free := {})
        free[number] = (place, record)
    return Parsed(tuple(Rows.of(each.values()) for each in rounds), tuple(problems), tuple(notes))


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


def _record(line: bytes | None) -> Record | StatusOnly | None:
    """The record of a line, or its status where the rest is wrong; None for an empty one.

    Raises:
        RecordError: there is neither.
    """
    if line is None:
        raise RecordError(f"longer than {MAX_LINE} bytes; each line ends with LF")
    if not line.strip():
        return None
    try:
        value, repeated = _value(line)
    except (ValueError, RecursionError):
        raise RecordError(f"not JSON in UTF-8{_hint(line)}") from None
    try:
        if repeated:
            raise RecordError("not JSON with one meaning: a member is repeated")
        return parse_record(value, strict=True)
    except RecordError as error:
        if (status := parse_status(value, str(error))) is None:
            raise
        return status


def _value(line: bytes) -> tuple[object, bool]:
    """The JSON of a line, and whether members are repeated, which it is then without.

    Raises:
        ValueError, RecursionError: not JSON in UTF-8.
    """
    text = line.decode()
    try:
        return loads_line(text), False
    except RepeatedName:
        return loads_unrepeated(text), True


def _hint(line: bytes) -> str:
    """What the line may be instead, and what to do."""
    if line.startswith(_BOM):
        return ": a byte order mark (BOM) within the file; remove it"
    if line.strip() == b"\x1a":
        return ": the end-of-file mark of DOS (Ctrl-Z); remove it"
    if line.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in line:
        return ": it looks like UTF-16; convert the file"
    try:
        line.decode()
    except UnicodeDecodeError:
        return ": it may be Windows-1258 or another old encoding; convert the file"
    return ": lines end with CR alone; end them with LF" if b"\r" in line.rstrip() else ""
