"""The authentication request, checked once: CIBA Core §7.1 and §7.2.

:func:`parse` lists the checks in order, one a line. It does not check whether the person exists: a
request for an unknown person is accepted and expires.
"""

import re
import unicodedata
from dataclasses import dataclass, field

from idp.core import personal_number
from idp.core.personal_number import PersonalNumber
from idp.oidc.authorization import id_token_hint
from idp.oidc.authorization.request import AuthorizationRequest
from idp.oidc.clients.model import Client
from idp.oidc.decoupled.waiting import Reference, request_of
from idp.oidc.errors import OAuthError, invalid_request, invalid_scope
from idp.oidc.services import Services
from idp.oidc.tokens.subject import known_key
from idp.oidc.vocabulary import OPENID
from idp.web.http import Params

HINTS = ("login_hint", "id_token_hint", "login_hint_token")
MAX_EXPIRY = 600
MAX_TOKEN = 1_024
_BEARER = re.compile(r"[A-Za-z0-9\-._~+/]+=*", re.ASCII)
_ADDRESS = re.compile(r":/|//|\w\.[^\W\d_]")
"""Matches anything like an address; a dot between words needs a blank after it."""
_MESSAGE = re.compile(r"[A-Za-z0-9À-ÖØ-öø-ɏḀ-ỿ .,:;!?()/#+\-'\"&%]{1,64}")


@dataclass(frozen=True, slots=True)
class BackchannelRequest:
    """A checked authentication request and the person it is for.

    ``message`` is the binding message (``""`` for none); ``token`` the client notification token,
    ``""`` in poll mode; ``ttl`` (seconds) the life of the request.
    """

    asked: AuthorizationRequest
    number: PersonalNumber
    message: str
    token: str = field(repr=False)
    ttl: int


def parse(
    services: Services, client: Client, params: Params, *, reference: Reference
) -> BackchannelRequest:
    """The checked request of ``params``.

    Raises:
        OAuthError: the request is refused (§13).
    """
    _check_one_hint(params)
    asked = request_of(params, client, reference=reference)
    if OPENID not in asked.scope:
        raise invalid_scope("scope must contain openid")
    message = _message(params)
    ttl = _ttl(params, services.settings.backchannel_ttl)
    token = _token(params, client)
    number = _number(services, client, params)
    return BackchannelRequest(asked, number, message, token, ttl)


def _check_one_hint(params: Params) -> None:
    if sum(name in params for name in HINTS) != 1:
        raise invalid_request("send exactly one of login_hint, id_token_hint and login_hint_token")
    if "login_hint_token" in params:
        raise invalid_request("login_hint_token is not supported")


def _message(params: Params) -> str:
    """The binding message: characters that every phone shows, and no address."""
    message = unicodedata.normalize("NFC", params.get("binding_message", ""))
    if message and (_ADDRESS.search(message) or not _MESSAGE.fullmatch(message)):
        raise OAuthError(
            "invalid_binding_message",
            "binding_message must have at most 64 plain characters, no address",
        )
    return message


def _ttl(params: Params, usual: int) -> int:
    text = params.get("requested_expiry")
    if text is None:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
        raise invalid_request("requested_expiry must be a number of seconds")
    return min(int(text), MAX_EXPIRY)


def _token(params: Params, client: Client) -> str:
    """The client notification token: required for ping (§7.1), ignored for poll."""
    if client.backchannel_token_delivery_mode != "ping":  # noqa: S105
        return ""
    token = params.get("client_notification_token", "")
    if len(token) > MAX_TOKEN or not _BEARER.fullmatch(token):
        raise invalid_request("client_notification_token is missing or not a bearer token")
    return token


def _number(services: Services, client: Client, params: Params) -> PersonalNumber:
    """The person named by ``login_hint`` (a personal number) or by ``id_token_hint``."""
    if "login_hint" in params:
        try:
            number = personal_number.parse(params["login_hint"])
        except ValueError as error:
            raise invalid_request("login_hint must be a personal number of 12 digits") from error
        if isinstance(number, PersonalNumber):
            return number
        raise invalid_request("login_hint must be a personal number of 12 digits")
    subject = id_token_hint.subject_of(services, params["id_token_hint"], client)
    known = services.transient.get(known_key(subject))
    account = services.accounts.by_id(known["account_id"]) if known else None
    if account is None:  # not a leak: the client already has this citizen's ID token
        raise OAuthError("unknown_user_id", "the subject of this ID token is no longer known")
    return account.number
