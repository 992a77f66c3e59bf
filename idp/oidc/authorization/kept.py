"""Parameters that came by POST, kept for the GET that follows.

A POST from a relying party's page brings no SameSite=Lax cookie along, so its parameters wait here
while the browser comes back by GET, where it has them.
"""

from idp.core.handles import Handle
from idp.login.errors import Notice
from idp.login.throttle import Toll, address
from idp.oidc.services import Services
from idp.web.http import Params, Request, Response, redirect

PARAMETER = "kept"
KEPT_TTL = 300


def keep(services: Services, request: Request, params: Params) -> Response:
    """Keep ``params`` and answer 303 to the same path by GET.

    Raises:
        Notice: too much is kept for this address already.
    """
    handle = Handle.new()
    toll = Toll(((services.desk.settings.starts, address(request.peer)),))
    services.desk.check(toll, services.transient.run(*toll.operations))
    services.transient.put(handle.key(PARAMETER), {"pairs": params.pairs()}, KEPT_TTL)
    return redirect(f"{request.path}?{PARAMETER}={handle}")


def params_of(services: Services, request: Request) -> Params:
    """The parameters of a request in its query, in its form, or kept from an earlier one.

    Raises:
        Notice: what was kept is gone.
        RepeatedParameter: two handles.
    """
    if PARAMETER not in request.query:
        return Params((*request.query.pairs(), *request.form.pairs()))
    handle = Handle.parse(request.query[PARAMETER])
    kept = services.transient.get(handle.key(PARAMETER)) if handle else None
    if kept is None:
        raise Notice("expired")
    return Params((name, value) for name, value in kept["pairs"])
