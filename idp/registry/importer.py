"""Import of persons from JSON Lines: streamed, repeatable, never a person half-written.

Each chunk of lines is one transaction. An import that was cut off has written whole chunks only
and is simply run again: the same line always leaves the same record.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

from idp.registry import workers
from idp.registry.chip_keys import Rehearsal
from idp.registry.lines import Problem, chunks
from idp.registry.repository import Registry
from idp.registry.rows import NUMBER

KEPT = 1_000
BATCH = 2_000
"""Short enough that a login waiting for the database waits for a tenth of a second."""


@dataclass(frozen=True, slots=True)
class Report:
    """What an import did, or with ``dry_run`` would do, as far as the lines before are written.

    ``persons`` counts those written; a person on two lines of one batch counts once. ``problems``
    holds the first 1,000 of the ``refused`` lines, ``notes`` the first 1,000 of the ``noted``
    remarks about lines that were taken: what was left out of them, or why nothing was changed.
    """

    lines: int
    persons: int
    refused: int
    problems: tuple[Problem, ...]
    noted: int
    notes: tuple[Problem, ...]
    dry_run: bool


def import_persons(
    registry: Registry,
    file: BinaryIO,
    *,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda read: None,
) -> Report:
    """Write every good line of ``file``, by the rules of :mod:`idp.registry.merge`.

    ``progress`` is called after each batch with the number of bytes read.

    Raises:
        Unavailable: the database does not answer; batches before are written, this one is not.
    """
    lines = persons = 0
    problems, notes = _Told(), _Told()
    with ExitStack() as stack:
        found = stack.enter_context(closing(workers.parsed(chunks(file, BATCH))))
        rehearsal = stack.enter_context(closing(Rehearsal())) if dry_run else None
        for chunk, said in found:
            merged = registry.bring_in(said.rounds, rehearsal=rehearsal)
            lines += len(chunk.lines)
            persons += len({row[NUMBER] for each in merged for row in each.rows.persons})
            problems.add(said.problems, *(each.problems for each in merged))
            notes.add(said.notes, *(each.notes for each in merged))
            progress(chunk.end)
    refused, noted = tuple(problems.first), tuple(notes.first)
    return Report(lines, persons, problems.count, refused, notes.count, noted, dry_run)


class _Told:
    """How many there were, and the first of them in the order of the lines."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[Problem] = []

    def add(self, *found: Sequence[Problem]) -> None:
        """Those of one chunk."""
        self.count += sum(map(len, found))
        if len(self.first) < KEPT:
            ordered = sorted(chain(*found), key=lambda each: each.line)
            self.first += ordered[: KEPT - len(self.first)]
