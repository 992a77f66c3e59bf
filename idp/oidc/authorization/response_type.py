"""``response_type`` and ``response_mode``: what an answer holds and how it travels.

OAuth 2.0 Multiple Response Type Encoding Practices §2.1 and §5, Form Post Response Mode §2, JARM
§2.3. Everything but the code is off unless the client is registered for it.
"""

from idp.oidc.clients.model import Client
from idp.oidc.errors import OAuthError, invalid_request, unauthorized_client
from idp.oidc.tokens.sender_constraint import required_of
from idp.oidc.vocabulary import CODE, RESPONSE_TYPES
from idp.web.http import Params

QUERY, FRAGMENT, FORM_POST, JWT = "query", "fragment", "form_post", "jwt"
ID_TOKEN, TOKEN = "id_token", "token"
_KNOWN = {frozenset(each.split()): each for each in RESPONSE_TYPES}


def read_type(params: Params, client: Client) -> str:
    """The response type asked for, its values in their usual order; how they came is the same.

    Raises:
        OAuthError: none, one that is off for the client, or a token that would be nobody's.
    """
    response_type = _named(params.get("response_type", ""))
    if response_type is None:
        raise OAuthError("unsupported_response_type", "response_type is missing or not supported")
    require(response_type, client)
    return response_type


def require(response_type: str, client: Client) -> None:
    """Return when the client may have answers of this type.

    Raises:
        OAuthError: it may not; a sender-constrained client never has tokens that anybody who sees
            the answer could use.
    """
    if not _registered(response_type, client):
        if response_type == CODE:
            raise unauthorized_client("the client is not registered for the authorization code")
        raise OAuthError("unsupported_response_type", "response_type is not the client's")
    if TOKEN in response_type.split() and required_of(client):
        raise unauthorized_client("the client's tokens are bound to its key")


def mode_of(params: Params, client: Client) -> str:
    """How a request is answered, by an error as well, before it is known to be good.

    As it asks where the client may have that, else as its response type has it by default.
    """
    response_type = _named(_once(params, "response_type"))
    if response_type is None or not _registered(response_type, client):
        response_type = CODE
    usual = QUERY if response_type == CODE else FRAGMENT
    asked = _full(_once(params, "response_mode"), usual)
    return asked if _permitted(asked, response_type, client) else usual


def check_mode(params: Params, response_type: str, client: Client) -> None:
    """Return when an answer of this type may travel as the request asks.

    Tokens never go into a query, where servers and histories keep them, nor does a code into a
    fragment unless the client has other answers there.

    Raises:
        OAuthError: it may not.
    """
    usual = QUERY if response_type == CODE else FRAGMENT
    if not _permitted(_full(params.get("response_mode", ""), usual), response_type, client):
        raise invalid_request("response_mode is not one for this client and response_type")


def _named(response_type: str) -> str | None:
    values = response_type.split(" ")
    return _KNOWN.get(frozenset(values)) if len({*values}) == len(values) else None


def _once(params: Params, name: str) -> str:
    """A parameter that came once; repeated ones are refused later, in :func:`request.parse`."""
    values = params.all(name)
    return values[0] if len(values) == 1 else ""


def _full(mode: str, usual: str) -> str:
    """The mode by its whole name: one that is left out is the usual, and ``jwt`` it signed."""
    return {"": usual, JWT: f"{usual}.{JWT}"}.get(mode, mode)


def _registered(response_type: str, client: Client) -> bool:
    needed = "authorization_code" if CODE in response_type.split() else "implicit"
    return (
        response_type in client.response_types
        and response_type in client.profile.response_types
        and needed in client.grant_types
    )


def _permitted(mode: str, response_type: str, client: Client) -> bool:
    way, _, secured = mode.partition(".")
    if client.profile.signed_answers and not (secured or ID_TOKEN in response_type.split()):
        return False
    fits = {
        QUERY: response_type == CODE,
        FRAGMENT: any(each != CODE for each in client.response_types),
        FORM_POST: True,
    }
    return fits.get(way, False) and mode in client.profile.response_modes
