"""The client_credentials grant: RFC 6749 §4.4. The client acts for itself, for no citizen."""

from idp.core.handles import new_flow
from idp.oidc.clients.model import Client
from idp.oidc.errors import invalid_scope
from idp.oidc.services import Services
from idp.oidc.tokens.authorization import Authorization
from idp.oidc.tokens.issue import Redemption
from idp.oidc.tokens.resource import narrowed
from idp.oidc.tokens.sender_constraint import Binding
from idp.oidc.vocabulary import SCOPES, known_scope
from idp.web.http import Request

GRANT_TYPE = "client_credentials"


def redeem(services: Services, client: Client, request: Request, _: Binding) -> Redemption:
    """An authorization for the client itself, over scopes that are not about citizens.

    Raises:
        OAuthError: ``invalid_scope``, ``invalid_target``.
    """
    registered = tuple(each for each in client.scope if each not in SCOPES)
    scope = registered
    if "scope" in request.form:
        try:
            scope = known_scope(request.form["scope"], registered)
        except ValueError as error:
            raise invalid_scope("scope is malformed or unknown") from error
    if not set(scope) <= set(registered):
        raise invalid_scope(
            "scope is not registered, or is about a citizen",
            reason="scope_not_registered",
            seen=" ".join(each for each in scope if each not in registered),
        )
    now = services.clock()
    authorization = Authorization(
        flow=new_flow(),
        client_id=client.client_id,
        scope=scope,
        issued_at=now,
        expires_at=now + services.settings.access_token_ttl,
        resource=narrowed(request.form, client.resource),
    )
    return Redemption(authorization, GRANT_TYPE, first=True)
