"""A single-use token that comes a second time ends its family (RFC 6749 §4.1.2, RFC 9700 §4.14)."""

from idp.audit.events import GrantReplayed
from idp.oidc.clients.model import Client
from idp.oidc.errors import OAuthError, invalid_grant
from idp.oidc.services import Services
from idp.web.http import Request


def replayed(
    services: Services, client: Client, request: Request, *, flow: str, what: str
) -> OAuthError:
    """End every token of ``flow``, durably; the refusal to raise.

    Raises:
        Unavailable: it is not known to be ended.
    """
    event = GrantReplayed(flow=flow, client_id=client.client_id, what=what)
    services.standing.end_grant(flow, event, peer=request.peer)
    return invalid_grant(f"{what}_replayed")
