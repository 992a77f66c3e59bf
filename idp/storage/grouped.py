"""Group commit: calls that wait at the same time share one transaction.

A durable write costs a flush of the disk, and one flush serves any number of rows.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from idp.core.errors import Unavailable

Row = TypeVar("Row")
Outcome = TypeVar("Outcome")


class GroupCommit(Generic[Row, Outcome]):
    """``store`` writes rows in one transaction and returns an outcome for each, in order."""

    def __init__(self, store: Callable[[Sequence[Row]], Sequence[Outcome]]) -> None:
        self._store = store
        self._collecting = threading.Lock()
        self._storing = threading.Lock()
        self._batch = _Batch[Row, Outcome]()

    def write(self, rows: Sequence[Row]) -> Sequence[Outcome]:
        """Store ``rows`` together; their outcomes. Durable when this returns.

        Raises:
            Unavailable: the rows are not known to be stored.
        """
        with self._collecting:
            batch = self._batch
            first = len(batch.rows)
            batch.rows += rows
        with self._storing:
            if not batch.closed:
                self._carry_out(batch)
        if batch.outcomes is None:
            raise Unavailable(batch.dependency) from batch.cause
        return batch.outcomes[first : first + len(rows)]

    def _carry_out(self, batch: "_Batch[Row, Outcome]") -> None:
        with self._collecting:
            self._batch = _Batch()
        batch.closed = True
        try:
            batch.outcomes = self._store(batch.rows)
        except Unavailable as error:
            batch.cause, batch.dependency = error, error.dependency


class _Batch(Generic[Row, Outcome]):
    """Rows that are stored together, and what came of them."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.closed = False
        self.outcomes: Sequence[Outcome] | None = None
        self.cause: Unavailable | None = None
        self.dependency = "database"
