"""The last step of a command that ends something: wait until every process applies it."""

import click

from idp.cli.context import Context
from idp.cli.output import progress
from idp.storage.processes import Confirmation, await_all


def end_everywhere(obj: Context) -> None:
    """Return when the change is in force for every new request; print a confirmation."""
    with progress("Waiting for every process"):
        confirmation = await_all(obj.transient)
    click.echo(sentence(confirmation), err=True)


def sentence(confirmation: Confirmation) -> str:
    """The confirmation as one sentence."""
    processes, seconds = confirmation.confirmed, f"{confirmation.seconds:.1f} s"
    if confirmation.silent:
        return (
            f"In force: confirmed by {processes}; not by {confirmation.silent} within {seconds}."
            " These refuse every request until they can read the change."
        )
    if processes:
        return f"In force on every process ({processes}), after {seconds}."
    return f"In force: no process is running, after {seconds}."
