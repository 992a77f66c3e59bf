"""/bc-authorize: the backchannel authentication endpoint, CIBA Core §7.

The citizen's pages are in ``views``. The response does not reveal whether the person exists.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import structlog

from idp.audit.events import BackchannelRefused, DecoupledRequested
from idp.core.errors import Unavailable
from idp.core.handles import Handle
from idp.core.sealing import seal
from idp.notify.text import request_text
from idp.oidc.ciba import mailbox, sandbox, views
from idp.oidc.ciba.grant import KIND
from idp.oidc.ciba.mailbox import Mailbox, match_numbers
from idp.oidc.ciba.ping import Pings
from idp.oidc.ciba.request import BackchannelRequest, parse
from idp.oidc.ciba.request_object import MEMBERS, parameters
from idp.oidc.client_auth.form import require_form
from idp.oidc.clients.model import Client
from idp.oidc.decoupled.approval import Approval
from idp.oidc.decoupled.waiting import PendingRequest, Reference, find
from idp.oidc.errors import OAuthError, answering, unauthorized_client
from idp.oidc.openapi import CLIENT_AUTHENTICATION, REPEATED, form
from idp.oidc.services import Endpoint, Part, Services
from idp.oidc.settings import ProviderSettings
from idp.oidc.vocabulary import ASSERTION_ALGS, CIBA, DELIVERY_MODES
from idp.web.edge import Route
from idp.web.http import Request, Response, json_response
from idp.web.openapi import SECONDS, TEXT, Paths, an_object, answer, operation

PATH = "/bc-authorize"
_log = structlog.get_logger("idp.ciba")


def authenticate(services: Services, approval: Approval, request: Request) -> Response:
    """Start a request for a citizen; the response has its ``auth_req_id``.

    Raises:
        OAuthError: the request is refused.
        Unavailable: no text message can be sent now.
    """
    require_form(request)
    client = services.client_authentication.authenticate(request)
    with _recorded(services, client, request):
        if CIBA not in client.grant_types:
            raise unauthorized_client("the client is not registered for CIBA")
        handle = Handle.new()
        params = parameters(services, client, request)
        asked = parse(services, client, params, reference=Reference.of(handle))
        box = Mailbox.of(services, asked.number)
        before = box.ask(services, client)
        services.sender.check()  # for unknown persons too
    waiting = _begin(services, client, asked, box, handle)
    _supersede(services, approval, client, before)
    event = DecoupledRequested(
        client_id=client.client_id,
        account_id=waiting.payload["account_id"],
        flow=handle.flow,
        kind=KIND,
    )
    services.audit.write(event, peer=request.peer)
    answered = {
        "auth_req_id": str(handle),
        "expires_in": asked.ttl,
        "interval": waiting.interval,
        "match_number": waiting.payload["match"],
    }
    return json_response(answered)


def _begin(
    services: Services, client: Client, asked: BackchannelRequest, box: Mailbox, handle: Handle
) -> PendingRequest:
    """Store the request and send the text message."""
    account, now = mailbox.recipient(services, asked.number), services.clock()
    match, choices = match_numbers()
    waiting = PendingRequest(
        kind=KIND,
        asked=asked.asked,
        begun_at=now,
        expires_at=now + asked.ttl,
        interval=services.settings.poll_interval,
        payload={
            "who": box.who,
            "account_id": account.id if account else "",
            "message": asked.message,
            "match": match,
            "choices": choices,
            "ping": _ping(services, handle, asked.token),
        },
    )
    services.transient.run(*waiting.keep(now), *box.put(waiting, now))
    if account and account.phone:
        text = request_text(client.client_name.vi)
        try:
            services.sender.send(account.phone, text, reference=f"{KIND}-{handle.flow}")
        except Unavailable as error:  # the request is on the citizen's page anyway
            _log.warning("text_not_sent", dependency=error.dependency, flow=handle.flow)
    return waiting


def _ping(services: Services, handle: Handle, token: str) -> str:
    """The sealed ping notification (§10.2), ``""`` for a client that polls."""
    ping = json.dumps({"auth_req_id": str(handle), "token": token})
    return seal(services.pepper, KIND, handle.flow, ping) if token else ""


def _supersede(
    services: Services, approval: Approval, client: Client, before: Reference | None
) -> None:
    """Deny the client's earlier request to the same person, if it is still open."""
    old = find(services, KIND, before)
    if old is not None and old.open(services.clock()):
        taken, _ = services.transient.run(
            old.deny(services.clock()),
            Mailbox(old.payload["who"]).forget(old),
        )
        if taken.value is not None:
            approval.notify(old, client)


@contextmanager
def _recorded(services: Services, client: Client, request: Request) -> Iterator[None]:
    """Write refusals to the audit log."""
    try:
        yield
    except OAuthError as error:
        event = BackchannelRefused(
            client_id=client.client_id, error=error.error, **error.recorded()
        )
        services.audit.write(event, peer=request.peer)
        raise


def _metadata(settings: ProviderSettings) -> Mapping[str, Any]:
    return {
        "backchannel_authentication_endpoint": settings.url(PATH),
        "backchannel_token_delivery_modes_supported": list(DELIVERY_MODES),
        "backchannel_authentication_request_signing_alg_values_supported": list(ASSERTION_ALGS),
        "backchannel_user_code_parameter_supported": False,
    }


def _endpoints(services: Services) -> tuple[Endpoint, ...]:
    approval = views.approval(services, Pings(services.outbound, services.audit))
    handler = answering(partial(authenticate, services, approval), candid=services.candid)
    hook = sandbox.endpoints(approval) if services.pages.site.sandbox else ()
    return (Endpoint(PATH, Route(handler, ("POST",))), *views.endpoints(approval), *hook)


_BEGUN = an_object(
    {"auth_req_id": TEXT, "expires_in": SECONDS, "interval": SECONDS, "match_number": TEXT},
    ("auth_req_id", "expires_in", "interval", "match_number"),
)
_READ = [each for each in MEMBERS if each not in ("login_hint_token", "user_code")]
_DESCRIPTION = (
    "Either request, a signed request object with all parameters; or scope and either login_hint"
    " (a personal number) or id_token_hint. Ping mode requires client_notification_token."
)
_PATHS: Paths = {
    **sandbox.PATHS,
    PATH: {
        "post": operation(
            "Authenticate a citizen on their own phone (CIBA Core §7)",
            {"200": answer("The request is pending", _BEGUN)},
            body=form(
                {**dict.fromkeys(_READ, TEXT), "resource": REPEATED, "request": TEXT},
                description=_DESCRIPTION,
            ),
            security=CLIENT_AUTHENTICATION,
        )
    },
}
PART = Part(_metadata, _endpoints, _PATHS)
