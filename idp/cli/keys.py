"""``idp keys``: the life cycle of the signing keys."""

import json
from pathlib import Path

import click

from idp.cli.context import Context
from idp.cli.everywhere import end_everywhere
from idp.cli.output import fail, format_option, json_option, show
from idp.keystore import file
from idp.keystore.keyset import Key
from idp.keystore.rotation import Action, Generate, Policy, Promote

_ANY_KID = {"ignore_unknown_options": True, "help_option_names": ["--help"]}
"""A thumbprint may begin with ``-`` and contain ``h``, which would read as ``-h``."""


@click.group()
def keys() -> None:
    """Signing keys: list, rotate, revoke, export."""


@keys.command("list")
@format_option
@click.pass_obj
def list_(obj: Context, form: str) -> None:
    """List every key with its algorithm, its state and the start of that state."""
    found = sorted(obj.keys.keys.keys, key=lambda each: (each.alg, each.state, each.since))
    rows = [_row(each) for each in found]
    show(rows, form, ("\t".join(str(each) for each in row.values()) for row in rows))


@keys.command()
@click.option("--now", is_flag=True, help="Do not wait for the period to end.")
@format_option
@click.pass_obj
def rotate(obj: Context, now: bool, form: str) -> None:
    """Publish the next key, activate it, drop retired keys: whatever is due. Run it daily.

    A key is published a day before it signs, even with --now. In an empty directory every key is
    made. In a sandbox every call rotates the keys, so that relying parties can test a rotation.
    """
    sandbox = obj.settings.sandbox
    policy = Policy(publish_ahead=0) if sandbox else Policy()
    done = file.rotate(obj.settings.keys.directory, obj.clock(), policy, due=now or sandbox)
    obj.record("keys.rotate")
    _show(done, form)


@keys.command(context_settings=_ANY_KID)
@click.argument("kid")
@format_option
@click.pass_obj
def revoke(obj: Context, kid: str, form: str) -> None:
    """Stop signing with, publishing and accepting the key KID, at once and on every process."""
    try:
        done = file.revoke(obj.settings.keys.directory, kid, obj.clock())
    except LookupError as error:
        fail(f"{error}: {kid}")
    obj.record("keys.revoke", kid)
    end_everywhere(obj)
    _show(done, form)


@keys.command("export-jwks")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Output file.")
@json_option
@click.pass_obj
def export_jwks(obj: Context, out: Path | None) -> None:
    """Print the public keys as the JWK set that relying parties fetch."""
    text = json.dumps(obj.keys.jwks(), indent=2)
    if out is None:
        click.echo(text)
    else:
        out.write_text(text + "\n", "utf-8")


def _row(key: Key) -> dict[str, str | int]:
    return {"kid": key.kid, "alg": key.alg, "state": key.state.value, "since": key.since}


def _show(actions: tuple[Action, ...], form: str) -> None:
    rows = [_said(each) for each in actions]
    show(rows, form, ["\t".join(each.values()) for each in rows] or ["nothing is due"])


def _said(action: Action) -> dict[str, str]:
    match action:
        case Generate(alg, state):
            return {"action": "generate", "alg": alg, "state": state.value}
        case Promote(kid):
            return {"action": "promote", "kid": kid}
    return {"action": "remove", "kid": action.kid}
