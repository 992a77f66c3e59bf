"""/sandbox: what portals' developers see. The page is open: a sandbox holds no real person."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from urllib.parse import urlencode

from idp.core.typed import plain
from idp.demo.citizens import CITIZENS, PASSCODE
from idp.oidc.clients.model import Client
from idp.oidc.clients.repository import Clients
from idp.oidc.decoupled.pages import check_form, page
from idp.oidc.services import Services
from idp.registry.model import CardStatus
from idp.sandbox import forced
from idp.sandbox.exchange import NOBODY
from idp.sandbox.forced import InvalidForced
from idp.sandbox.tools import Tools
from idp.web.edge import Route
from idp.web.http import HttpError, Request, Response, redirect
from idp.web.templates import FormError

HOME, CLIENT = "/sandbox", "/sandbox/client"
MOST_CLIENTS = 100
REFRESH_SECONDS = 10
MISTAKES = {
    "result": "sandbox.error.result",
    "citizen": "sandbox.error.citizen",
    "claim": "sandbox.error.claim",
    "seconds": "sandbox.error.seconds",
}
"""What the page says of a field that is wrong."""


@dataclass(frozen=True, slots=True)
class Citizen:
    """A citizen as the page shows them; ``card`` is a word of the page, ``""`` without one."""

    number: str
    name: str
    phone: bool
    passcode: bool
    card: str


def home(services: Services, code: str, request: Request) -> Response:
    """The test citizens and the registered clients."""
    sought = plain(request.query.get("q", "")).strip()[:200]
    found = (each for each in _newest(services) if _matches(each, sought.lower()))
    shown = list(islice(found, MOST_CLIENTS))
    return services.pages.render(
        request,
        "sandbox/home.html",
        citizens=citizens(),
        code=code,
        passcode=PASSCODE,
        clients=[(each, f"{CLIENT}?{urlencode({'client_id': each.client_id})}") for each in shown],
        most=MOST_CLIENTS,
        sought=sought,
        unassigned=CLIENT,
    )


def citizens() -> tuple[Citizen, ...]:
    """The citizens that every sandbox has."""
    return tuple(
        Citizen(
            each.person.number.digits,
            each.person.name.full,
            bool(each.person.phone),
            each.has_passcode,
            ("valid" if each.card.status is CardStatus.VALID else "revoked") if each.card else "",
        )
        for each in CITIZENS
    )


def client(tools: Tools, request: Request) -> Response:
    """One client: what its next login ends in, and its last exchanges.

    Without ``client_id``: the requests that name no client we know.

    Raises:
        HttpError: 404, no such client.
        CsrfFailed: the form is not from our page.
    """
    client_id = request.query.get("client_id", NOBODY)
    found = tools.services.clients.get(client_id)
    if client_id and found is None:
        raise HttpError(404, "no such client")
    if request.method == "POST":
        return _act(tools, request, client_id)
    return _page(tools, request, client_id)


def _act(tools: Tools, request: Request, client_id: str) -> Response:
    check_form(tools.services, request, _form(client_id))
    match request.form.get("action"):
        case "force" if client_id:
            try:
                tools.force(client_id, forced.parse(request.form))
            except InvalidForced as error:
                wrong = FormError(error.field, MISTAKES[error.field])
                return _page(tools, request, client_id, (wrong,))
        case "clear":
            tools.clear(client_id)
        case "forget":
            tools.forget(client_id)
        case _:
            raise HttpError(400, "no such action")
    return redirect(_url(client_id))


def _page(
    tools: Tools, request: Request, client_id: str, errors: tuple[FormError, ...] = ()
) -> Response:
    refreshed = "refresh" in request.query
    return page(
        tools.services,
        request,
        "sandbox/client.html",
        form=_form(client_id),
        status=422 if errors else 200,
        headers={"Refresh": str(REFRESH_SECONDS)} if refreshed else {},
        action=_url(client_id),
        refresh_url=_url(client_id, {} if refreshed else {"refresh": "1"}),
        refreshed=refreshed,
        seconds=REFRESH_SECONDS,
        client=tools.services.clients.get(client_id),
        exchanges=tools.exchanges(client_id),
        pending=tools.pending(client_id) if client_id else (),
        results=forced.RESULTS,
        citizens=citizens(),
        max_seconds=forced.MAX_SECONDS,
        given=dict(request.form.pairs()),
        errors=errors,
    )


def _form(client_id: str) -> str:
    return f"{CLIENT}:{client_id}"


def _url(client_id: str, more: Mapping[str, str] | None = None) -> str:
    query = {**({"client_id": client_id} if client_id else {}), **(more or {})}
    return f"{CLIENT}?{urlencode(query)}" if query else CLIENT


def _newest(services: Services) -> list[Client]:
    registered = Clients(services.database, services.clock).all()
    return sorted(registered, key=lambda each: each.created_at, reverse=True)


def _matches(found: Client, sought: str) -> bool:
    names = (found.client_id, found.client_name.vi, found.client_name.en)
    return not sought or any(sought in each.lower() for each in names)


def routes(tools: Tools, code: str) -> dict[str, Route]:
    """The pages; ``code`` is the one-time code of every citizen here."""
    return {
        HOME: Route(partial(home, tools.services, code), html=True),
        CLIENT: Route(partial(client, tools), ("GET", "POST"), html=True),
    }
