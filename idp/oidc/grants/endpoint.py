"""The token endpoint: RFC 6749 §3.2. Its five phases are :func:`token`."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

from idp.audit.events import TokenRefused
from idp.core.handles import Handle
from idp.login.throttle import Limit, address
from idp.oidc.ciba import grant as ciba
from idp.oidc.client_auth.form import require_form
from idp.oidc.clients.cors import cross_origin
from idp.oidc.clients.encryption import require_key
from idp.oidc.clients.model import Client
from idp.oidc.consent import details
from idp.oidc.decoupled.waiting import NotYet
from idp.oidc.device import grant as device
from idp.oidc.errors import (
    OAuthError,
    answering,
    invalid_grant,
    invalid_request,
    slow_down,
    unauthorized_client,
)
from idp.oidc.grants import authorization_code, client_credentials, refresh_token
from idp.oidc.openapi import CLIENT_AUTHENTICATION, DETAILS, JWT, REPEATED, form, taking_proofs
from idp.oidc.services import Endpoint, Part, Services
from idp.oidc.settings import ProviderSettings
from idp.oidc.tokens.issue import Redemption
from idp.oidc.tokens.resource import narrowed
from idp.oidc.tokens.sender_constraint import Binding, offering_nonces
from idp.oidc.vocabulary import ASSERTION_ALGS, AUTH_METHODS, CIBA, DEVICE_CODE
from idp.standing.check import Ended
from idp.web.edge import Route
from idp.web.http import Params, Request, Response, json_response
from idp.web.openapi import SECONDS, TEXT, Paths, an_object, answer, one_of, operation

Redeem: TypeAlias = Callable[[Services, Client, Request, Binding], Redemption]

GRANTS: Mapping[str, Redeem] = {
    authorization_code.GRANT_TYPE: authorization_code.redeem,
    refresh_token.GRANT_TYPE: refresh_token.redeem,
    client_credentials.GRANT_TYPE: client_credentials.redeem,
    DEVICE_CODE: device.redeem,
    CIBA: ciba.redeem,
}
BAD_GRANTS = Limit("bad-grants", 600, 60)
"""Refused codes and refresh tokens of one client from one source in a minute."""


def token(services: Services, request: Request) -> Response:
    """Answer a token request.

    Raises:
        OAuthError: it is refused.
        Unavailable: it cannot be answered now, and nothing was used up.
    """
    require_form(request)
    client = services.client_authentication.authenticate(request)
    try:
        redeem = _grant(client, request)
        binding = services.sender_constraint.read(request, client)
        require_key(services.client_keys, client, "id_token")
        redemption = redeem(services, client, request, binding).bound(binding.cnf)
        answer = services.mint.issue(redemption, peer=request.peer)
    except NotYet:
        raise
    except (OAuthError, Ended) as error:
        raise _refused(services, client, request, error) from error
    return json_response(answer, headers={"Pragma": "no-cache"})  # RFC 6749 §5.1


def _grant(client: Client, request: Request) -> Redeem:
    grant_type = request.form.get("grant_type")
    if grant_type is None:
        raise invalid_request("grant_type is missing")
    if grant_type not in GRANTS:
        raise OAuthError("unsupported_grant_type", "no such grant_type here")
    if grant_type not in client.grant_types:
        raise unauthorized_client("the client is not registered for this grant_type")
    narrowed(request.form, client.resource)  # what is not registered at all uses nothing up
    details.refuse(request.form)
    return GRANTS[grant_type]


def _refused(
    services: Services, client: Client, request: Request, error: OAuthError | Ended
) -> OAuthError:
    """The refusal to raise, once the audit log has it; who guesses at codes or tokens is slowed."""
    refusal = invalid_grant(error.reason) if isinstance(error, Ended) else error
    if refusal.error == "invalid_grant":
        _count(services, client, request)
    event = TokenRefused(
        flow=_flow(request.form),
        client_id=client.client_id,
        error=refusal.error,
        **refusal.recorded(),
    )
    services.audit.write(event, peer=request.peer)
    return refusal


def _flow(form: Params) -> str:
    """The login that a code is of: its entries tell when the code was issued."""
    code = Handle.parse(form.get(authorization_code.CODE, ""))
    return code.flow if code else ""


def _count(services: Services, client: Client, request: Request) -> None:
    who = f"{client.client_id}:{address(request.peer)}"
    (count,) = services.transient.run(BAD_GRANTS.hit(who))
    if BAD_GRANTS.exceeded(count):
        raise slow_down("invalid_grant", BAD_GRANTS.window)


def _metadata(settings: ProviderSettings) -> Mapping[str, Any]:
    return {
        "token_endpoint": settings.url("/token"),
        "grant_types_supported": [*GRANTS, "implicit"],
        "token_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "token_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGS),
        "dpop_signing_alg_values_supported": list(ASSERTION_ALGS),
        "tls_client_certificate_bound_access_tokens": True,
    }


def _endpoints(services: Services) -> tuple[Endpoint, ...]:
    handler = offering_nonces(
        services.sender_constraint, answering(partial(token, services), candid=services.candid)
    )
    shared = cross_origin(handler, services.clients.browser_origins, ("POST",))
    return (Endpoint("/token", Route(shared, ("POST", "OPTIONS"))),)


_TOKENS = an_object(
    {
        "access_token": TEXT,
        "token_type": one_of(("Bearer", "DPoP")),
        "expires_in": SECONDS,
        "scope": {"type": "string"},
        "id_token": JWT,
        "refresh_token": TEXT,
        "authorization_details": DETAILS,
    },
    ("access_token", "token_type", "expires_in", "scope"),
)
_PATHS: Paths = {
    "/token": {
        "post": taking_proofs(
            operation(
                "Tokens for a grant (RFC 6749 §3.2)",
                {"200": answer("Tokens", _TOKENS)},
                body=form(
                    {
                        "grant_type": one_of(GRANTS),
                        "code": TEXT,
                        "redirect_uri": TEXT,
                        "code_verifier": TEXT,
                        "refresh_token": TEXT,
                        "device_code": TEXT,
                        "auth_req_id": TEXT,
                        "scope": TEXT,
                        "resource": REPEATED,
                    },
                    ("grant_type",),
                    "A grant takes what its standard names: code, redirect_uri and code_verifier;"
                    " refresh_token; device_code; auth_req_id.",
                ),
                security=CLIENT_AUTHENTICATION,
            )
        )
    }
}
PART = Part(_metadata, _endpoints, _PATHS)
