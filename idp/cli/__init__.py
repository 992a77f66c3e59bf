"""``idp``: the operator's commands, one file a noun, each loaded when it is called."""

import importlib
from typing import Any

import click

from idp.core.shown_text import escaped

NOUNS = {
    "serve": "Serve the provider.",
    "check": "Check configuration, stores, keys, clock and trust anchors.",
    "config": "Show the settings, or the reference of every setting.",
    "database": "Upgrade the schema, or show its status.",
    "registry": "The population registry: import, show, change a status.",
    "account": "Citizens' accounts: open, show, lock, unlock, set a passcode.",
    "client": "Relying parties: register, show, change, disable, delete.",
    "keys": "Signing keys: list, rotate, revoke, export.",
    "trust": "Trust anchors of chip cards: add, list, remove.",
    "card": "Chip cards: diagnose, issue software cards, revoke.",
    "session": "Citizens' sessions: list, revoke.",
    "logout": "Back-channel logout: list messages to relying parties, retry, deliver.",
    "audit": "The audit log: verify, tail, find, export.",
    "demo": "Demo citizens, portal and phone.",
}


class Nouns(click.Group):
    """The commands by noun; one place reports the errors that any command can raise."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The nouns, in the order of an operator's day."""
        return list(NOUNS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a noun's own file."""
        if cmd_name not in NOUNS:
            return None
        command: click.Command = getattr(importlib.import_module(f"idp.cli.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the nouns without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(NOUNS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; exit 1 when it fails, 2 on wrong usage."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # the reader closed the pipe: click exits quietly
            raise
        except _foreseen() as error:
            from idp.cli.context import exit_message  # late: a help page does not need it

            code, message = exit_message(error)
            click.echo(escaped(message, kept="\n"), err=True)
            ctx.exit(code)


def _foreseen() -> tuple[type[Exception], ...]:
    """The errors that any command can raise. Evaluated only when one has failed."""
    from idp.cli.context import FORESEEN

    return FORESEEN


@click.group(cls=Nouns, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="vn-eid-idp")
@click.pass_context
def main(context: click.Context) -> None:
    """Run and administer the e-identification OpenID provider."""
    if context.obj is None:
        from idp.cli.context import Context

        context.obj = Context()
    context.call_on_close(context.obj.close)
