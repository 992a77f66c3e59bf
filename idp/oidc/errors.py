"""OAuth errors: RFC 6749 §4.1.2.1 and §5.2, RFC 6750 §3.1, OIDC Core §3.1.2.6.

``description`` is for the relying party's developer and reveals no more than the error code;
``reason`` is for the audit log. So an expired, a used and a foreign code have the same response.
The sandbox, which has no secrets to protect, also returns the reason.
"""

from collections.abc import Mapping
from typing import Any

from idp.login.throttle import Limit
from idp.oidc.reasons import sentence
from idp.web.errors import new_reference
from idp.web.http import Handler, RepeatedParameter, Request, Response, json_response

MAX_SEEN = 200


class OAuthError(Exception):
    """A refused request; ``headers`` are for a direct response only.

    ``seen`` and ``seconds`` detail the reason: the wrong value, without secrets and personal data,
    and the difference of a time. ``reference`` is empty until :meth:`recorded` is called for the
    audit log.
    """

    def __init__(
        self,
        error: str,
        description: str = "",
        *,
        status: int = 400,
        reason: str = "",
        seen: str = "",
        seconds: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{error}: {reason or description}")
        self.error = error
        self.description = description
        self.status = status
        self.reason = reason or error
        self.seen = printable(seen)
        self.seconds = seconds
        self.headers = headers or {}
        self.reference = ""

    def members(self, *, candid: bool = False) -> dict[str, str]:
        """The members of the response; ``candid``: the description includes the true reason."""
        true_reason = sentence(self.reason, self.seen, self.seconds) if candid else ""
        described = {
            "error_description": ". ".join(filter(None, (self.description, true_reason))),
            "reference": self.reference,  # RFC 6749 §5.2: clients ignore unknown members
        }
        return {"error": self.error, **{name: text for name, text in described.items() if text}}

    def recorded(self) -> dict[str, Any]:
        """The members of the audit event (:class:`idp.audit.events.Refusal`).

        Sets a new reference, which the response has too.
        """
        self.reference = new_reference()
        return {"reference": self.reference, **self.details()}

    def details(self) -> dict[str, Any]:
        """As :meth:`recorded`, for a response without a reference."""
        return {
            "reason": self.reason,
            "description": printable(self.description),
            "seen": self.seen,
            "seconds": self.seconds,
        }


def printable(text: str) -> str:
    """At most :data:`MAX_SEEN` characters of ``text``, printable ASCII without quotes.

    Safe in ``error_description`` (RFC 6749 §5.2), a terminal and the audit log.
    """
    fit = "".join(each if " " <= each <= "~" and each not in '"\\' else "?" for each in text)
    return fit if len(fit) <= MAX_SEEN else f"{fit[: MAX_SEEN - 3]}..."


def invalid_request(description: str, *, reason: str = "", seen: str = "") -> OAuthError:
    """Malformed, repeated or missing parameters."""
    return OAuthError("invalid_request", description, reason=reason, seen=seen)


def invalid_client(
    reason: str, *, basic: bool = False, seen: str = "", seconds: int | None = None
) -> OAuthError:
    """Client authentication failed; ``basic``: it was tried in the Authorization header."""
    headers = {"WWW-Authenticate": 'Basic realm="token", charset="UTF-8"'} if basic else None
    return OAuthError(
        "invalid_client",
        "client authentication failed",
        status=401,
        reason=reason,
        seen=seen,
        seconds=seconds,
        headers=headers,
    )


def invalid_grant(reason: str, *, seen: str = "") -> OAuthError:
    """The code or refresh token is not valid; the reason is only in the audit log."""
    return OAuthError("invalid_grant", "the grant is not valid", reason=reason, seen=seen)


def unauthorized_client(description: str) -> OAuthError:
    """The client is not registered for this."""
    return OAuthError("unauthorized_client", description)


def invalid_scope(description: str, *, reason: str = "", seen: str = "") -> OAuthError:
    """A scope that is unknown, not registered, or wider than the grant."""
    return OAuthError("invalid_scope", description, reason=reason, seen=seen)


def slow_down(
    error: str,
    seconds: int,
    description: str = "too many failed attempts",
    *,
    reason: str = "throttled",
) -> OAuthError:
    """Too many requests: 429 with Retry-After (RFC 6585 §4)."""
    return OAuthError(
        error,
        description,
        status=429,
        reason=reason,
        headers={"Retry-After": str(seconds)},
    )


def too_many(limit: Limit, description: str) -> OAuthError:
    """More calls than ``limit`` allows."""
    return slow_down("temporarily_unavailable", limit.window, description)


def error_response(error: OAuthError, *, candid: bool = False) -> Response:
    """The JSON error response to a direct call (RFC 6749 §5.2)."""
    return json_response(error.members(candid=candid), error.status, error.headers)


def answering(handler: Handler, *, candid: bool = False) -> Handler:
    """``handler`` with OAuth errors as responses; ``candid``: with their true reasons."""

    def answer(request: Request) -> Response:
        try:
            return handler(request)
        except OAuthError as error:
            return error_response(error, candid=candid)
        except RepeatedParameter as error:
            return error_response(invalid_request(str(error)))

    return answer
