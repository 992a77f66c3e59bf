"""Where the answer goes, and how: RFC 6749 §3.1.2, RFC 9700 §2.1, RFC 8252.

Until a destination is found an error is a page; from then on it is a redirect to it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from idp.oidc.authorization.response_type import FORM_POST, QUERY, mode_of
from idp.oidc.clients.model import Client
from idp.oidc.errors import OAuthError
from idp.web.http import Params, RepeatedParameter

MAX_STATE = 4_096
_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::([0-9]{1,5}))?(/.*)?")


class NoDestination(OAuthError):
    """The request names no place that its error could be sent to.

    ``client_id`` is that of a registered client, ``""`` where the request names none.
    """

    def __init__(
        self,
        error: str,
        description: str,
        *,
        reason: str = "",
        seen: str = "",
        client_id: str = "",
    ) -> None:
        super().__init__(error, description, reason=reason, seen=seen)
        self.client_id = client_id


@dataclass(frozen=True, slots=True)
class Destination:
    """A registered redirect URI of an active client, and the state to give back with the answer.

    ``mode`` is the response mode, by its whole name: errors travel as a good answer would.
    """

    client: Client
    redirect_uri: str
    state: str | None
    mode: str = QUERY

    @property
    def by_page(self) -> bool:
        """Whether the answer is a page that sends itself, not a redirect."""
        return self.mode.partition(".")[0] == FORM_POST


def known_client(params: Params, client_by_id: Callable[[str], Client | None]) -> Client:
    """The active client that ``params`` name. An unknown one and a disabled one are refused alike.

    Raises:
        NoDestination: there is none; the error is for a page.
    """
    try:
        client = client_by_id(params.get("client_id", ""))
    except RepeatedParameter as error:
        raise NoDestination("invalid_request", f"{error.name} is repeated") from error
    if client is None or not client.active:
        raise NoDestination("invalid_client", "the client is not known", reason="unknown_client")
    return client


def find(params: Params, client_by_id: Callable[[str], Client | None]) -> Destination:
    """The destination of an authorization request.

    Raises:
        NoDestination: there is none; the error is for a page.
    """
    client = known_client(params, client_by_id)
    try:
        redirect_uri, state = (params.get(name, "") for name in ("redirect_uri", "state"))
    except RepeatedParameter as error:
        raise _nowhere(client, "invalid_request", f"{error.name} is repeated") from error
    if not registered(redirect_uri, client):
        said, sent = "the redirect URI is not registered", without_query(redirect_uri)
        raise _nowhere(client, "invalid_redirect_uri", said, seen=sent)
    if len(state) > MAX_STATE:
        raise _nowhere(client, "invalid_request", "state is too long")
    return Destination(client, redirect_uri, state or None, mode_of(params, client))


def _nowhere(client: Client, error: str, description: str, *, seen: str = "") -> NoDestination:
    return NoDestination(error, description, seen=seen, client_id=client.client_id)


def without_query(uri: str) -> str:
    """A URI for the audit log: without user name, query and fragment, which may hold anything.

    ``?`` at the end says that there was a query, ``#`` that there was a fragment.
    """
    head = re.split(r"[?#]", uri, maxsplit=1)[0]
    mark = uri[len(head) : len(head) + 1]
    return re.sub(r"^([A-Za-z][A-Za-z0-9+.\-]*:)?//[^/]*@", r"\1//", head) + mark


def registered(redirect_uri: str, client: Client) -> bool:
    """Whether ``redirect_uri`` is one of the client's: byte for byte (RFC 9700 §4.1.3).

    The port of a native application's loopback address is its own to choose (RFC 8252 §7.3).
    """
    if redirect_uri in client.redirect_uris:
        return True
    if client.application_type != "native":
        return False
    asked = _portless(redirect_uri)
    return asked is not None and asked in map(_portless, client.redirect_uris)


def _portless(uri: str) -> str | None:
    """A loopback address by number without its port; None for any other URI."""
    match = _LOOPBACK.fullmatch(uri)
    if match is None or not 0 < int(match[2] or "80") < 1 << 16:
        return None
    return f"{match[1]}{match[3] or ''}"
