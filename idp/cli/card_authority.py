"""``idp card issue|list|revoke``: software cards of the development authority."""

from pathlib import Path
from typing import Any

import click

from idp.cli.context import Context
from idp.cli.everywhere import end_everywhere
from idp.cli.number import NUMBER
from idp.cli.output import fail, format_option, show
from idp.core.personal_number import PersonalNumber
from idp.demo import cards
from idp.mrtd.names import UnprintableName
from idp.registry.model import Card, CardStatus
from idp.registry.repository import ChipKeyTaken, Registry
from idp.registry.sql import SqlRegistry
from idp.standing import subjects

FOREVER = 100 * 365 * 24 * 3600
"""Seconds until a card's revocation is forgotten: longer than any card is valid."""


@click.command()
@click.argument("number", type=NUMBER, metavar="NUMBER")
@click.option(
    "--out",
    required=True,
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Output folder for CARD.json and the chip's files.",
)
@format_option
@click.pass_obj
def issue(obj: Context, number: PersonalNumber, out: Path, form: str) -> None:
    """Make the chip of a citizen's card for the simulated reader.

    The chip belongs to the citizen's card in the registry, whatever its status, and has a new
    key; a citizen without a card gets one that is valid from today. The demo's reader uses the
    new chip from now on.
    CARD.json holds the chip's private key: for development only.
    """
    settings = obj.settings
    if settings.production or settings.registry.source != "sql":
        fail("Cards can be issued only in development and in the sandbox.")
    database, now = obj.database, obj.clock()
    authority = cards.open_authority(settings.card_authority, now)
    registry = Registry(database, obj.clock)
    out.mkdir(parents=True, exist_ok=True)  # before the registry records the chip
    try:
        issued = cards.issue(authority, SqlRegistry(database), registry, number, now=now)
    except cards.UnknownCitizen:
        fail("No person in the registry has this number.")
    except ChipKeyTaken as error:
        fail(f"The chip was not recorded: {error}.")
    except UnprintableName:
        fail("No letter of this citizen's name can be printed on a card (ICAO 9303-3 §6).")
    written = cards.write(issued.software, out)
    if settings.simulated_cards.is_dir():
        cards.keep(issued.software, settings.simulated_cards, number)
    obj.record("card.issue", issued.card.serial or "")
    said = {**_row(number, issued.card), "files": [str(each) for each in written]}
    show(said, form, [f"{said['serial']}\t{said['status']}", *said["files"]])


@click.command("list")
@format_option
@click.pass_obj
def list_(obj: Context, form: str) -> None:
    """List the cards with a serial number, with the last digits of each holder's number."""
    rows = [_row(*each) for each in Registry(obj.database, obj.clock).cards_with_serial()]
    lines = (
        f"{row['serial']}\t{row['number']}\t{row['status']}\t{row['expires_on'] or 'no expiry'}"
        for row in rows
    )
    show(rows, form, lines)


@click.command()
@click.argument("serial", metavar="SERIAL")
@format_option
@click.pass_obj
def revoke(obj: Context, serial: str, form: str) -> None:
    """Revoke a card on every node: it cannot log in, and its sessions and tokens end."""
    now = obj.clock()
    changed = Registry(obj.database, obj.clock).set_card_status(serial, CardStatus.REVOKED)
    if not changed:
        fail(f"No card with serial {serial}.")
    obj.record("card.revoke", serial)
    for each in changed:
        if each.aa_key_digest:
            obj.ends.end(subjects.card(each.aa_key_digest), expires_at=now + FOREVER)
    end_everywhere(obj)
    show({"serial": serial, "status": "revoked"}, form, [f"{serial} revoked"])


def _row(number: PersonalNumber, card: Card) -> dict[str, Any]:
    return {
        "serial": card.serial,
        "number": number.masked,
        "issued_on": card.issued_on.isoformat(),
        "expires_on": card.expires_on.isoformat() if card.expires_on else None,
        "status": card.status.value,
    }
