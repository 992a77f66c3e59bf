"""The logout request: OpenID Connect RP-Initiated Logout 1.0 §2 and §3.

An invalid hint, another client than the hint's, or an unregistered redirect URI does not prevent
the logout. Such a request is not trusted: the citizen must confirm it, and there is no redirect.
"""

from dataclasses import dataclass

from idp.jose.jwt import InvalidToken
from idp.keystore.file import KeyStore
from idp.oidc.authorization import id_token_hint
from idp.oidc.authorization.destination import MAX_STATE
from idp.oidc.authorization.id_token_hint import Hint
from idp.oidc.authorization.response_modes import with_query
from idp.oidc.clients.model import Client
from idp.oidc.clients.repository import ClientCache
from idp.web.http import HttpError, Params


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """The requesting client, and the redirect URI (``""``: none).

    ``session_id`` is the ``sid`` of a genuine ID token of ``client``.
    """

    client: Client | None = None
    redirect_uri: str = ""
    state: str = ""
    session_id: str | None = None

    @property
    def return_url(self) -> str:
        """The redirect URI with the state of the request (§2)."""
        return with_query(self.redirect_uri, {"state": self.state} if self.state else {})


def read(params: Params, clients: ClientCache, keys: KeyStore, *, issuer: str) -> LogoutRequest:
    """The trusted parts of a logout request. An expired hint is accepted.

    Raises:
        RepeatedParameter, HttpError: the request is malformed.
    """
    token, client_id = params.get("id_token_hint"), params.get("client_id")
    redirect_uri = params.get("post_logout_redirect_uri", "")
    state = params.get("state", "")
    if len(state) > MAX_STATE:
        raise HttpError(400, "state is too long")
    try:
        hint = id_token_hint.read(token, keys, issuer=issuer) if token else None
    except InvalidToken:
        return LogoutRequest()
    client = _client(clients, client_id, hint)
    if client is None:
        return LogoutRequest()
    if redirect_uri and redirect_uri not in client.post_logout_redirect_uris:
        return LogoutRequest(client)
    return LogoutRequest(client, redirect_uri, state, hint.session_id if hint else None)


def _client(clients: ClientCache, client_id: str | None, hint: Hint | None) -> Client | None:
    """The active client that both parameters name."""
    named = client_id or (hint.client_id if hint else None)
    if named is None or (hint is not None and hint.client_id != named):
        return None
    client = clients.get(named)
    return client if client is not None and client.active else None
