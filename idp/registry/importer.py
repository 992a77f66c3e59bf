"""Import of persons from JSON Lines: streamed, repeatable, never a person half-written.

Each chunk of lines is one transaction. An import that was cut off has written whole chunks only
and is simply run again: the same line always leaves the same record.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import BinaryIO

from idp.registry import workers
from idp.registry.lines import KEPT_PROBLEMS, Problem, chunks
from idp.registry.repository import Registry

BATCH = 2_000
"""Short enough that a login waiting for the database waits for a tenth of a second."""


@dataclass(frozen=True, slots=True)
class Report:
    """What an import did. ``problems`` holds the first 1,000 of the ``refused`` lines.

    ``persons`` counts those written, or with ``dry_run`` those that would have been; a person on
    two lines of one batch counts once.
    """

    lines: int
    persons: int
    refused: int
    problems: tuple[Problem, ...]
    dry_run: bool


def import_persons(
    registry: Registry,
    file: BinaryIO,
    *,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda read: None,
) -> Report:
    """Write every good line of ``file``; of two lines about one person the later one counts.

    ``progress`` is told after each batch how many bytes have been read.

    Raises:
        Unavailable: the database does not answer; batches before are written, this one is not.
    """
    lines = persons = refused = 0
    problems: tuple[Problem, ...] = ()
    with closing(workers.parsed(chunks(file, BATCH))) as found:
        for chunk, said in found:
            if not dry_run:
                registry.write_rows(said.rows)
            lines += len(chunk.lines)
            persons += len(said.rows.persons)
            refused += said.refused
            problems = (*problems, *said.problems[: KEPT_PROBLEMS - len(problems)])
            progress(chunk.end)
    return Report(lines, persons, refused, problems, dry_run)
