"""The login desk's URLs."""

from functools import partial

from idp.login import pages
from idp.login.desk import Desk
from idp.login.pages import Authenticators
from idp.login.proofs import Proofs
from idp.web.edge import Route
from idp.web.http import Request, Response


def routes(desk: Desk, proofs: Proofs, authenticators: Authenticators) -> dict[str, Route]:
    """The login pages by URL rule."""

    def identify(request: Request, t: str) -> Response:
        if request.method == "POST":
            return pages.choose(desk, proofs, authenticators, request, t)
        return pages.show(desk, request, t)

    explain = pages.explain(desk.forms)
    go_on = partial(pages.go_on, desk)
    return {
        "/login/<t>": Route(identify, ("GET", "POST"), html=True, translate=explain),
        "/login/<t>/continue": Route(go_on, ("GET",), html=True, translate=explain),
    }
