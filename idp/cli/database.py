"""``idp database``: the schema's migrations."""

from dataclasses import asdict

import click

from idp.cli.context import Context
from idp.cli.output import format_option, show
from idp.storage import schema


@click.group()
def database() -> None:
    """Upgrade the schema, or show its status."""


@database.command()
@format_option
@click.pass_obj
def upgrade(obj: Context, form: str) -> None:
    """Upgrade to this release's schema in one transaction. Safe to repeat and to run concurrently.

    Prints a note about every change of the data.
    """
    _show(obj, form, schema.upgrade(obj.bare_database))


@database.command()
@format_option
@click.pass_context
def status(context: click.Context, form: str) -> None:
    """Show the database's schema; exit 1 if it is not this release's."""
    context.exit(0 if _show(context.obj, form) else 1)


def _show(obj: Context, form: str, notes: tuple[str, ...] | None = None) -> bool:
    found = schema.status(obj.bare_database)
    said = "up to date" if found.upgraded else f"this release needs {found.head}"
    line = f"schema {found.current or 'empty'}: {said}"
    told = {} if notes is None else {"notes": notes}
    lines = [line, *(f"note: {each}" for each in notes or ())]
    show(asdict(found) | {"upgraded": found.upgraded} | told, form, lines)
    return found.upgraded
