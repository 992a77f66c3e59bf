"""Which parameters count: those sent, or those of the request that stands in their place.

A pushed request (RFC 9126) or a request object (RFC 9101) replaces raw parameters before anybody
judges them; from then on it is like any other.
"""

from dataclasses import dataclass

from idp.oidc.authorization import pushed, request_object
from idp.oidc.authorization.destination import known_client
from idp.oidc.clients.model import Client
from idp.oidc.clients.request_uris import NoRequestObject
from idp.oidc.errors import OAuthError, invalid_request
from idp.oidc.services import Services
from idp.web.http import Params, RepeatedParameter


@dataclass(frozen=True, slots=True)
class Gathered:
    """The parameters that count; ``pushed`` is where they were kept, empty if they were not."""

    params: Params
    pushed: str = ""


def gather(services: Services, given: Params) -> Gathered:
    """What a request to /authorize with the parameters ``given`` asks.

    Raises:
        NoDestination: for a page: no client, or a pushed request that is not to be had.
        OAuthError: for wherever ``given`` itself may be answered to.
    """
    client = known_client(given, services.clients.get)
    try:
        reference = given.get("request_uri", "")
        if reference.startswith(pushed.PREFIX):
            key, params = pushed.read(services, client, reference)
            return Gathered(params, key)
        _check_pushed(client)
        text = _request_object(services, client, given.get("request", ""), reference)
    except RepeatedParameter as error:
        raise invalid_request(f"{error.name} is repeated") from error
    if text:
        return Gathered(request_object.unfold(services, client, given, text, alone=False).params)
    if request_object.must_sign(client):
        raise invalid_request("this client's requests must be signed")
    return Gathered(given)


def _check_pushed(client: Client) -> None:
    if client.profile.par_required or client.require_pushed_authorization_requests:
        raise invalid_request("this client's requests must be pushed")


def _request_object(services: Services, client: Client, value: str, reference: str) -> str:
    """The request object sent or referred to, ``""`` without one (OIDC Core §6.1, §6.2)."""
    if not reference:
        return value
    if value:
        raise invalid_request("request and request_uri stand together")
    if not client.request_uris:
        raise OAuthError("request_uri_not_supported", "no request_uris are registered")
    try:
        return services.request_uris.get(client, reference)
    except NoRequestObject as error:
        raise OAuthError(
            "invalid_request_uri",
            "no request object is to be had at request_uri",
            reason=f"request_uri_{error.reason}",
        ) from error
