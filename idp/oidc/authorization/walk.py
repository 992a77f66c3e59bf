"""The walk from a request to its answer: OIDC Core §3.1.2.3 to §3.1.2.5.

:func:`start` answers /authorize, :func:`resume` the browser that comes back from the login.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from idp.accounts.lifecycle import AccountUnusable
from idp.core.handles import new_flow
from idp.login import whereabouts
from idp.login.dispatch import Authenticate, Finish, Refuse, next_step
from idp.login.pages import first_page
from idp.login.requirement import Requirement
from idp.login.session import Session
from idp.login.ticket import Ticket
from idp.login.visit import Settled, Visit
from idp.oidc.authorization import prompt, respond
from idp.oidc.authorization.acr import unmet
from idp.oidc.authorization.destination import Destination
from idp.oidc.authorization.request import AuthorizationRequest
from idp.oidc.consent import details
from idp.oidc.consent.model import Consent, must_ask
from idp.oidc.errors import OAuthError
from idp.oidc.services import Services
from idp.oidc.tokens.authorization import Authorization
from idp.web.http import Request, Response, redirect

RESUME = "/authorize/resume"
Grant: TypeAlias = Callable[
    ["AuthorizationContext", Authorization, Settled, Ticket | None], Response
]


def by_redirect(
    context: "AuthorizationContext",
    authorization: Authorization,
    settled: Settled,
    ticket: Ticket | None,
) -> Response:
    """The answer goes through this browser, to the destination."""
    return respond.grant(
        context.services,
        context.request,
        context.destination,
        context.asked,
        authorization,
        settled,
        ticket=ticket,
    )


@dataclass(frozen=True, slots=True)
class AuthorizationContext:
    """One authorization request being answered: what it asks and where the answer goes.

    The login comes back to ``return_path``; ``grant`` answers with what the citizen allowed and
    uses the login up.
    """

    services: Services
    request: Request
    destination: Destination
    asked: AuthorizationRequest
    return_path: str = RESUME
    grant: Grant = by_redirect


def login_required(reason: str) -> OAuthError:
    """The citizen would have to log in, or another than the one asked for did (OIDC §3.1.2.6)."""
    return OAuthError("login_required", "the citizen must log in", reason=reason)


def start(context: AuthorizationContext, ui_locales: str) -> Response:
    """Answer at once from the browser's session where that will do, else begin a login.

    Raises:
        OAuthError: for a redirect to the destination.
        Notice: too many logins were begun.
    """
    services, asked, client = context.services, context.asked, context.destination.client
    session = services.desk.session(context.request, client.client_id)
    wanted = prompt.requirement(
        asked, client, account_id=_whom(context, session), now=services.clock()
    )
    step = _first_step(context, wanted, session)
    if isinstance(step, Finish):
        consent, must = _consent(context, step, since=services.clock() + 1)
        if not must:
            try:
                return _grant(context, session, step, consent, ticket=None)
            except AccountUnusable:
                wanted = replace(wanted, fresh=True)  # somebody else may log in here
                step = _first_step(context, wanted, session)
    if "none" in asked.prompt:
        raise _interaction(step)
    return _begin(context, wanted, step, session, ui_locales)


def resume(context: AuthorizationContext, visit: Visit) -> Response:
    """Answer for a login that came to its end; send any other on to where it is.

    Raises:
        OAuthError: for a redirect to the destination; the login is over with it.
        Notice: the account may not be used, or the login was answered already.
    """
    services = context.services
    _check_given_up(visit)
    step = services.desk.step(visit)
    if isinstance(step, Authenticate):
        return services.desk.proceed(visit)
    finish = _met(step)
    _check_subject(context, finish)
    begun_at, flow = visit.transaction.begun_at, visit.ticket.flow
    consent, must = _consent(context, finish, since=begun_at, flow=flow)
    if must:
        return redirect(f"/consent/{visit.ticket.text}")
    try:
        return _grant(context, visit.session, finish, consent, ticket=visit.ticket)
    except AccountUnusable as error:
        raise services.desk.unusable(visit, error) from error


def _whom(context: AuthorizationContext, session: Session | None) -> str | None:
    """Whose the session is, unless the request is about somebody else."""
    if session is None or context.asked.subject not in {
        None,
        _subject(context, session.account_id),
    }:
        return None
    return session.account_id


def _subject(context: AuthorizationContext, account_id: str) -> str:
    return context.services.subjects.sub(context.destination.client, account_id)


def _first_step(
    context: AuthorizationContext, wanted: Requirement, session: Session | None
) -> Authenticate | Finish:
    earlier = session.authentications if session else ()
    step = next_step(wanted, (), earlier, context.services.desk.methods)
    return step if isinstance(step, Authenticate) else _met(step)


def _met(step: Finish | Refuse) -> Finish:
    if isinstance(step, Finish):
        return step
    raise unmet() if step.reason == "unmet" else login_required("other_account")


def _interaction(step: Authenticate | Finish) -> OAuthError:
    """Why ``prompt=none`` cannot be answered."""
    if isinstance(step, Finish):
        return OAuthError("consent_required", "the citizen must be asked for consent")
    return login_required("no_session")


def _begin(
    context: AuthorizationContext,
    wanted: Requirement,
    step: Authenticate | Finish,
    session: Session | None,
    ui_locales: str,
) -> Response:
    visit, cookies = context.services.desk.begin(
        context.request,
        client_id=context.asked.client_id,
        requirement=wanted,
        return_path=context.return_path,
        payload=context.asked.dump(),
        ui_locales=ui_locales,
    )
    if isinstance(step, Finish):
        return redirect(f"/consent/{visit.ticket.text}", cookies)
    if context.asked.pushed:  # its address is soon of no use: reload and Back need one that is
        return redirect(visit.url, cookies)
    return first_page(context.services.desk, replace(visit, session=session), cookies)


def _check_given_up(visit: Visit) -> None:
    match visit.transaction.cancelled:
        case "":
            return
        case "unmet":
            raise unmet("account_cannot_reach_the_level")
        case reason:
            raise OAuthError("access_denied", "the citizen said no", reason=reason)


def _check_subject(context: AuthorizationContext, finish: Finish) -> None:
    if context.asked.subject not in {None, _subject(context, finish.account_id)}:
        raise login_required("other_subject")


def _consent(
    context: AuthorizationContext, finish: Finish, *, since: int, flow: str = ""
) -> tuple[Consent | None, bool]:
    """The consent that stands, and whether the citizen must be asked first, in login ``flow``."""
    client = context.destination.client
    known = context.services.consents.find(finish.account_id, client.client_id)
    must = must_ask(context.asked.asked, known, client, since=since)
    must = must or not _approved(context, finish, flow)
    return (known if known is not None and known.stands(client) else None), must


def _approved(context: AuthorizationContext, finish: Finish, flow: str) -> bool:
    """Whether the citizen said yes to the transaction, if there is one, in this very login."""
    asked = context.asked.details
    if not asked or not flow:
        return not asked
    (record,) = context.services.transient.run(details.approval_of(flow))
    return details.approved(record, finish.account_id, asked)


def _grant(
    context: AuthorizationContext,
    session: Session | None,
    finish: Finish,
    consent: Consent | None,
    *,
    ticket: Ticket | None,
) -> Response:
    services, destination = context.services, context.destination
    settled = services.proofs.settle(session, finish, whereabouts.of(context.request))
    authorization = respond.authorize(
        context.asked,
        destination.client,
        settled,
        finish,
        consent,
        flow=ticket.flow if ticket else new_flow(),
        now=services.standing.issue_time(
            finish.account_id, settled.session.id, context.asked.client_id
        ),
    )
    return context.grant(context, authorization, settled, ticket)
