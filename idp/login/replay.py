"""The answer of a login, kept for some seconds for the browser that got it.

A form that is sent twice ends where the first one led: the login is over then, and its answer is
on the way. It is sealed with the browser's own secret, so that nobody else is given it, and the
code in it still works once.
"""

from collections.abc import Mapping
from typing import Any

from idp.core.sealing import seal, unseal
from idp.storage.transient import Put

SECONDS = 10
"""As long as a citizen may press a button again."""
_PURPOSE = "answer"


class Answered(Exception):
    """The login was answered already; ``location`` is where."""

    def __init__(self, location: str) -> None:
        super().__init__("answered")
        self.location = location


def answered_key(flow: str) -> str:
    """Where the answer of a login is kept."""
    return f"answered:{{{flow}}}"


def keep(key: bytes, browser: str, flow: str, location: str) -> Put:
    """The operation that keeps an answer for ``browser``, whose secret it is sealed with."""
    sealed = seal(key, _PURPOSE, f"{browser}\x00{flow}", location)
    return Put(answered_key(flow), {"sealed": sealed}, SECONDS)


def require_unanswered(
    key: bytes, browser: str, flow: str, value: Mapping[str, Any] | None
) -> None:
    """Return when ``value`` holds no answer for ``browser``.

    Raises:
        Answered: it does.
    """
    if value is None:
        return
    try:
        location = unseal(key, _PURPOSE, f"{browser}\x00{flow}", value["sealed"])
    except ValueError:
        return
    raise Answered(location)
