"""The page of the one-time code. It is answered without any store: the ticket proves itself."""

from idp.authn.otp.authenticator import Otp
from idp.core.errors import AuthenticationFailed
from idp.login import pages
from idp.login.ticket import Ticket
from idp.web.http import Request, Response
from idp.web.templates import FormError


def show(otp: Otp, request: Request, t: str) -> Response:
    """GET /login/<t>/otp: type the code. The same page whether or not anybody got one."""
    return _page(otp, request, otp.desk.open(request, t))


def answer(otp: Otp, request: Request, t: str) -> Response:
    """POST /login/<t>/otp: check the code, send another, or give up."""
    ticket = otp.desk.open(request, t)
    otp.forms.check(request, ticket.text)
    action = request.form.get("action", "verify")
    if action == "cancel":
        return pages.cancel(otp.desk, request, ticket)
    if action == "resend":
        return otp.resend(request, ticket)
    try:
        return otp.verify(request, ticket, request.form.get("otp", ""))
    except AuthenticationFailed as error:
        return _page(otp, request, ticket, status=422, errors=(FormError("otp", error.message),))


def _page(
    otp: Otp,
    request: Request,
    ticket: Ticket,
    *,
    status: int = 200,
    errors: tuple[FormError, ...] = (),
) -> Response:
    return otp.forms.page(
        request,
        ticket,
        "login/otp.html",
        status=status,
        slots={"action": f"/login/{ticket.text}/otp", "other_url": f"/login/{ticket.text}"},
        minutes=otp.settings.ttl // 60,
        errors=errors,
    )
