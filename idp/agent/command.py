"""``idp-agent``: the bridge for the browser on this machine, or one exchange in the terminal."""

import ssl
import sys
from pathlib import Path

import click
import httpx

from idp.agent.bridge import PORT, Bridge
from idp.agent.exchange import ORIGINS, TIMEOUT, AgentError, Reader, launch, present
from idp.agent.simulator import NoCard, readers
from idp.core.shown_text import escaped, isolated


@click.command()
@click.option(
    "--simulate",
    type=click.Path(exists=True, path_type=Path),
    required=True,
    help="A card file (CARD.json), or a folder of them: plays the card in the reader.",
)
@click.option(
    "--origin",
    "origins",
    multiple=True,
    help="Talk to this provider instead of the built-in list (repeat for several).",
)
@click.option(
    "--launch-token",
    help="Carry out one exchange in the terminal: the token, or the whole link of the QR code.",
)
@click.option("--match-code", help="The code shown in the browser, when it is elsewhere.")
@click.option("--port", default=PORT, show_default=True, help="Where the bridge listens.")
@click.option(
    "--ca-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Certificate authorities (PEM) instead of the machine's.",
)
def main(
    simulate: Path,
    origins: tuple[str, ...],
    launch_token: str | None,
    match_code: str | None,
    port: int,
    ca_file: Path | None,
) -> None:
    """Read an identity card for a login.

    Without --launch-token the bridge waits for the browser on this machine at 127.0.0.1.
    """
    try:
        cards = readers(simulate)
    except NoCard as error:
        raise click.ClickException(str(error)) from error
    trust = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    with httpx.Client(timeout=TIMEOUT, follow_redirects=False, verify=trust) as client:
        wanted = origins or ORIGINS
        if launch_token is not None:
            reader = next(iter(cards.values()))
            _exchange(client, wanted, launch_token.rpartition("#")[2], reader, match_code)
            return
        bridge = Bridge(wanted, cards, client, port)
        try:
            bridge.serve(lambda: click.echo(f"Waiting for the browser at 127.0.0.1:{port}"))
        except OSError as error:
            raise click.ClickException(f"Port {port} cannot be used: {error.strerror}.") from error
        except KeyboardInterrupt:
            click.echo("Stopped.")


def _exchange(
    client: httpx.Client,
    origins: tuple[str, ...],
    launch_token: str,
    reader: Reader,
    match_code: str | None,
) -> None:
    """One exchange: who asks is shown before anything is read."""
    try:
        opened = launch(client, origins, launch_token)
        name, acr = isolated(opened.client_name), escaped(opened.acr)
        click.echo(f"{name} asks at {opened.origin} ({acr}).")
        if match_code is None and sys.stdin.isatty() and sys.stdout.isatty():
            choices = click.Choice(["-", *opened.match_code_choices])
            picked = click.prompt("Code shown in the browser (- when it is here)", type=choices)
            match_code = None if picked == "-" else picked
        back = present(client, opened, reader, match_code)
    except AgentError as error:
        raise click.ClickException(f"{error.vi} / {error.en}") from error
    click.echo("Done: go on in the browser." if match_code else back)
