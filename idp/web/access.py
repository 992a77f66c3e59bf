"""One log line and one measurement for each request, under its endpoint's URL rule.

Paths carry tickets and sessions, queries carry codes: neither is ever written.
"""

import threading
from functools import cache
from typing import Any

from idp.web.log import write_line
from idp.web.metrics import LATENCY, REQUESTS

OTHER = "other"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_notes = threading.local()


def note(**members: str) -> None:
    """More members for the line of the request that this thread works on."""
    _notes.members = members


def record(rule: str, asked: str, status: int, seconds: float) -> None:
    """Count and log a request that was answered; ``asked`` is its method as it was sent."""
    method = asked if asked in _METHODS else OTHER
    counter, histogram = _children(rule, method, status)
    counter.inc()
    histogram.observe(seconds)
    noted: dict[str, str] = getattr(_notes, "members", {})
    if noted:
        _notes.members = {}
    more = "".join(f',"{name}":"{value}"' for name, value in noted.items())
    write_line(
        "idp.access",
        f'"event":"request","endpoint":"{rule}","method":"{method}","status":{status},'
        f'"ms":{seconds * 1000:.1f}{more}',
    )


@cache
def _children(rule: str, method: str, status: int) -> tuple[Any, Any]:
    """The counter and the histogram of a request; rules, methods and statuses are few."""
    return REQUESTS.labels(rule, method, str(status)), LATENCY.labels(rule)
