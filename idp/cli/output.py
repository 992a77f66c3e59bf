"""The output of commands: text for people, JSON for programs, a bar for long work."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import click

from idp.core.shown_text import escaped

format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="Output format.",
)

json_option = click.option(
    "--format",
    type=click.Choice(["text", "json"]),
    expose_value=False,
    help="The output is JSON in both cases.",
)


def show(value: Any, form: str, lines: Iterable[str]) -> None:
    """Print ``value`` as JSON, or ``lines`` for a person."""
    if form == "json":
        print_json(value)
        return
    for line in lines:
        click.echo(escaped(line, kept="\t"))


def print_json(value: Any) -> None:
    """Print a value as indented JSON. Control and direction characters are escaped."""
    click.echo(escaped(json.dumps(value, ensure_ascii=False, indent=2), kept="\n"))


def announce(value: Any, form: str, *lines: str) -> None:
    """Print progress of a running command: ``value`` as one line of JSON, or ``lines``."""
    for line in (json.dumps(value, ensure_ascii=False),) if form == "json" else lines:
        click.echo(escaped(line, kept="\n\t"))


def fail(message: str) -> NoReturn:
    """Print the error and exit with 1."""
    click.echo(escaped(message, kept="\n"), err=True)
    raise click.exceptions.Exit(1)


@contextmanager
def progress(title: str, total: int | None = None) -> Iterator[Any]:
    """A progress bar on a terminal: call it with the amount done. Elsewhere it shows nothing.

    Without a ``total`` it only says what goes on.
    """
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    if total is None:
        click.echo(f"{title} …", err=True, nl=False)
        yield lambda done: None
        click.echo(f"\r{' ' * (len(title) + 2)}\r", err=True, nl=False)
        return
    with click.progressbar(length=total, label=title, file=sys.stderr) as bar:
        yield lambda done: bar.update(done - bar.pos)
