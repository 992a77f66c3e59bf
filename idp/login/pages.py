"""The pages every login has: who are you, how will you prove it, go on, give up."""

from collections.abc import Callable, Mapping
from typing import Any

from idp.core import personal_number
from idp.core.personal_number import PersonalNumber
from idp.login import throttle
from idp.login.authenticator import Authenticator
from idp.login.desk import Desk
from idp.login.dispatch import Authenticate, Finish, Step
from idp.login.errors import Notice
from idp.login.forms import Forms
from idp.login.proofs import Proofs
from idp.login.replay import Answered
from idp.login.ticket import Ticket
from idp.login.visit import Visit
from idp.web.http import Request, Response, redirect
from idp.web.templates import FormError

Authenticators = Mapping[str, Authenticator]


def identify_page(
    desk: Desk,
    visit: Visit,
    *,
    status: int = 200,
    id_number: str = "",
    errors: tuple[FormError, ...] = (),
) -> Response:
    """The first page: number and method, only the methods that can reach the level."""
    step, level = desk.step(visit), visit.transaction.requirement.level
    wanted = step.methods if isinstance(step, Authenticate) else ()
    too_weak = visit.session is not None and visit.session.level < level
    further = further_methods(desk, step)
    return desk.forms.page(
        visit.request,
        visit.ticket,
        "login/identify.html",
        status=status,
        here=visit.url,  # /authorize may answer with this page, and is not to be asked again
        slots={"action": visit.url},
        methods=tuple(each.name for each in desk.methods if each.opens and each.name in wanted),
        further=further,
        level=level,
        step_up=too_weak and not visit.transaction.requirement.fresh,
        id_number=id_number,
        errors=errors,
    )


def further_methods(desk: Desk, step: Step) -> tuple[str, ...]:
    """The methods wanted here that need no number: the citizen may choose among them."""
    wanted = step.methods if isinstance(step, Authenticate) else ()
    return tuple(each.name for each in desk.methods if not each.opens and each.name in wanted)


def other_url(desk: Desk, visit: Visit) -> str:
    """Where another way can be chosen than the page's own, ``""`` where there is none."""
    step = desk.step(visit)
    several = isinstance(step, Authenticate) and len(step.methods) > 1
    return visit.url if several else ""


def first_page(desk: Desk, visit: Visit, cookies: tuple[str, ...]) -> Response:
    """What answers the request that began a login: its first page, without another request."""
    step = desk.step(visit)
    if not isinstance(step, Authenticate) or not _opening(desk, step):
        return _with_cookies(desk.proceed(visit), cookies)
    return _with_cookies(identify_page(desk, visit), cookies)


def show(desk: Desk, request: Request, t: str) -> Response:
    """GET /login/<t>: the first page again, or on to where the login is."""
    visit, _ = desk.visit(request, t)
    step = desk.step(visit)
    if isinstance(step, Authenticate) and _opening(desk, step):
        return identify_page(desk, visit)
    return desk.proceed(visit)


def choose(
    desk: Desk, proofs: Proofs, authenticators: Authenticators, request: Request, t: str
) -> Response:
    """POST /login/<t>: a number and a method were given."""
    ticket = desk.open(request, t)
    desk.forms.check(request, ticket.text)
    if request.form.get("action") == "cancel":
        return cancel(desk, request, ticket)
    typed = request.form.get("id_number", "")
    authenticator = authenticators.get(request.form.get("method", ""))
    number = _number(desk, proofs, typed)
    if isinstance(number, PersonalNumber) and authenticator is not None:
        return _begin(desk, proofs, authenticator, request, ticket, number)
    error = (
        FormError("id_number", number)
        if isinstance(number, str)
        else FormError("method", "identify.error.method")
    )
    visit, _ = desk.read(request, ticket)
    return identify_page(desk, visit, status=422, id_number=typed[:64], errors=(error,))


def _begin(
    desk: Desk,
    proofs: Proofs,
    authenticator: Authenticator,
    request: Request,
    ticket: Ticket,
    number: PersonalNumber,
) -> Response:
    prepared = authenticator.prepare(request, ticket, number)
    attempts = throttle.Toll(((desk.settings.attempts, throttle.address(request.peer)),))
    hits = attempts.operations
    visit, answers = desk.read(request, ticket, *hits, *prepared.operations)
    step = desk.step(visit)
    try:
        desk.check(attempts, answers[: len(hits)], onward=visit.url)
    except Notice:
        desk.transient.run(*authenticator.withdraw(ticket))
        raise
    if not _is_wanted(proofs, step, authenticator, number):
        desk.transient.run(*authenticator.withdraw(ticket))
        return desk.proceed(visit)
    return prepared.begin(visit, answers[len(hits) :])


def _is_wanted(
    proofs: Proofs, step: Step, authenticator: Authenticator, number: PersonalNumber
) -> bool:
    """Whether there is anything to prove: what somebody else proved in this browser is no proof."""
    if isinstance(step, Finish):
        account = proofs.accounts.by_id(step.account_id)
        return account is None or account.number != number
    return isinstance(step, Authenticate) and authenticator.method.name in step.methods


def _number(desk: Desk, proofs: Proofs, typed: str) -> PersonalNumber | str:
    """The number, or the id of the message that says what is wrong with it.

    A 9-digit number is taken only where the policy still accepts it and one person alone has
    it; otherwise the sentence is the same whether nobody or several people do.
    """
    try:
        number = personal_number.parse(typed)
    except ValueError:
        return "identify.error.format" if typed.strip() else "identify.error.empty"
    if isinstance(number, PersonalNumber):
        return number
    holders = proofs.registry.by_former_number(str(number)) if desk.settings.former_numbers else ()
    return holders[0] if len(holders) == 1 else "identify.error.former"


def go_on(desk: Desk, request: Request, t: str) -> Response:
    """GET /login/<t>/continue: wherever the login is."""
    visit, _ = desk.visit(request, t)
    return desk.proceed(visit)


def cancel(desk: Desk, request: Request, ticket: Ticket) -> Response:
    """The citizen gives up; the relying party gets ``access_denied``."""
    visit, _ = desk.read(request, ticket)
    return desk.cancel(visit)


def explain(forms: Forms) -> Callable[[Request, Exception], Response | None]:
    """The translation of what a login step raises: a page that explains and goes on."""

    def translate(request: Request, error: Exception) -> Response | None:
        if isinstance(error, Answered):
            return redirect(error.location)
        if not isinstance(error, Notice):
            return None
        context: dict[str, Any] = {
            "status": error.status,
            "headers": {"Retry-After": str(error.retry_after)} if error.retry_after else {},
            "kind": error.kind,
            "onward": error.onward,
            "parameters": {"minutes": -(-error.retry_after // 60)},
            "cancel_url": error.cancel_url,
        }
        if error.ticket is None:
            return forms.pages.render(request, "login/notice.html", **context)
        return forms.page(request, error.ticket, "login/notice.html", **context)

    return translate


def _opening(desk: Desk, step: Authenticate) -> bool:
    """Whether the login's own page asks for this step: for a number, or which further way."""
    return len(step.methods) > 1 or desk.opens(step)


def _with_cookies(response: Response, cookies: tuple[str, ...]) -> Response:
    return Response(response.status, response.body, response.headers, (*response.cookies, *cookies))
