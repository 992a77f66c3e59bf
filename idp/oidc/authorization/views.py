"""/authorize and /authorize/resume: requests in, redirects or pages out. /consent joins them."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from idp.audit.events import RequestRefused
from idp.core.errors import Unavailable
from idp.login import replay
from idp.login.pages import explain
from idp.login.transaction import transaction_key
from idp.login.visit import Visit
from idp.oidc.authorization import (
    id_token_hint,
    parameters,
    pkce,
    pushed,
    respond,
    response_type,
    walk,
)
from idp.oidc.authorization.destination import NoDestination, find
from idp.oidc.authorization.kept import keep, params_of
from idp.oidc.authorization.request import PROMPTS, AuthorizationRequest, parse
from idp.oidc.authorization.walk import RESUME, AuthorizationContext
from idp.oidc.consent import details
from idp.oidc.consent.views import ConsentDesk
from idp.oidc.consent.views import route as consent_route
from idp.oidc.errors import OAuthError
from idp.oidc.services import Endpoint, Part, Services
from idp.oidc.settings import ProviderSettings
from idp.oidc.vocabulary import (
    ENCRYPTION_ALGS,
    ENCRYPTION_ENCS,
    REQUEST_OBJECT_ALGS,
    RESPONSE_MODES,
    RESPONSE_TYPES,
    SIGNING_ALGS,
)
from idp.storage.transient import Take
from idp.web.edge import Route
from idp.web.errors import Translate, error_page, new_reference
from idp.web.http import HttpError, Params, Request, Response, redirect

AUTHORIZE = "/authorize"
LANGUAGE_SWITCH = "lang"
METHODS = ("GET", "POST")
EVERY = (*METHODS, "HEAD", "OPTIONS")
"""What reaches these endpoints, to be refused by :func:`require_method`."""
_TEXTS = {"invalid_client": "error.client", "invalid_redirect_uri": "error.redirect"}


def authorize(services: Services, request: Request) -> Response:
    """Answer an authorization request. What came by POST is checked, kept and asked again by GET.

    Raises:
        NoDestination, Notice: for a page.
        HttpError: 405.
    """
    require_method(request, METHODS)
    given = params_of(services, request)
    try:
        gathered = parameters.gather(services, given)
    except OAuthError as error:
        return _refuse_ungathered(services, request, given, error)
    params = gathered.params
    destination = find(params, services.clients.get)
    try:
        asked = parse(params, destination, partial(id_token_hint.subject_of, services))
        if request.method == "POST":
            return keep(services, request, given)
        asked = replace(asked, pushed=gathered.pushed)
        context = AuthorizationContext(services, request, destination, asked)
        return walk.start(context, _ui_locales(request, params))
    except OAuthError as error:
        return respond.refuse(services, request, destination, error)


def _refuse_ungathered(
    services: Services, request: Request, given: Params, error: OAuthError
) -> Response:
    """Where the plain parameters lead somewhere the error goes there, else it is for a page."""
    if isinstance(error, NoDestination):
        raise error
    try:
        destination = find(given, services.clients.get)
    except NoDestination as second:
        raise NoDestination(
            error.error,
            error.description,
            reason=error.reason,
            seen=error.seen,
            client_id=second.client_id,
        ) from second
    return respond.refuse(services, request, destination, error)


def resume(services: Services, request: Request) -> Response:
    """Answer the browser that comes back from its login, or from the consent page.

    Raises:
        NoDestination, Notice: for a page.
        HttpError: 405.
    """
    require_method(request, ("GET",))
    visit, _ = services.desk.visit(request, request.query.get("t", ""))
    return _answer(services, visit)


def finish(services: Services, visit: Visit) -> Response:
    """Leave the last step of a login: what :func:`resume` would answer, without asking it.

    Raises:
        Notice: for a page.
    """
    with suppress(NoDestination):
        return _answer(services, visit)
    return redirect(visit.transaction.return_to)  # resume has the page for it


def _answer(services: Services, visit: Visit) -> Response:
    asked = AuthorizationRequest.load(visit.transaction.payload)
    destination = find(_address(asked), services.clients.get)  # registered still
    if visit.request.method == "POST" and destination.by_page:
        return redirect(visit.transaction.return_to)  # a form is answered by a redirect
    try:
        response_type.require(asked.response_type, destination.client)
        return walk.resume(AuthorizationContext(services, visit.request, destination, asked), visit)
    except OAuthError as error:
        taken, *_ = services.transient.run(
            Take(transaction_key(visit.ticket.flow)), *pushed.use_up(services, asked.pushed)
        )
        if taken.value is None:
            raise services.desk.over(visit.request, visit.ticket) from error
        flow = visit.ticket.flow
        refused = respond.refuse(services, visit.request, destination, error, flow=flow)
        _keep_refusal(services, visit, refused)
        return refused


def _keep_refusal(services: Services, visit: Visit, refused: Response) -> None:
    """A "no" that is sent twice ends where the first one led, as far as the store takes it."""
    desk, location = services.desk, refused.headers.get("Location", "")
    if location:
        browser = services.forms.browser(visit.request)
        with suppress(Unavailable):
            services.transient.run(replay.keep(desk.key, browser, visit.ticket.flow, location))


def require_method(request: Request, methods: tuple[str, ...]) -> None:
    """Refuse HEAD and OPTIONS like any other method: a HEAD would do what its GET does.

    Raises:
        HttpError: 405.
    """
    if request.method not in methods:
        raise HttpError(405, "no such method here", allow=", ".join(methods))


def _ui_locales(request: Request, params: Params) -> str:
    """What the relying party asks for, unless the citizen just chose on the page."""
    return "" if LANGUAGE_SWITCH in request.query else params.get("ui_locales", "")


def _address(asked: AuthorizationRequest) -> Params:
    pairs = (
        ("client_id", asked.client_id),
        ("redirect_uri", asked.redirect_uri),
        ("state", asked.state or ""),
        ("response_type", asked.response_type),
        ("response_mode", asked.response_mode),
    )
    return Params(pairs)


def explain_refusal(services: Services) -> Translate:
    """The errors shown on a page: a request without a destination, or a login that cannot go on."""
    notice = explain(services.forms)

    def translate(request: Request, error: Exception) -> Response | None:
        if not isinstance(error, NoDestination):
            return notice(request, error)
        reference = new_reference()
        event = RequestRefused(
            reference=reference, client_id=error.client_id, code=error.error, **error.details()
        )
        with suppress(Unavailable):  # the page is owed even when the audit log cannot be written
            services.audit.write(event, peer=request.peer)
        return error_page(
            services.pages,
            request,
            reference,
            code=error.error,
            text=_TEXTS.get(error.error),
            detail=error.description,
        )

    return translate


def _metadata(settings: ProviderSettings) -> Mapping[str, Any]:
    return {
        "authorization_endpoint": settings.url(AUTHORIZE),
        "response_types_supported": list(RESPONSE_TYPES),
        "response_modes_supported": [*RESPONSE_MODES, response_type.JWT],
        "authorization_signing_alg_values_supported": list(SIGNING_ALGS),
        "authorization_encryption_alg_values_supported": list(ENCRYPTION_ALGS),
        "authorization_encryption_enc_values_supported": list(ENCRYPTION_ENCS),
        "code_challenge_methods_supported": [pkce.METHOD],
        "prompt_values_supported": sorted(PROMPTS),
        "authorization_response_iss_parameter_supported": True,
        "claims_parameter_supported": True,
        "authorization_details_types_supported": list(details.TYPES),
        "request_parameter_supported": True,
        "request_uri_parameter_supported": True,
        "require_request_uri_registration": True,
        "request_object_signing_alg_values_supported": list(REQUEST_OBJECT_ALGS),
        "request_object_encryption_alg_values_supported": list(ENCRYPTION_ALGS),
        "request_object_encryption_enc_values_supported": list(ENCRYPTION_ENCS),
    }


def _endpoints(services: Services) -> tuple[Endpoint, ...]:
    translate = explain_refusal(services)
    consent = ConsentDesk(
        services.forms,
        services.desk,
        services.proofs,
        services.clients,
        services.consents,
        services.transient,
        services.audit,
        services.clock,
    )
    return (
        Endpoint(
            AUTHORIZE, Route(partial(authorize, services), EVERY, html=True, translate=translate)
        ),
        Endpoint(
            RESUME,
            Route(partial(resume, services), EVERY, html=True, translate=translate),
            partial(finish, services),
        ),
        Endpoint("/consent/<t>", consent_route(consent)),
    )


PART = Part(_metadata, _endpoints)
