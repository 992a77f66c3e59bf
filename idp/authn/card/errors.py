"""The problem types that a program gets; the reason stays in the audit log."""

from idp.web.http import Request, Response, json_response

MEDIA_TYPE = "application/problem+json"
TITLES = {
    "login-unknown": "There is no such login in this browser, or it is over.",
    "session-unknown": "There is no such card session, or it is over.",
    "session-used": "This card session was used already.",
    "card-not-genuine": "The card could not be verified.",
    "card-not-accepted": "The card is not accepted here.",
    "throttled": "Too many cards were shown from this address.",
}
_STATUS = {"login-unknown": 404, "session-unknown": 404, "session-used": 409, "throttled": 429}


class CardProblem(Exception):
    """An RFC 9457 problem for a program; ``reason`` is for the audit log only."""

    def __init__(self, kind: str, *, reason: str = "", retry_after: int = 0) -> None:
        super().__init__(kind)
        self.kind = kind
        self.reason = reason or kind
        self.retry_after = retry_after


def problem(request: Request, error: Exception) -> Response | None:
    """The translation of :class:`CardProblem` for the edge."""
    if not isinstance(error, CardProblem):
        return None
    status = _STATUS.get(error.kind, 422)
    body = {"type": error.kind, "title": TITLES[error.kind], "status": status}
    headers = {"Content-Type": MEDIA_TYPE}
    if error.retry_after:
        headers["Retry-After"] = str(error.retry_after)
    return json_response(body, status, headers)
