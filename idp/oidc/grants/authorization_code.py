"""The authorization_code grant: RFC 6749 §4.1.3, RFC 7636 §4.5, OIDC Core §3.1.3."""

import re
from dataclasses import replace

from authlib.oauth2.rfc7636 import create_s256_code_challenge

from idp.core.handles import Handle
from idp.oidc.authorization.destination import without_query
from idp.oidc.clients.model import Client
from idp.oidc.errors import OAuthError, invalid_grant, invalid_request
from idp.oidc.grants.replay import replayed
from idp.oidc.services import Services
from idp.oidc.tokens.authorization import Authorization, CodeBinding
from idp.oidc.tokens.issue import Redemption
from idp.oidc.tokens.resource import narrowed
from idp.oidc.tokens.sender_constraint import Binding
from idp.oidc.vocabulary import OFFLINE_ACCESS
from idp.storage.transient import Get, Put, Take, Value
from idp.web.http import Params, Request

GRANT_TYPE = "authorization_code"
CODE = "code"
USED = "code-used"
_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}", re.ASCII)


def redeem(services: Services, client: Client, request: Request, binding: Binding) -> Redemption:
    """Take the code, once, if it is this client's, for this redirect URI, verifier and DPoP key.

    Raises:
        OAuthError: ``invalid_request``, ``invalid_grant``.
    """
    form = request.form
    if "code" not in form:
        raise invalid_request("code is missing")
    code = Handle.parse(form["code"])
    bound = CodeBinding(client.client_id, form.get("redirect_uri", ""), _challenge(form))
    if code is None:
        raise invalid_grant("malformed_code")
    used = Put(code.key(USED), {"client_id": client.client_id}, services.settings.family_ttl)
    # A code is bound to the key that its request named, or to none (RFC 9449 §10).
    tries = [
        Take(code.key(CODE), replace(bound, dpop_jkt=jkt).digest, put=(used,), kind=Authorization)
        for jkt in dict.fromkeys((binding.jkt, ""))
    ]
    marker: Get[Value] = Get(code.key(USED))
    services.transient.run(*tries, marker)
    found = (each.value.value for each in tries)
    authorization = next((each for each in found if each is not None), None)
    if authorization is not None:
        authorization = _without_idle_scope(authorization, client)
        return Redemption(
            authorization,
            GRANT_TYPE,
            renewable="refresh_token" in client.grant_types,
            first=True,
            resource=narrowed(form, authorization.resource),
        )
    if any(each.value.mismatch for each in tries):
        raise _not_bound(services, code, replace(bound, dpop_jkt=binding.jkt))
    if marker.value is None:
        raise invalid_grant("unknown_code")
    if marker.value["client_id"] != client.client_id:
        raise invalid_grant("foreign_code")
    raise replayed(services, client, request, flow=code.flow, what=CODE)


def _not_bound(services: Services, code: Handle, shown: CodeBinding) -> OAuthError:
    """The refusal of a code that is there and was not taken: which member did not fit."""
    record = services.transient.get(code.key(CODE)) or {}
    match shown.mismatch(record):
        case "client_id":
            return invalid_grant("foreign_code")
        case "redirect_uri":
            return invalid_grant("code_redirect_uri", seen=without_query(shown.redirect_uri))
        case "code_challenge" if not shown.code_challenge:
            return invalid_grant("code_verifier_missing")
        case "code_challenge" if not record["bound"]["code_challenge"]:
            return invalid_grant("code_verifier_unasked")
        case "code_challenge":
            return invalid_grant("code_verifier")
        case "dpop_jkt":
            return invalid_grant("code_key")
    return invalid_grant("code_binding")


def _without_idle_scope(authorization: Authorization, client: Client) -> Authorization:
    """``offline_access`` means nothing to a client that did not register it (OIDC Core §11)."""
    if OFFLINE_ACCESS in client.scope:
        return authorization
    scope = tuple(each for each in authorization.scope if each != OFFLINE_ACCESS)
    return replace(authorization, scope=scope)


def _challenge(form: Params) -> str:
    """The S256 challenge of the verifier, ``""`` without one."""
    verifier = form.get("code_verifier", "")
    if not verifier:
        return ""
    if not _VERIFIER.fullmatch(verifier):
        raise invalid_grant("malformed_verifier")
    challenge: str = create_s256_code_challenge(verifier)
    return challenge
