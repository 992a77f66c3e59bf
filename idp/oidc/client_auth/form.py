"""Client requests: one form in the body, no query (RFC 6749 §3.2)."""

from idp.login.throttle import address
from idp.oidc.clients.model import Client
from idp.oidc.errors import OAuthError, invalid_request
from idp.web.http import FORM, Request


def counted_as(client: Client, request: Request) -> str:
    """The counter name of a client's requests; for a public client, also by source address."""
    return f"{client.client_id}:{address(request.peer)}" if client.public else client.client_id


def require_form(request: Request) -> None:
    """Check that the request is a form without repeated parameters.

    Only ``resource`` may be repeated (RFC 8707 §2).

    Raises:
        OAuthError: ``invalid_request``, another content type (415), repeated parameters, or
            parameters in the query.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != FORM:
        raise OAuthError("invalid_request", f"send a body of type {FORM}", status=415)
    if request.query:
        raise invalid_request("send the parameters in the body, not in the query")
    for name in set(request.form.repeated()) - {"resource"}:
        raise invalid_request(f"{name[:40]} was sent more than once")
