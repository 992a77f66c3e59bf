"""The passcode's page."""

from idp.authn.passcode.authenticator import Passcode
from idp.core.errors import AuthenticationFailed
from idp.login.pages import explain, other_url
from idp.login.visit import Visit
from idp.web.edge import Route
from idp.web.http import Request, Response
from idp.web.templates import FormError


def show(passcode: Passcode, request: Request, t: str) -> Response:
    """GET /login/<t>/passcode: type it, where it is asked for."""
    desk = passcode.desk
    visit, _ = desk.visit(request, t)
    if passcode.account_asked(visit) is None:
        return desk.proceed(visit)
    if not passcode.is_set(visit):
        raise desk.dead_end(visit, "no_passcode", step="/passcode")
    return _page(passcode, visit)


def answer(passcode: Passcode, request: Request, t: str) -> Response:
    """POST /login/<t>/passcode: check it, or give up."""
    desk = passcode.desk
    ticket = desk.open(request, t)
    passcode.forms.check(request, ticket.text)
    visit, _ = desk.read(request, ticket)
    if request.form.get("action") == "cancel":
        return desk.cancel(visit, "citizen" if passcode.is_set(visit) else "unmet")
    try:
        return passcode.verify(visit, request.form.get("passcode", ""))
    except AuthenticationFailed as error:
        return _page(passcode, visit, 422, (FormError("passcode", error.message),))


def _page(
    passcode: Passcode, visit: Visit, status: int = 200, errors: tuple[FormError, ...] = ()
) -> Response:
    return passcode.forms.page(
        visit.request,
        visit.ticket,
        "login/passcode.html",
        status=status,
        slots={"action": f"{visit.url}/passcode", "other_url": other_url(passcode.desk, visit)},
        errors=errors,
    )


def routes(passcode: Passcode) -> dict[str, Route]:
    """The page by URL rule."""

    def view(request: Request, t: str) -> Response:
        return (answer if request.method == "POST" else show)(passcode, request, t)

    said = explain(passcode.forms)
    return {"/login/<t>/passcode": Route(view, ("GET", "POST"), html=True, translate=said)}
