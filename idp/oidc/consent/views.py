"""The consent page, /consent/<t>: the data, the purpose, and the citizen's answer.

It is a step of a login: shown only after authentication, answered only from the same browser, and
followed by the next step. No box is ticked by default.
"""

from dataclasses import dataclass, field, replace
from functools import partial
from urllib.parse import urlsplit

from idp.accounts.lifecycle import AccountUnusable
from idp.audit.events import ConsentDenied, ConsentGiven
from idp.audit.log import AuditLog
from idp.core.clock import Clock
from idp.login.desk import Desk
from idp.login.dispatch import Finish
from idp.login.forms import Forms
from idp.login.pages import explain
from idp.login.proofs import Proofs
from idp.login.visit import Visit
from idp.oidc.clients.model import Client
from idp.oidc.clients.repository import ClientCache
from idp.oidc.consent import details, show
from idp.oidc.consent.details import Detail
from idp.oidc.consent.model import SENSITIVE_CLAIMS, Consent, RequestedClaims, answer, must_ask
from idp.oidc.consent.repository import Consents
from idp.oidc.tokens.claims import personal_claims
from idp.oidc.tokens.standing import Holder
from idp.storage.transient import TransientStore
from idp.web.edge import Route
from idp.web.http import HttpError, Request, Response
from idp.web.i18n import Translator


@dataclass(frozen=True, slots=True)
class ConsentDesk:
    """The services of the consent page."""

    forms: Forms
    desk: Desk
    proofs: Proofs
    clients: ClientCache
    consents: Consents
    transient: TransientStore
    audit: AuditLog
    clock: Clock


@dataclass(frozen=True, slots=True)
class Question:
    """A consent to ask for, in an authenticated login."""

    visit: Visit
    client: Client
    holder: Holder
    finish: Finish
    asked: RequestedClaims
    details: tuple[Detail, ...]
    known: Consent | None
    form: str = field(repr=False)

    @property
    def answered(self) -> bool:
        """Whether this login is already answered: the form was sent twice."""
        since, known = self.visit.transaction.begun_at, self.known
        return (
            known is not None
            and known.flow == self.visit.ticket.flow
            and not must_ask(self.asked, known, self.client, since=since)
        )

    @property
    def context(self) -> dict[str, str]:
        """The common members of its audit events."""
        return {
            "flow": self.visit.ticket.flow,
            "client_id": self.client.client_id,
            "account_id": self.finish.account_id,
        }


@dataclass(frozen=True, slots=True)
class Line:
    """A claim on the page; its value is the slot ``value_<claim>``."""

    claim: str
    sensitive: bool
    required: bool

    @property
    def label(self) -> str:
        """The message id of its label."""
        return f"claim.{self.claim}"

    @property
    def slot(self) -> str:
        """The slot of its value."""
        return f"value_{self.claim}"


def route(consent_desk: ConsentDesk) -> Route:
    """The page as an endpoint."""
    methods = ("GET", "HEAD", "POST")
    return Route(
        partial(_consent, consent_desk), methods, html=True, translate=explain(consent_desk.forms)
    )


def _consent(consent_desk: ConsentDesk, request: Request, t: str) -> Response:
    if request.method == "HEAD":
        raise HttpError(405, "no such method here", allow="GET, POST")
    visit, _ = consent_desk.desk.visit(request, t)
    question = _question(consent_desk, visit)
    if question is None:
        return consent_desk.desk.proceed(visit)
    if request.method == "POST":
        return _answer(consent_desk, question)
    return _page(consent_desk, question)


def _question(consent_desk: ConsentDesk, visit: Visit) -> Question | None:
    """The question at this step; None if the login is at another step, or it is answered.

    Raises:
        Notice: the account may not be used.
    """
    step = consent_desk.desk.step(visit)
    client = consent_desk.clients.get(visit.transaction.client_id)
    if not isinstance(step, Finish) or visit.transaction.cancelled or client is None:
        return None
    try:
        account, person = consent_desk.proofs.usable(step.account_id)
    except AccountUnusable as error:
        raise consent_desk.desk.unusable(visit, error) from error
    asked = RequestedClaims.load(visit.transaction.payload["asked"])
    transactions = tuple(visit.transaction.payload["details"])
    known = consent_desk.consents.find(account.id, client.client_id)
    if not transactions and not must_ask(asked, known, client, since=visit.transaction.begun_at):
        return None
    # The form is bound to the account whose data it shows: another login invalidates it.
    form = f"consent/{visit.ticket.text}/{account.id}"
    holder = Holder(client, account, person)
    return Question(visit, client, holder, step, asked, transactions, known, form)


def _page(consent_desk: ConsentDesk, question: Question) -> Response:
    forms, request, client = consent_desk.forms, question.visit.request, question.client
    t = Translator(forms.pages.locale(request))
    view = forms.describe(question.visit.ticket.client_tag)
    person = question.holder.person
    transactions = tuple(show.detail(each, t) for each in question.details)
    own = {
        "person_name": person.name.full if person else "",
        "action": f"/consent/{question.visit.ticket.text}",
        "csrf_token": forms.token(question.visit.browser, question.form),
        **_values(consent_desk, question, t),
    }
    return forms.pages.render(
        request,
        "consent/ask.html",
        slots=own,
        form_action=view.origins if view else (),
        img_src=view.pictures if view else (),
        client_logo=view.logo if view else "",
        client_name=client.client_name.in_locale(t.locale),
        client_host=host_of(question.visit.transaction.payload["redirect_uri"]),
        policy_url=client.policy_uri,
        tos_url=client.tos_uri,
        purpose=client.purpose.in_locale(t.locale),
        items=tuple(
            Line(claim, claim in SENSITIVE_CLAIMS, claim in question.asked.required)
            for claim in question.asked.shown
        ),
        transactions=transactions,
    )


def _values(consent_desk: ConsentDesk, question: Question, t: Translator) -> dict[str, str]:
    """The value of each claim by its slot on the page."""
    claims = question.asked.shown
    values = personal_claims(claims, question.holder, now=consent_desk.clock())
    return {
        f"value_{claim}": show.text(claim, values.get(claim), t) or t("consent.none")
        for claim in claims
    }


def host_of(redirect_uri: str) -> str:
    """The verified destination of the data: the host, or an app's private-use scheme.

    ``""`` for a client without page and redirect URI, a device.
    """
    parts = urlsplit(redirect_uri)
    return parts.netloc or (f"{parts.scheme}:" if parts.scheme else "")


def _answer(consent_desk: ConsentDesk, question: Question) -> Response:
    """Store the answer with its audit entry, then continue the login.

    Raises:
        CsrfFailed: the form is not from the page shown to this citizen.
        HttpError: the form has no decision.
    """
    visit, desk = question.visit, consent_desk.desk
    consent_desk.forms.check(visit.request, question.form, visit.browser)
    form = visit.request.form
    match form.get("decision"), form.get("action"):
        case "allow", None:
            return _allow(consent_desk, question)
        case ("deny", None) | (None, "cancel"):
            consent_desk.audit.write(ConsentDenied(**question.context), peer=visit.request.peer)
            return desk.cancel(visit, "consent")
    raise HttpError(400, "decision must be allow or deny")


def _allow(consent_desk: ConsentDesk, question: Question) -> Response:
    visit, desk = question.visit, consent_desk.desk
    if not question.answered and not _keep(consent_desk, question):
        newer = _question(
            consent_desk, visit
        )  # another answer came first, perhaps this very form's
        return _allow(consent_desk, newer) if newer else desk.proceed(visit)
    if question.details:
        yes = details.approve(visit.ticket.flow, question.finish.account_id, question.details)
        consent_desk.transient.run(yes)
    return desk.proceed(visit)


def _keep(consent_desk: ConsentDesk, question: Question) -> bool:
    """Store the answer with its audit entry; False if another answer came first."""
    visit, client, known = question.visit, question.client, question.known
    given = answer(
        question.asked,
        visit.request.form.all("claims"),
        client=client,
        account_id=question.finish.account_id,
        before=known,
        level=question.finish.level,
        locale=consent_desk.forms.pages.locale(visit.request),
        now=max(consent_desk.clock(), visit.transaction.begun_at),  # another node may have begun it
    )
    given = replace(given, flow=visit.ticket.flow)
    released = tuple(sorted(given.granted.intersection(question.asked.claims)))
    types = tuple(each["type"] for each in question.details)
    event = ConsentGiven(
        claims=released, purpose=client.purpose_version, approved=types, **question.context
    )
    row = consent_desk.consents.row(given, follows=known.id if known else 0)
    return consent_desk.audit.write(event, peer=visit.request.peer, beside=(row,))
