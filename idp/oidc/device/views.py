"""/device: where a citizen types the code that another device shows (RFC 8628 §3.3).

An attacker may send a code to have the citizen log them in (RFC 8628 §5.4). So the page always asks
for confirmation, even if the link has the code, and shows the service and the time of the request
before the login.
"""

from collections.abc import Callable
from functools import partial

from idp.core.handles import equal
from idp.core.sealing import unseal
from idp.login.pages import explain
from idp.oidc.consent.views import host_of
from idp.oidc.decoupled.approval import Approval
from idp.oidc.decoupled.pages import check_form, done, page
from idp.oidc.decoupled.waiting import PendingRequest, Reference, find
from idp.oidc.device.grant import KIND
from idp.oidc.device.user_code import UserCode
from idp.oidc.services import Endpoint, Services
from idp.storage.transient import Operation
from idp.web.edge import Route
from idp.web.http import HttpError, Request, Response, redirect
from idp.web.templates import FormError

PATH = "/device"
Network = Callable[[Services, Request], str]


def enter(services: Services, request: Request) -> Response:
    """The form for the user code; a right code redirects to its request.

    Raises:
        Notice: too many wrong codes.
        CsrfFailed: the form is not from this page.
    """
    if request.method != "POST":
        return _entry(services, request, request.query.get("user_code", ""))
    check_form(services, request, PATH)
    typed = request.form.get("user_code", "")
    code = UserCode.parse(typed)
    reference = code.look_up(services, request) if code else None
    if reference is None:
        return _entry(services, request, typed, wrong=True)
    return redirect(f"{PATH}/{reference}")


def _entry(services: Services, request: Request, typed: str, *, wrong: bool = False) -> Response:
    return page(
        services,
        request,
        "device/enter.html",
        form=PATH,
        status=422 if wrong else 200,
        here=PATH if wrong else None,
        action=PATH,
        user_code=typed[:16],
        errors=(FormError("user_code", "device.error.unknown"),) if wrong else (),
    )


def confirm(approval: Approval, network: Network, request: Request, r: str) -> Response:
    """The page that shows the request; continue to the login, or deny.

    Raises:
        Notice: the service was disabled, or too many logins were begun.
        CsrfFailed: the form is not from our page.
        HttpError: the form has no decision.
    """
    services, form = approval.services, f"{PATH}/{r}"
    reference = Reference.parse(r)
    waiting = find(services, KIND, reference)
    if waiting is None or not waiting.open(services.clock()):
        return approval.over(request, reference)
    if request.method != "POST":
        same = equal(waiting.payload["network"], network(services, request))
        return _question(services, request, waiting, form, same_network=same)
    check_form(services, request, form)
    match request.form.get("decision"):
        case "continue":
            return approval.start(request, waiting)
        case "deny":
            return approval.deny(request, waiting, reason="citizen")
    raise HttpError(400, "decision must be continue or deny")


def _question(
    services: Services, request: Request, waiting: PendingRequest, form: str, *, same_network: bool
) -> Response:
    client = services.clients.get(waiting.client_id)
    if client is None or not client.active:
        raise HttpError(404, "no such request")
    return page(
        services,
        request,
        "device/confirm.html",
        form=form,
        action=form,
        service=client.client_name.in_locale(services.pages.locale(request)),
        host=host_of(waiting.asked.redirect_uri),
        user_code=_code(services, waiting),
        begun_at=waiting.begun_at,
        same_network=same_network,
    )


def _code(services: Services, waiting: PendingRequest) -> str:
    return unseal(services.pepper, KIND, waiting.reference.flow, waiting.payload["user_code"])


def endpoints(services: Services, network: Network) -> tuple[Endpoint, ...]:
    """The citizen's pages."""

    def forget(waiting: PendingRequest, _allowed: bool) -> tuple[Operation, ...]:
        code = UserCode.parse(_code(services, waiting))
        return (code.forget(services.keys.derive("device")),) if code else ()

    approval = Approval(services, KIND, PATH, forget, notify=lambda waiting, client: None)
    translate = explain(services.forms)
    both = ("GET", "POST")
    return (
        Endpoint(PATH, Route(partial(enter, services), both, html=True, translate=translate)),
        Endpoint(
            approval.return_path,
            Route(approval.resume, ("GET",), html=True, translate=translate),
            approval.finish,
        ),
        Endpoint(f"{PATH}/done", Route(done(services), ("GET",), html=True)),
        Endpoint(
            f"{PATH}/<r>",
            Route(partial(confirm, approval, network), both, html=True, translate=translate),
        ),
    )
