"""The processes that serve, and how an operator knows that all of them have seen a change.

A process answers from views of the database and of files (clients, revocations, keys, trust
anchors). Each one refreshes its views at every tick and then confirms, in the transient store, the
changes that were announced before. A command that changed something announces it and waits for
all of them. A process that cannot refresh does not confirm; after ``TRUSTED`` seconds it no longer
answers from its old views, so that the wait has an end.
"""

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from idp.core.errors import Unavailable
from idp.core.handles import random_name
from idp.storage.fresh import TRUSTED
from idp.storage.transient import Delete, Get, Link, Members, Put, TransientStore, Unlink

TICK = 0.5
"""Seconds between two refreshes of a process's views."""
_TTL = int(TRUSTED) + 5
_SERVING = "processes"
_ANNOUNCED = "changes"
_POLL = 0.05

_log = structlog.get_logger("idp.storage")


class Refresher:
    """Keeps the views of one process fresh; one thread, from :meth:`start` to :meth:`close`."""

    def __init__(
        self, transient: TransientStore, views: Iterable[Callable[[], object]], tick: float = TICK
    ) -> None:
        self._transient = transient
        self._views = tuple(views)
        self._tick = tick
        self._name = random_name(12)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="refresher", daemon=True)

    def start(self) -> None:
        """Refresh for the first time, then at every tick; a store that is away is tried again."""
        self._attempt()
        self._thread.start()

    def close(self) -> None:
        """Stop; nobody waits for this process any more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        with suppress(Unavailable):  # its mark expires by itself
            self._transient.run(Unlink(_SERVING, self._name), Delete(_alive(self._name)))

    def tick(self) -> None:
        """Say that this process serves, refresh every view, confirm what was announced before.

        In this order a process that starts misses no change.

        Raises:
            Unavailable: a store does not answer; nothing is confirmed.
        """
        serving = Put(_alive(self._name), {}, _TTL), Link(_SERVING, self._name, _TTL)
        announced, *_ = self._transient.run(Members(_ANNOUNCED), *serving)
        for view in self._views:
            view()
        if announced:
            confirmed = (Link(_confirmed(each), self._name, _TTL) for each in sorted(announced))
            self._transient.run(*confirmed)

    def everywhere(self, trusted: float = TRUSTED) -> "Confirmation":
        """Refresh here; return when every other process has refreshed too: see :func:`await_all`.

        Raises:
            Unavailable: a store does not answer.
        """
        for view in self._views:
            view()
        return await_all(self._transient, trusted=trusted, known=frozenset((self._name,)))

    def _run(self) -> None:
        while not self._stopping.wait(self._tick):
            self._attempt()

    def _attempt(self) -> None:
        try:
            self.tick()
        except Unavailable as error:
            _log.warning("views not refreshed", dependency=error.dependency)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How a change reached the processes that serve: how many confirmed it, and how many did not.

    Those that did not serve nobody from what was before the change.
    """

    confirmed: int
    silent: int
    seconds: float


def await_all(
    transient: TransientStore, *, trusted: float = TRUSTED, known: frozenset[str] = frozenset()
) -> Confirmation:
    """Return when no process serves from before now; at the latest after ``trusted`` seconds.

    Call it when the change is durable. ``known`` are the processes that have it already. Without
    the transient store it waits the whole time, and counts no process.
    """
    began = time.monotonic()
    try:
        waiting, serving = _ask_all(transient, known, until=began + trusted)
    except Unavailable:
        waiting = serving = 0
        time.sleep(max(0.0, began + trusted - time.monotonic()))
    return Confirmation(serving - waiting, waiting, time.monotonic() - began)


def _ask_all(transient: TransientStore, known: frozenset[str], *, until: float) -> tuple[int, int]:
    """Announce a change and wait; how many processes have not confirmed it, of how many."""
    change = random_name(12)
    transient.run(Link(_ANNOUNCED, change, _TTL))
    (serving,) = transient.run(Members(_SERVING))
    try:
        while True:
            (confirmed,) = transient.run(Members(_confirmed(change)))
            waiting = serving - confirmed - known
            if not waiting or time.monotonic() >= until:
                return len(waiting), len(serving)
            gone = _gone(transient, waiting)
            serving -= gone
            time.sleep(_POLL)
    finally:
        transient.run(Unlink(_ANNOUNCED, change))


def _gone(transient: TransientStore, names: Iterable[str]) -> frozenset[str]:
    """Those that ended without a word: their marks have expired."""
    asked = sorted(names)
    marks = transient.run(*(Get(_alive(each)) for each in asked))
    gone = frozenset(name for name, mark in zip(asked, marks, strict=True) if mark is None)
    if gone:
        transient.run(*(Unlink(_SERVING, each) for each in sorted(gone)))
    return gone


def _alive(name: str) -> str:
    return f"process:{name}"


def _confirmed(change: str) -> str:
    return f"confirmed:{change}"
