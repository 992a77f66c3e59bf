"""Where every failure becomes an answer: the one place that catches what nobody expected.

Each answer carries a reference that is also in the log and the audit record, and no detail of
what went wrong inside. A failure that an endpoint knows better how to tell (an OAuth error) is
answered by its own ``translate``.
"""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import structlog

from idp.core.errors import Unavailable
from idp.core.handles import random_name
from idp.web.csrf import CsrfFailed
from idp.web.http import HttpError, RepeatedParameter, Request, Response, json_response
from idp.web.templates import Pages

Translate: TypeAlias = Callable[[Request, Exception], Response | None]

_log = structlog.get_logger("idp.web")


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that failed, as the audit log records it. ``endpoint``: its first path segment.

    ``dependency`` is what was down, empty when nothing was.
    """

    reference: str
    code: str
    status: int
    endpoint: str
    dependency: str = ""


def new_reference() -> str:
    """A reference for an error page: 9 random bytes, as people type them after a command."""
    return random_name(9)


@dataclass(frozen=True, slots=True)
class Failures:
    """Answers failures. ``record`` writes one into the audit log."""

    pages: Pages
    record: Callable[[Failure], None]

    def attempt(
        self,
        known: Callable[[], Request],
        work: Callable[[], Response],
        *,
        html: bool,
        translate: Translate | None = None,
    ) -> Response:
        """What ``work`` answers, or what is to be said of its failure. Never raises.

        ``known`` gives what is surely known of the request; it is called for a failure only.
        """
        try:
            return work()
        except Exception as error:
            request = known()
            try:
                told = translate(request, error) if translate else None
                return told or self.answer(request, error, html=html)
            except Exception as second:
                _log_unexpected(request, second, new_reference())
                return json_response({"error": "server_error"}, 500)

    def answer(self, request: Request, error: Exception, *, html: bool) -> Response:
        """A page or a JSON problem (RFC 9457) for ``error``."""
        status, code = _status(error)
        down = error.dependency if isinstance(error, Unavailable) else ""
        failure = Failure(new_reference(), code, status, _endpoint(request), down)
        if status == 500:
            _log_unexpected(request, error, failure.reference)
        self._record(failure)
        headers = _headers(error)
        if not html:
            problem = {"type": "about:blank", "status": status, "error": code}
            return json_response({**problem, "reference": failure.reference}, status, headers)
        return error_page(
            self.pages, request, failure.reference, code=code, status=status, headers=headers
        )

    def _record(self, failure: Failure) -> None:
        """An error page is owed even when the audit log cannot be written."""
        try:
            self.record(failure)
        except Unavailable:
            _log.warning("failure not in audit log", reference=failure.reference)


def error_page(
    pages: Pages,
    request: Request,
    reference: str,
    *,
    code: str,
    status: int = 400,
    text: str | None = None,
    detail: str = "",
    headers: dict[str, str] | None = None,
) -> Response:
    """The page for a failure that the citizen cannot mend by filling in a form.

    ``code`` is the machine's word (``invalid_request``), ``reference`` an id that is in the audit
    log. ``text`` is the id of the message, by default that of our own codes; ``detail`` one
    English sentence for the relying party's developer.
    """
    return pages.render(
        request,
        "error/page.html",
        status=status,
        headers=headers,
        code=code,
        reference=reference,
        text=text or TEXTS.get(code, "error.request"),
        detail=detail,
    )


TEXTS = {
    "server_error": "error.server",
    "temporarily_unavailable": "error.unavailable",
    "form_expired": "error.form_expired",
    "not_found": "error.not_found",
    "method_not_allowed": "error.method",
}
_CODES = {404: "not_found", 405: "method_not_allowed"}


def _status(error: Exception) -> tuple[int, str]:
    match error:
        case HttpError():
            return error.status, _CODES.get(error.status, "invalid_request")
        case RepeatedParameter():
            return 400, "invalid_request"
        case CsrfFailed():
            return 403, "form_expired"
        case Unavailable():
            return 503, "temporarily_unavailable"
    return 500, "server_error"


def _headers(error: Exception) -> dict[str, str]:
    if isinstance(error, Unavailable):
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, HttpError) and error.allow:
        return {"Allow": error.allow}
    return {}


def _endpoint(request: Request) -> str:
    """The first path segment, shortened and printable: the rest may hold a ticket or a session."""
    segment = request.path.lstrip("/").partition("/")[0][:32]
    return segment if segment.isascii() and segment.isprintable() else "?"


def _log_unexpected(request: Request, error: Exception, reference: str) -> None:
    """Where it happened and of what kind. The text of an exception may quote personal data."""
    frames = traceback.extract_tb(error.__traceback__)
    _log.error(
        "unexpected failure",
        reference=reference,
        endpoint=_endpoint(request),
        method=request.method if request.method.isalpha() else "?",
        kind=f"{type(error).__module__}.{type(error).__qualname__}",
        trace=[f"{each.filename}:{each.lineno} {each.name}" for each in frames[-12:]],
    )
