"""The one-time code's URL."""

from idp.authn.otp import pages
from idp.authn.otp.authenticator import Otp
from idp.login.pages import explain
from idp.web.edge import Route
from idp.web.http import Request, Response


def routes(otp: Otp) -> dict[str, Route]:
    """The page by URL rule."""

    def code(request: Request, t: str) -> Response:
        return (pages.answer if request.method == "POST" else pages.show)(otp, request, t)

    return {
        "/login/<t>/otp": Route(code, ("GET", "POST"), html=True, translate=explain(otp.forms)),
    }
