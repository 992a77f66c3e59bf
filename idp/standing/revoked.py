"""What is revoked, as a process holds it: compact at a million, quick to ask, read without a lock.

A hash table in four flat arrays (16 bytes a place) instead of a dictionary of tuples: ADR 0014.
"""

from array import array
from collections.abc import Callable, Iterable
from typing import TypeAlias

SMALLEST = 1024
_LATEST = 2**32 - 1
_FULL = 2 / 3

Slots: TypeAlias = "tuple[array[int], int, array[int], array[int]]"
"""Keys (0: an empty place), the mask that makes a place of a key, dates, ends (epoch seconds)."""


Row: TypeAlias = tuple[int, str, str, int, int]
"""A row of the table: its id, kind, subject, date, and the time from which it is of no use."""


class Revoked:
    """The latest date and end by kind and subject. One thread writes at a time; any may read.

    A key is Python's keyed hash of both (64 bits, another in each process): that one subject is
    taken for another of a million others has a chance of 10⁻¹³, and refuses what should pass.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._used = 0
        self.slots = _empty(SMALLEST)
        """Replaced as a whole when it grows, so that a reader sees the old table or the new."""

    def __len__(self) -> int:
        return self._used

    def at(self, kind: str, subject: str) -> int | None:
        """The latest date of a revocation that is not over, None where there is none."""
        keys, mask, dates, ends = self.slots
        place = _place(keys, mask, hash((kind, subject)) or 1)
        return dates[place] if keys[place] and ends[place] > self._clock() else None

    def add(self, rows: Iterable[Row]) -> None:
        """Remember ``rows``, each once however often it comes."""
        keys, mask, dates, ends = self.slots
        for _, kind, subject, at, expires_at in rows:
            key = hash((kind, subject)) or 1
            place = key & mask
            while (found := keys[place]) and found != key:
                place = (place + 1) & mask
            if at > dates[place]:
                dates[place] = at if at < _LATEST else _LATEST
            if expires_at > ends[place]:
                ends[place] = expires_at if expires_at < _LATEST else _LATEST
            if not found:
                keys[place] = key  # last: who finds the key finds its date
                self._used += 1
                if self._used > mask * _FULL:
                    self._grow()
                    keys, mask, dates, ends = self.slots

    def reserve(self, number: int) -> None:
        """Make room for ``number`` more at once, instead of step by step."""
        if self._used + number > self.slots[1] * _FULL:
            self._grow(number)

    def _grow(self, more: int = 0) -> None:
        """A table for those that are not over, at most half full; the others are forgotten."""
        keys, _, dates, ends = self.slots
        now = self._clock()
        live = [place for place, key in enumerate(keys) if key and ends[place] > now]
        size = SMALLEST
        while size < 2 * (len(live) + more):
            size *= 2
        new_keys, mask, new_dates, new_ends = made = _empty(size)
        for place in live:
            new = _place(new_keys, mask, keys[place])
            new_keys[new], new_dates[new], new_ends[new] = keys[place], dates[place], ends[place]
        self._used = len(live)
        self.slots = made


def _empty(size: int) -> Slots:
    """``size`` is a power of two."""
    short = bytes(4 * size)
    return array("q", bytes(8 * size)), size - 1, array("I", short), array("I", short)


def _place(keys: "array[int]", mask: int, key: int) -> int:
    """Where ``key`` is, or the empty place where it would be."""
    place = key & mask
    while (found := keys[place]) and found != key:
        place = (place + 1) & mask
    return place
