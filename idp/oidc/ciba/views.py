"""/ciba: where citizens see who asks them, and say yes or no (CIBA Core §8).

A yes needs the number that the service shows at that moment, so that nobody confirms what they
did not begin: whoever only presses a button chooses wrong two times in three, and a wrong choice
is a no. Then follow the login at the level asked for and the consent, as for any other login.
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
from idp.oidc.decoupled.waiting import Reference, Waiting, find
from idp.oidc.services import Endpoint, Services
from idp.registry.model import Person
from idp.storage.transient import Operation, Take
from idp.web.edge import Route
from idp.web.http import HttpError, Request, Response, redirect

PATH = "/ciba"
LOGIN = f"{PATH}/login"


def approval(services: Services, pings: Pings) -> Approval:
    """How CIBA's requests are decided."""

    def forget(waiting: Waiting, allowed: bool) -> tuple[Operation, ...]:
        cool_down = services.settings.backchannel_cool_down
        box = Mailbox(waiting.payload["who"])
        return box.remove(waiting, allowed=allowed, cool_down=cool_down)

    def told(waiting: Waiting, client: Client) -> None:
        endpoint, sealed = client.backchannel_client_notification_endpoint, waiting.payload["ping"]
        if endpoint and sealed:
            told_with = json.loads(unseal(services.pepper, KIND, waiting.reference.flow, sealed))
            pings.send(client.client_id, endpoint, **told_with)

    return Approval(services, KIND, PATH, forget, told)


def overview(services: Services, request: Request) -> Response:
    """What waits for the citizen of this browser's session; without one, the way to log in.

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
    """The browser comes back from that login: from now on it has a session.

    Raises:
        Notice: the login is over, or its account may not be used.
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
    """One request, and what its citizen says to it.

    Raises:
        Notice: the account may not be used, or too many logins were begun.
        CsrfFailed: the form is not from our page as this citizen saw it.
        HttpError: it is no answer.
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
        raise HttpError(400, "neither a number nor deny")
    if not equal(chosen, waiting.payload["match"]):
        return approval.deny(request, waiting, reason="wrong_number", outcome="mismatch")
    return approval.start(request, waiting)


def _find(services: Services, text: str) -> Waiting | None:
    waiting = find(services, KIND, Reference.parse(text))
    return waiting if waiting is not None and waiting.open(services.clock()) else None


def _person(services: Services, session: Session) -> Person:
    """Whose session it is.

    Raises:
        Notice: their account may not be used any more.
    """
    try:
        _, person = services.proofs.usable(session.account_id)
    except AccountUnusable as error:
        raise Notice("account_unusable", status=403, reason=error.reason) from error
    return person


def _question(services: Services, request: Request, waiting: Waiting, form: str) -> Response:
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
