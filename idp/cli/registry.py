"""``idp registry``: import persons into our copy of the population registry, show, correct."""

import gc
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from idp.accounts.repository import Accounts
from idp.cli.context import Context
from idp.cli.number import NUMBER
from idp.cli.output import fail, format_option, progress, show
from idp.core.person import CivilStatus
from idp.core.personal_number import PersonalNumber
from idp.core.shown_text import escaped
from idp.registry.importer import Report, import_persons
from idp.registry.record import dump_card, dump_person
from idp.registry.repository import ChipKeyTaken, Registry, UnknownPerson
from idp.registry.sql import SqlRegistry


@click.group()
def registry() -> None:
    """The population registry: import, show, change a status."""


@registry.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check every line and write nothing.")
@format_option
@click.pass_obj
def import_(obj: Context, file: Path, dry_run: bool, form: str) -> None:
    """Import persons from FILE, one JSON object a line.

    An invalid line is reported and does not stop the import; the exit code is then 1. If the
    line is about a known person and its civil status is readable, the status is imported. A note
    names each ignored value of an imported line, such as an unreadable phone. The import
    can be interrupted and repeated at any time.
    """
    target = Registry(obj.database, obj.clock)
    gc.freeze()  # millions of small values, none in a cycle: collect seldom
    gc.set_threshold(50_000, 50, 50)
    with file.open("rb") as opened, progress("import", file.stat().st_size) as bar:
        try:
            report = import_persons(target, opened, dry_run=dry_run, progress=bar)
        except ChipKeyTaken as error:
            fail(f"Another release wrote at the same time: {error}. Run the import again.")
    if not dry_run:
        obj.record("registry.import", file.name)
    for line in _remarks(report) if form == "text" else ():
        click.echo(escaped(line), err=True)
    done = "would be written" if report.dry_run else "written"
    summary = f"{report.lines} lines, {report.persons} persons {done}, {report.refused} refused"
    if report.noted:
        summary += f", {report.noted} notes"
    show(asdict(report), form, [summary])
    if report.refused:
        raise click.exceptions.Exit(1)


@registry.command("show")
@click.argument("number", type=NUMBER)
@format_option
@click.pass_obj
def show_(obj: Context, number: PersonalNumber, form: str) -> None:
    """Show the person with NUMBER and their cards. The audit log records the access."""
    source = SqlRegistry(obj.database)
    person = source.person(number)
    if person is None:
        fail("No person in the registry has this number.")
    shown = dump_person(person)
    shown["cards"] = [dump_card(each) for each in source.cards(number)]
    obj.record("registry.show", _on_record(obj, number))
    show(shown, form, (f"{name}: {_plain(value)}" for name, value in shown.items()))


@registry.command("set-status")
@click.argument("number", type=NUMBER)
@click.argument("status", type=click.Choice([each.value for each in CivilStatus]))
@format_option
@click.pass_obj
def set_status(obj: Context, number: PersonalNumber, status: str, form: str) -> None:
    """Change the civil STATUS of the person with NUMBER, on every node at once."""
    try:
        Registry(obj.database, obj.clock).set_status(number, CivilStatus(status))
    except UnknownPerson:
        fail("No person in the registry has this number.")
    obj.record(f"registry.set-status.{status}", _on_record(obj, number))
    show({"number": number.digits, "status": status}, form, [f"{number.masked}: {status}"])


def _on_record(obj: Context, number: PersonalNumber) -> str:
    """A person in the audit log: their account's pseudonym, or the number's last digits."""
    account = Accounts(obj.database).by_number(number)
    return obj.audit.pseudonym(account.id) if account else number.masked


def _remarks(report: Report) -> Iterator[str]:
    yield from (f"line {each.line}: {each.reason}" for each in report.problems)
    if more := report.refused - len(report.problems):
        yield f"and {more} more"
    yield from (f"line {each.line}: note: {each.reason}" for each in report.notes)
    if more := report.noted - len(report.notes):
        yield f"and {more} more notes"


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
