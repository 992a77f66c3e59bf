"""/ciba: the pages on which citizens allow or deny requests (CIBA Core §8).

To allow, the citizen must choose the number that the service shows, so that nobody confirms a
request of somebody else: a guess is wrong two times in three, and a wrong number denies the
request. Login at the requested level and consent follow, as for any other login.
"""

import json
from functools import partial

from idp.accounts.lifecycle import AccountUnusable
from idp.core.handles import equal
from idp.core.sealing import unseal
from idp.login import whereabouts
from idp.login.dispatch import Authenticate, Finish
from idp.login.errors import Notice
from idp.login.pages import explain, first_page
from idp.login.requirement import Requirement
from idp.login.session import Session
from idp.login.transaction import transaction_key
from idp.oidc.ciba.grant import KIND
from idp.oidc.ciba.mailbox import Mailbox
from idp.oidc.ciba.ping import Pings
from idp.oidc.clients.model import Client
from idp.oidc.consent.views import host_of
from idp.oidc.decoupled.approval import Approval
from idp.oidc.decoupled.pages import check_form, done, page
from idp.oidc.decoupled.waiting import PendingRequest, Reference, find
from idp.oidc.services import Endpoint, Services
from idp.registry.model import Person
from idp.storage.transient import Operation, Take
from idp.web.edge import Route
from idp.web.http import HttpError, Request, Response, redirect

PATH = "/ciba"
LOGIN = f"{PATH}/login"


def approval(services: Services, pings: Pings) -> Approval:
    """The decisions on CIBA requests."""

    def forget(waiting: PendingRequest, allowed: bool) -> tuple[Operation, ...]:
        cool_down = services.settings.backchannel_cool_down
        box = Mailbox(waiting.payload["who"])
        return box.remove(waiting, allowed=allowed, cool_down=cool_down)

    def notify(waiting: PendingRequest, client: Client) -> None:
        endpoint, sealed = client.backchannel_client_notification_endpoint, waiting.payload["ping"]
        if endpoint and sealed:
            ping = json.loads(unseal(services.pepper, KIND, waiting.reference.flow, sealed))
            pings.send(client.client_id, endpoint, **ping)

    return Approval(services, KIND, PATH, forget, notify)


def overview(services: Services, request: Request) -> Response:
    """The open requests to the citizen of this browser's session; without a session, the login.

    Raises:
        Notice: too many logins were begun, or the account may not be used.
        CsrfFailed: the form is not from our page.
    """
    if request.method == "POST":
        check_form(services, request, PATH)
        return _log_in(services, request)
    session = services.desk.session(request)
    if session is None:
        return page(services, request, "ciba/overview.html", form=PATH, action=PATH, person="")
    person = _person(services, session)
    t = services.pages.locale(request)
    items = [
        {"url": f"{PATH}/{each.reference}", "service": client.client_name.in_locale(t)}
        for each in Mailbox.of(services, person.number).requests(services)
        if (client := services.clients.get(each.client_id)) and client.active
    ]
    return page(
        services,
        request,
        "ciba/overview.html",
        form=PATH,
        action=PATH,
        person=person.name.full,
        items=items,
    )


def _log_in(services: Services, request: Request) -> Response:
    visit, cookies = services.desk.begin(
        request, client_id="", requirement=Requirement(), return_path=LOGIN, payload={}
    )
    return first_page(services.desk, visit, cookies)


def come_in(services: Services, request: Request) -> Response:
    """Finish the login of this page: create the session.

    Raises:
        Notice: the login has ended, or its account may not be used.
    """
    desk = services.desk
    visit, _ = desk.visit(request, request.query.get("t", ""))
    step = desk.step(visit)
    if visit.transaction.cancelled or not isinstance(step, Authenticate | Finish):
        services.transient.delete(transaction_key(visit.ticket.flow))
        return redirect(PATH)
    if isinstance(step, Authenticate):
        return desk.proceed(visit)
    try:
        settled = services.proofs.settle(visit.session, step, whereabouts.of(request))
    except AccountUnusable as error:
        raise desk.unusable(visit, error) from error
    taken, *_ = services.transient.run(
        Take(transaction_key(visit.ticket.flow)), *settled.renewed.operations
    )
    if taken.value is None:
        raise Notice("over", status=409, onward=PATH)
    services.audit.write(*settled.events, peer=request.peer)
    return redirect(PATH, settled.renewed.cookies)


def decide(approval: Approval, request: Request, r: str) -> Response:
    """Show one request, or take the citizen's decision.

    Raises:
        Notice: the account may not be used, or too many logins were begun.
        CsrfFailed: the form is not from our page as this citizen saw it.
        HttpError: the form has no decision.
    """
    services = approval.services
    waiting = _find(services, r)
    session = services.desk.session(request, waiting.client_id if waiting else "")
    if session is None:
        return redirect(PATH)
    if waiting is None or not equal(waiting.payload["account_id"], session.account_id):
        return approval.over(request, Reference.parse(r))
    _person(services, session)
    form = f"{PATH}/{r}/{session.id}"
    if request.method != "POST":
        return _question(services, request, waiting, form)
    check_form(services, request, form)
    if request.form.get("decision") == "deny":
        return approval.deny(request, waiting, reason="citizen")
    chosen = request.form.get("match_number", "")
    if not chosen:
        raise HttpError(400, "send match_number, or decision=deny")
    if not equal(chosen, waiting.payload["match"]):
        return approval.deny(request, waiting, reason="wrong_number", outcome="mismatch")
    return approval.start(request, waiting)


def _find(services: Services, text: str) -> PendingRequest | None:
    waiting = find(services, KIND, Reference.parse(text))
    return waiting if waiting is not None and waiting.open(services.clock()) else None


def _person(services: Services, session: Session) -> Person:
    """The person of the session.

    Raises:
        Notice: the account may no longer be used.
    """
    try:
        _, person = services.proofs.usable(session.account_id)
    except AccountUnusable as error:
        raise Notice("account_unusable", status=403, reason=error.reason) from error
    return person


def _question(services: Services, request: Request, waiting: PendingRequest, form: str) -> Response:
    client = services.clients.get(waiting.client_id)
    if client is None or not client.active:
        raise HttpError(404, "no such request")
    locale = services.pages.locale(request)
    return page(
        services,
        request,
        "ciba/decide.html",
        form=form,
        action=f"{PATH}/{waiting.reference}",
        service=client.client_name.in_locale(locale),
        host=host_of(waiting.asked.redirect_uri),
        purpose=client.purpose.in_locale(locale),
        message=waiting.payload["message"],
        begun_at=waiting.begun_at,
        choices=waiting.payload["choices"],
    )


def endpoints(approval: Approval) -> tuple[Endpoint, ...]:
    """The citizen's pages."""
    services = approval.services
    translate = explain(services.forms)
    both, get = ("GET", "POST"), ("GET",)
    routes = {
        PATH: Route(partial(overview, services), both, html=True, translate=translate),
        LOGIN: Route(partial(come_in, services), get, html=True, translate=translate),
        approval.return_path: Route(approval.resume, get, html=True, translate=translate),
        f"{PATH}/done": Route(done(services), get, html=True),
        f"{PATH}/<r>": Route(partial(decide, approval), both, html=True, translate=translate),
    }
    endings = {approval.return_path: approval.finish}
    return tuple(Endpoint(path, route, endings.get(path)) for path, route in routes.items())
