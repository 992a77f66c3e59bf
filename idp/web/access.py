"""One log line and one measurement for each request, under its endpoint's URL rule.

Paths carry tickets and sessions, queries carry codes: neither is ever written.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

import structlog

from idp.web.fastpath import StartResponse, WSGIApp
from idp.web.metrics import LATENCY, REQUESTS

OTHER = "other"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_log = structlog.get_logger("idp.access")


class AccessLog:
    """WSGI middleware: ``rules`` are the URL rules that are served (``/login/<t>/otp``)."""

    def __init__(self, app: WSGIApp, rules: Iterable[str]) -> None:
        self._app = app
        self._rules = tuple(tuple(rule.split("/")) for rule in rules)
        self._fixed = {"/".join(rule) for rule in self._rules if not _is_variable(rule)}

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        structlog.contextvars.clear_contextvars()
        began, status = time.perf_counter(), "500"

        def start(line: str, *arguments: Any) -> Callable[..., Any]:
            nonlocal status
            status = line[:3]
            answer: Callable[..., Any] = start_response(line, *arguments)
            return answer

        try:
            return self._app(environ, start)
        finally:
            self._record(environ, status, time.perf_counter() - began)

    def rule(self, path: str) -> str:
        """The rule that serves ``path``; ``other`` when none does."""
        if path in self._fixed:
            return path
        parts = tuple(path.split("/"))
        found = (each for each in self._rules if _fits(each, parts))
        return "/".join(next(found, (OTHER,)))

    def _record(self, environ: dict[str, Any], status: str, seconds: float) -> None:
        endpoint = self.rule(environ.get("PATH_INFO", ""))
        asked = environ["REQUEST_METHOD"]
        method = asked if asked in _METHODS else OTHER
        REQUESTS.labels(endpoint, method, status).inc()
        LATENCY.labels(endpoint).observe(seconds)
        milliseconds = round(seconds * 1000, 1)
        _log.info("request", endpoint=endpoint, method=method, status=int(status), ms=milliseconds)


def _is_variable(rule: tuple[str, ...]) -> bool:
    return any(part.startswith("<") for part in rule)


def _fits(rule: tuple[str, ...], path: tuple[str, ...]) -> bool:
    if rule[-1].startswith("<path:"):
        path = (*path[: len(rule) - 1], "/".join(path[len(rule) - 1 :]))
    if len(rule) != len(path):
        return False
    return all(
        wanted == given or (wanted.startswith("<") and given)
        for wanted, given in zip(rule, path, strict=True)
    )
