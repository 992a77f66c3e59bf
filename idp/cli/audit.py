"""``idp audit``: verify, read, search and export the audit log."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from idp.audit import chain, reading
from idp.cli.context import Context
from idp.cli.output import announce, format_option, show
from idp.core.typed import plain
from idp.oidc.reasons import capitalised, sentence


@click.group()
def audit() -> None:
    """The audit log: verify, tail, find, export."""


@audit.command()
@format_option
@click.pass_context
def verify(context: click.Context, form: str) -> None:
    """Verify the whole log; exit 1 and name the first entry that was changed, moved or removed."""
    obj: Context = context.obj
    finding = chain.verify(obj.database, obj.keys.derive("audit"))
    if finding is None:
        show({"intact": True}, form, ["The audit log is intact."])
        return
    said = f"First bad entry: {finding.problem}, writer {finding.writer}, number {finding.number}"
    show({"intact": False, **asdict(finding)}, form, [said])
    context.exit(1)


@audit.command()
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(1, 1_000_000),
    default=20,
    show_default=True,
    help="Number of entries.",
)
@format_option
@click.pass_obj
def tail(obj: Context, lines: int, form: str) -> None:
    """Show the last entries, oldest first."""
    entries = reading.tail(obj.database, lines)
    show(entries, form, map(_line, entries))


@audit.command()
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Output file.")
@format_option
@click.pass_obj
def export(obj: Context, out: Path | None, form: str) -> None:
    """Write every entry with its place in its chain, one JSON object a line."""
    if out is None:
        reading.export(obj.database, sys.stdout)
        return
    with out.open("w", encoding="utf-8") as stream:
        count = reading.export(obj.database, stream)
    if form == "json":
        announce({"entries": count}, form)
    else:
        click.echo(f"{count} entries", err=True)


@audit.command()
@click.argument("reference")
@format_option
@click.pass_context
def find(context: click.Context, reference: str, form: str) -> None:
    """Show the entry with the REFERENCE of an error page or a refusal; exit 1 if none is found.

    The newest entries are read first; a search without a match reads the whole log.
    """
    obj: Context = context.obj
    entries = reading.find(obj.database, plain(reference).strip())
    if not entries:
        show([], form, [f"No entry has the reference {reference}."])
        context.exit(1)
    said = [_why(each) for each in entries]
    lines = (line for each, why in zip(entries, said, strict=True) for line in (_line(each), why))
    show(entries, form, filter(None, lines))


def _why(entry: dict[str, Any]) -> str:
    """The reason of a refusal as a sentence."""
    told = sentence(entry.get("reason", ""), entry.get("seen", ""), entry.get("seconds"))
    return f"\t{capitalised(told)}." if told else ""


def _line(entry: dict[str, Any]) -> str:
    rest = {name: value for name, value in entry.items() if name not in ("id", "at", "event")}
    return f"{entry['at']}\t{entry['event']}\t{json.dumps(rest, ensure_ascii=False)}"
