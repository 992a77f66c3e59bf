"""The steps of the demo's commands: seed, serve the portal, log in."""

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

import click
import httpx
from werkzeug.serving import BaseWSGIServer, make_server

from idp.accounts.repository import Accounts
from idp.authn.otp.settings import SANDBOX_CODE
from idp.cli.context import Context
from idp.cli.output import fail
from idp.cli.serve import address
from idp.core import assurance
from idp.core.personal_number import PersonalNumber
from idp.demo import cards
from idp.demo.citizens import CITIZENS, PASSCODE, Stores, seed_citizens
from idp.demo.login import TIMEOUT, Citizen, Hop, Walk, code_from_phone, simulated_reader
from idp.demo.parties import register_portal, register_terminal
from idp.demo.portal import Place, create_portal
from idp.oidc.clients.repository import Clients
from idp.registry.repository import Registry
from idp.registry.sql import SqlRegistry

PORTAL = "127.0.0.1:8080"
HERE = Path(sys.executable).parent
"""The folder of our own programs."""
P = ParamSpec("P")


def pass_obj(command: Callable[Concatenate[Context, P], None]) -> Callable[P, None]:
    """``click.pass_obj`` for commands that production refuses."""

    @wraps(command)
    def checked(obj: Context, /, *arguments: P.args, **options: P.kwargs) -> None:
        if obj.settings.production:
            fail("The demo is not for production: its citizens, cards and codes are known.")
        command(obj, *arguments, **options)

    return click.pass_obj(checked)


@dataclass
class HopRecorder:
    """Keeps the hops of a login; prints each one too if ``printed``."""

    printed: bool
    hops: list[str] = field(default_factory=list)

    def __call__(self, hop: Hop) -> None:
        self.hops.append(str(hop))
        if self.printed:
            click.echo(f"  {hop}")


def stores(obj: Context) -> Stores:
    """The stores of the demo's citizens."""
    database = obj.database
    pepper = obj.keys.derive("passcode")
    registry = Registry(database, obj.clock)
    return Stores(registry, SqlRegistry(database), Accounts(database), pepper)


def seed(obj: Context) -> None:
    """Write the citizens; reissue every card whose file differs from the registered card."""
    obj.record("demo.seed")
    places, now = stores(obj), obj.clock()
    seed_citizens(places)
    authority = cards.open_authority(obj.settings.card_authority, now)
    folder = obj.settings.simulated_cards
    for each in CITIZENS:
        number = each.person.number
        known = places.source.cards(number)
        if known and not cards.kept(folder, number, known[0], authority):
            issued = cards.issue(authority, places.source, places.registry, number, now=now)
            cards.keep(issued.software, folder, number)


def portal_url(bind: str) -> str:
    """The URL of the portal at ``bind``, with localhost for a loopback address."""
    host, port = address(bind, "--bind")
    return f"http://{'localhost' if host in ('127.0.0.1', '::1') else host}:{port}"


def portal_server(obj: Context, bind: str) -> BaseWSGIServer:
    """The portal, registered with a new secret and listening at ``bind``."""
    clients, url = Clients(obj.database, obj.clock), portal_url(bind)
    secret = register_portal(clients, obj.keys.derive("client"), url)
    place = Place(url, obj.settings.issuer, secret, obj.settings.inbox)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # no log line a request
    host, port = address(bind, "--bind")
    try:
        return make_server(host, port, create_portal(place), threaded=True)
    except OSError as error:
        fail(f"{bind} cannot be used ({error.strerror}); choose another address.")


def log_in(
    obj: Context, record: HopRecorder, method: str, number: str, level: int | None = None
) -> dict[str, Any]:
    """Log in as a citizen over HTTP; the verified claims.

    Raises:
        LoginFailed, InvalidToken: the login or its token failed.
    """
    settings, since = obj.settings, obj.clock()
    register_terminal(Clients(obj.database, obj.clock))
    account = Accounts(obj.database).by_number(PersonalNumber(number))
    phone = account.phone if account else None

    def read_code() -> str:
        return SANDBOX_CODE if settings.sandbox else code_from_phone(settings.inbox, phone, since)

    def present_card(token: str) -> str:
        card = settings.simulated_cards / f"{number}.json"
        return simulated_reader(HERE / "idp-agent", card, settings.issuer, token)

    citizen = Citizen(number, method, PASSCODE, read_code, present_card)
    ca_file = settings.outbound.ca_file
    with httpx.Client(timeout=TIMEOUT, verify=str(ca_file) if ca_file else True) as client:
        walk = Walk(settings.issuer, citizen, client, record)
        return walk.log_in(assurance.acr(level) if level else "")
