"""``idp demo``: citizens, portal and phone to try the provider with. Never in production."""

import json
from collections.abc import Iterator
from typing import Any

import click
import httpx

from idp.cli import demo_steps
from idp.cli.context import Context
from idp.cli.demo_steps import PORTAL, HopRecorder, pass_obj
from idp.cli.demo_up import up
from idp.cli.number import NUMBER
from idp.cli.output import announce, fail, format_option, progress, show
from idp.core.personal_number import PersonalNumber
from idp.demo.citizens import CITIZENS, MOST, PASSCODE, seed_synthetic, synthetic
from idp.demo.login import LoginFailed
from idp.jose.jwt import InvalidToken


@click.group()
def demo() -> None:
    """Demo citizens, portal and phone."""


demo.add_command(up)


@demo.command()
@click.option(
    "--citizens",
    "count",
    type=click.IntRange(0, MOST),
    default=0,
    help="Number of synthetic citizens to add.",
)
@format_option
@pass_obj
def seed(obj: Context, count: int, form: str) -> None:
    """Write the demo's citizens and cards, and the requested number of synthetic citizens."""
    demo_steps.seed(obj)
    if count:
        with progress("citizens", count) as told:
            seed_synthetic(demo_steps.stores(obj), count, progress=told)
    if form == "json":
        _print_array(_rows(count))
        return
    show(None, form, (f"{each.person.number}  {each.description}" for each in CITIZENS))
    if count:
        click.echo(f"and {count:,} synthetic citizens")


@demo.command()
@click.option("--bind", default=PORTAL, show_default=True, help="host:port to serve at.")
@format_option
@pass_obj
def portal(obj: Context, bind: str, form: str) -> None:
    """Serve the demo portal, and the demo phone at /phone."""
    server, url = demo_steps.portal_server(obj, bind), demo_steps.portal_url(bind)
    announce({"ready": url}, form, f"The portal is at {url}")
    server.serve_forever()


@demo.command()
@click.option("--method", type=click.Choice(["otp", "card"]), required=True)
@click.option("--as", "number", type=NUMBER, required=True, help="The citizen's ID number.")
@click.option("--level", type=click.IntRange(1, 4), help="Minimum level to request.")
@format_option
@pass_obj
def login(obj: Context, method: str, number: PersonalNumber, level: int | None, form: str) -> None:
    """Log in as a citizen over HTTP, hop by hop; the provider must be running."""
    record = HopRecorder(form == "text")
    try:
        claims = demo_steps.log_in(obj, record, method, number.digits, level)
    except httpx.TransportError:
        fail(f"No provider answers at {obj.settings.issuer}; run: idp serve")
    except (LoginFailed, InvalidToken) as error:
        fail(f"The login failed: {error}")
    said = json.dumps(claims, ensure_ascii=False, indent=2)
    show({"hops": record.hops, "claims": claims}, form, said.splitlines())


def _rows(count: int) -> Iterator[dict[str, Any]]:
    for each in CITIZENS:
        yield {
            "number": each.person.number.digits,
            "description": each.description,
            "name": each.person.name.full,
            "phone": each.person.phone,
            "passcode": PASSCODE if each.has_passcode else None,
            "card": each.card.status.value if each.card else None,
        }
    for person, _ in synthetic(count):
        yield {"number": person.number.digits, "description": "synthetic: phone and passcode"}


def _print_array(rows: Iterator[dict[str, Any]]) -> None:
    """A JSON array, one object a line: a million citizens are never held in memory at once."""
    start = "["
    for row in rows:
        click.echo(f"{start}{json.dumps(row, ensure_ascii=False)}", nl=False)
        start = ",\n "
    click.echo("]")
