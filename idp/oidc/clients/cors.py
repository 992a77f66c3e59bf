"""Cross-origin calls by browser clients (Fetch §3.2): only from origins that clients registered.

Not for the authorization endpoint: browsers navigate to it.
"""

from collections.abc import Callable

from idp.web.http import Handler, Request, Response

_PREFLIGHT_SECONDS = "600"


def cross_origin(
    handler: Handler, origins: Callable[[], frozenset[str]], methods: tuple[str, ...]
) -> Handler:
    """``handler``, callable by scripts of ``origins``; answers their preflights.

    It allows no credentials: these endpoints read no cookie.
    """

    def answer(request: Request) -> Response:
        origin = request.headers.get("origin", "")
        allowed = {"Vary": "Origin"}
        if origin and origin in origins():
            allowed["Access-Control-Allow-Origin"] = origin
            allowed["Access-Control-Expose-Headers"] = "WWW-Authenticate, DPoP-Nonce"
        if request.method == "OPTIONS":
            return Response(204, b"", allowed | _preflight(allowed, methods))
        response = handler(request)
        return response.with_headers(allowed)

    return answer


def _preflight(allowed: dict[str, str], methods: tuple[str, ...]) -> dict[str, str]:
    if "Access-Control-Allow-Origin" not in allowed:
        return {"Allow": ", ".join((*methods, "OPTIONS"))}
    return {
        "Access-Control-Allow-Methods": ", ".join(methods),
        "Access-Control-Allow-Headers": "Authorization, Content-Type, DPoP",
        "Access-Control-Max-Age": _PREFLIGHT_SECONDS,
    }
