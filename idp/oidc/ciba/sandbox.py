"""/sandbox/ciba: a test suite decides for the citizen, in the sandbox only.

The OpenID Foundation's suite calls it as its ``automated_ciba_approval_url``. Like a citizen's own
decision, it creates session, consent, answer and notification.
"""

from functools import partial

from idp.accounts.lifecycle import AccountUnusable
from idp.core import assurance
from idp.core.handles import Handle, new_flow
from idp.login.authentication import Authentication, factors_of
from idp.login.dispatch import Finish
from idp.oidc.authorization import respond
from idp.oidc.ciba.grant import KIND
from idp.oidc.clients.model import Client
from idp.oidc.consent.model import Consent
from idp.oidc.consent.model import answer as consent_to
from idp.oidc.decoupled.approval import Approval
from idp.oidc.decoupled.waiting import PendingRequest, Reference, find
from idp.oidc.services import Endpoint, Services
from idp.web.edge import Route
from idp.web.http import HttpError, Request, Response, json_response
from idp.web.openapi import TEXT, Paths, an_object, answer, one_of, operation, parameter

PATH = "/sandbox/ciba"
METHODS = ("GET", "POST")
_ACTION = one_of(("allow", "deny"))
PATHS: Paths = {
    PATH: {
        method.lower(): operation(
            "Decide a CIBA request for the citizen; in the sandbox only",
            {"200": answer("The decision", an_object({"decided": _ACTION}, ("decided",)))},
            parameters=(
                parameter("auth_req_id", "query", TEXT, required=True),
                parameter("action", "query", _ACTION, required=True),
            ),
        )
        for method in METHODS
    }
}


def endpoints(approval: Approval) -> tuple[Endpoint, ...]:
    """The sandbox endpoint."""
    return (Endpoint(PATH, Route(partial(decide, approval), METHODS)),)


def decide(approval: Approval, request: Request) -> Response:
    """Decide the request ``auth_req_id``; ``action`` is ``allow`` or ``deny``.

    Raises:
        HttpError: 400: wrong action; 404: no open request, or its person has no usable account.
    """
    services, query = approval.services, request.query
    handle = Handle.parse(query.get("auth_req_id", ""))
    waiting = find(services, KIND, Reference.of(handle) if handle else None)
    client = services.clients.get(waiting.client_id) if waiting else None
    if waiting is None or client is None or not waiting.open(services.clock()):
        raise HttpError(404, "no open request with this auth_req_id")
    match query.get("action"):
        case "allow":
            _allow(approval, request, waiting, client)
        case "deny":
            approval.deny(request, waiting, reason="sandbox")
        case _:
            raise HttpError(400, "action must be allow or deny")
    return json_response({"decided": query["action"]})


def _allow(approval: Approval, request: Request, waiting: PendingRequest, client: Client) -> None:
    services = approval.services
    finish = _proved(services, waiting.payload["account_id"], waiting.asked.level)
    try:
        settled = services.proofs.settle(None, finish)
    except AccountUnusable as error:
        raise HttpError(404, "the person has no usable account") from error
    consent = _consent(services, waiting, client, finish)
    now = services.standing.issue_time(finish.account_id, settled.session.id, client.client_id)
    authorization = respond.authorize(
        waiting.asked, client, settled, finish, consent, flow=new_flow(), now=now
    )
    approval.allow(request, waiting, client, authorization, settled)


def _proved(services: Services, account_id: str, level: int) -> Finish:
    """The proofs of a login at ``level``, with as few methods as it needs."""
    now, proofs = services.clock(), list[Authentication]()
    for method in services.desk.methods:
        factors = factors_of(proofs)
        if not factors.issuperset(method.factors) and assurance.level(factors) < max(level, 1):
            proofs.append(Authentication.of(method, account_id, now))
    return Finish(tuple(proofs))


def _consent(
    services: Services, waiting: PendingRequest, client: Client, finish: Finish
) -> Consent:
    asked = waiting.asked.asked
    given = consent_to(
        asked,
        asked.shown,
        client=client,
        account_id=finish.account_id,
        before=services.consents.find(finish.account_id, client.client_id),
        level=finish.level,
        locale="vi",
        now=services.clock(),
    )
    services.consents.add(given)
    return given
