"""OAuth errors: RFC 6749 §4.1.2.1 and §5.2, RFC 6750 §3.1, OIDC Core §3.1.2.6.

``description`` is for the relying party's developer and never tells more than the error code does;
``reason`` is for the audit log alone, so that an expired, a used and a foreign code look the same
from outside.
"""

from collections.abc import Mapping

from idp.login.throttle import Limit
from idp.web.http import Handler, RepeatedParameter, Request, Response, json_response


class OAuthError(Exception):
    """A request refused in OAuth's own words; ``headers`` go with a direct answer only."""

    def __init__(
        self,
        error: str,
        description: str = "",
        *,
        status: int = 400,
        reason: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{error}: {reason or description}")
        self.error = error
        self.description = description
        self.status = status
        self.reason = reason or error
        self.headers = headers or {}

    def members(self) -> dict[str, str]:
        """``error`` and ``error_description`` as they stand in an answer."""
        members = {"error": self.error}
        if self.description:
            members["error_description"] = self.description
        return members


def invalid_request(description: str) -> OAuthError:
    """Malformed, repeated or missing parameters."""
    return OAuthError("invalid_request", description)


def invalid_client(reason: str, *, basic: bool = False) -> OAuthError:
    """Client authentication failed; ``basic``: it was tried in the Authorization header."""
    headers = {"WWW-Authenticate": 'Basic realm="token", charset="UTF-8"'} if basic else None
    return OAuthError(
        "invalid_client",
        "client authentication failed",
        status=401,
        reason=reason,
        headers=headers,
    )


def invalid_grant(reason: str) -> OAuthError:
    """The code or refresh token is not good; which way, only the audit log learns."""
    return OAuthError("invalid_grant", "the grant is not valid", reason=reason)


def unauthorized_client(description: str) -> OAuthError:
    """The client did not register for this."""
    return OAuthError("unauthorized_client", description)


def invalid_scope(description: str) -> OAuthError:
    """A scope that is unknown, not registered, or wider than what was granted."""
    return OAuthError("invalid_scope", description)


def slow_down(
    error: str,
    seconds: int,
    description: str = "too many failed attempts",
    *,
    reason: str = "throttled",
) -> OAuthError:
    """Too many of something: 429 with Retry-After (RFC 6585 §4)."""
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


def error_response(error: OAuthError) -> Response:
    """The JSON answer of an endpoint that clients call directly (RFC 6749 §5.2)."""
    return json_response(error.members(), error.status, error.headers)


def answering(handler: Handler) -> Handler:
    """``handler``, its refusals turned into answers."""

    def answer(request: Request) -> Response:
        try:
            return handler(request)
        except OAuthError as error:
            return error_response(error)
        except RepeatedParameter as error:
            return error_response(invalid_request(str(error)))

    return answer
