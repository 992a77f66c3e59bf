"""What happened inside while one request was answered: its audit events, and where it failed.

The audit log and the forced results report here; outside a recorded request they are ignored.
"""

import sys
import traceback
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from types import TracebackType

from idp.audit.events import Event


@dataclass(slots=True)
class Observation:
    """One request as the inside saw it.

    ``calls`` are the functions (``module.function``) that the refusal came through, outermost
    first.
    """

    events: list[Event] = field(default_factory=list)
    calls: tuple[str, ...] = ()
    forced: str = ""

    def failed(self, error: BaseException) -> None:
        """Remember where ``error`` came from."""
        self.calls = tuple(
            f"{frame.f_globals['__name__']}.{frame.f_code.co_name}"
            for frame, _ in traceback.walk_tb(_first(error).__traceback__)
        )


_current: ContextVar[Observation | None] = ContextVar("observation", default=None)


class Observing:
    """Listens while the block runs. A class, because a generator costs each request more."""

    __slots__ = ("_token",)

    def __enter__(self) -> Observation:
        seen = Observation()
        self._token: Token[Observation | None] = _current.set(seen)
        return seen

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _current.reset(self._token)


def note(*written: Event) -> None:
    """An audit event was written; a refusal is written while its exception is handled."""
    seen, error = _current.get(), sys.exc_info()[1]
    if seen is None:
        return
    seen.events.extend(written)
    if error is not None and not seen.calls:
        seen.failed(error)


def note_forced(result: str) -> None:
    """A forced result was used."""
    seen = _current.get()
    if seen is not None:
        seen.forced = result


def _first(error: BaseException) -> BaseException:
    """The first exception: later ones restate it in more general words."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error
