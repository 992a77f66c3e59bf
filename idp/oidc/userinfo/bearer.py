"""Access tokens in requests: RFC 6750 §2 and §3, RFC 9449 §7. Never in the query."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from idp.oidc.errors import OAuthError
from idp.oidc.vocabulary import ASSERTION_ALGS
from idp.web.http import Request

SCHEMES = ("bearer", "dpop")
_ALGS = " ".join(ASSERTION_ALGS)
_CHALLENGES = {
    "bearer": 'Bearer realm="userinfo"',
    "dpop": f'DPoP realm="userinfo", algs="{_ALGS}"',
}


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """An access token of a request, and its scheme in lower case."""

    scheme: str
    token: str = field(repr=False)


def presented_token(request: Request) -> PresentedToken:
    """The access token of a request: in the Authorization header, or in a form body.

    Raises:
        OAuthError: no token (401), two tokens or one in the query (400), another scheme (401).
    """
    if "access_token" in request.query:
        raise _misplaced("do not send the access token in the query")
    header = request.headers.get("authorization", "")
    in_body = "access_token" in request.form
    if header and in_body:
        raise _misplaced("send the access token only once")
    if in_body:
        return PresentedToken("bearer", request.form["access_token"])
    scheme, _, token = header.partition(" ")
    if scheme.lower() not in SCHEMES or not token.strip():
        raise OAuthError(
            "invalid_token",
            "an access token is required",
            status=401,
            headers={"WWW-Authenticate": ", ".join(_CHALLENGES.values())},
        )
    return PresentedToken(scheme.lower(), token.strip())


def _misplaced(description: str) -> OAuthError:
    challenge = f'{_CHALLENGES["bearer"]}, error="invalid_request"'
    headers = {"WWW-Authenticate": challenge}  # RFC 6750 §3.1
    return OAuthError("invalid_request", description, headers=headers)


def invalid_token(reason: str) -> OAuthError:
    """The token is expired, revoked or unknown; the response does not reveal which."""
    return OAuthError("invalid_token", "the access token is not valid", status=401, reason=reason)


def insufficient_scope(scope: str) -> OAuthError:
    """The token is valid, but lacks a scope."""
    return OAuthError("insufficient_scope", f"scope {scope} is required", status=403)


@contextmanager
def challenging(shown: PresentedToken) -> Iterator[None]:
    """Add the challenge of the token's scheme to refusals.

    An invalid proof is a 401 here, unlike at the token endpoint (RFC 9449 §7.1).
    """
    try:
        yield
    except OAuthError as error:
        challenge = f'{_CHALLENGES[shown.scheme]}, error="{error.error}"'
        if error.description:
            challenge += f', error_description="{error.description}"'
        refusal = OAuthError(
            error.error,
            error.description,
            status=403 if error.status == 403 else 401,
            reason=error.reason,
            seen=error.seen,
            seconds=error.seconds,
            headers={"WWW-Authenticate": challenge},
        )
        refusal.reference = error.reference
        raise refusal from error
