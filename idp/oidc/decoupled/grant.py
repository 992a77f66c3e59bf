"""The shared token request of the device and CIBA grants: RFC 8628 §3.4, CIBA Core §10.1."""

from idp.oidc.clients.model import Client
from idp.oidc.decoupled.waiting import poll
from idp.oidc.errors import invalid_request
from idp.oidc.services import Services
from idp.oidc.tokens.issue import Redemption
from idp.oidc.tokens.resource import narrowed
from idp.oidc.tokens.sender_constraint import Binding
from idp.web.http import Request


def redeem(
    services: Services,
    client: Client,
    request: Request,
    _: Binding,
    *,
    grant_type: str,
    kind: str,
    member: str,
) -> Redemption:
    """Redeem the answer to the request of this ``kind`` named by the form's ``member``.

    Raises:
        OAuthError: ``authorization_pending``, ``slow_down``, ``access_denied``, ``expired_token``,
            ``invalid_grant``, ``invalid_request``, ``invalid_target``.
    """
    if member not in request.form:
        raise invalid_request(f"{member} is missing")
    authorization = poll(services, client, kind, request.form[member])
    return Redemption(
        authorization,
        grant_type,
        renewable="refresh_token" in client.grant_types,
        first=True,
        resource=narrowed(request.form, authorization.resource),
    )
