"""From the request to what its login must show: ``prompt``, ``max_age``, hints, level."""

from idp.login.requirement import Requirement
from idp.oidc.authorization.request import AuthorizationRequest
from idp.oidc.clients.model import Client


def requirement(
    request: AuthorizationRequest, client: Client, *, account_id: str | None, now: int
) -> Requirement:
    """The login that ``request`` needs (OIDC Core §3.1.2.1 and §3.1.2.3).

    ``account_id`` is whom the browser's session belongs to, when that is who the request asks for.
    A request for somebody whom the session does not show needs a login of its own: a hint tells
    the subject, from which no account can be found.
    """
    elsewhere = request.subject is not None and account_id is None
    again = not {"login", "select_account"}.isdisjoint(request.prompt) or request.max_age == 0
    return Requirement(
        level=request.level,
        methods=client.methods,
        not_before=_not_before(request.max_age, now),
        fresh=again or elsewhere,
        account_id=account_id if request.subject is not None else None,
    )


def _not_before(max_age: int | None, now: int) -> int:
    """The oldest second an authentication may be of.

    Both ends are cut to whole seconds, so that one more is taken off: never older than max_age.
    """
    return 0 if not max_age else max(0, now - max_age + 1)
