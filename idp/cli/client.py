"""``idp client``: register and manage relying parties (RFC 7591 metadata as JSON)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from idp.cli.client_doctor import doctor
from idp.cli.client_questions import ask
from idp.cli.client_registration import invitations, invite, prune, registrations, uninvite
from idp.cli.context import Context
from idp.cli.everywhere import end_everywhere
from idp.cli.output import fail, format_option, print_json, show
from idp.core.handles import random_name, random_token
from idp.core.strict_json import loads_object
from idp.oidc.client_auth.secret import MAX_SECRET, secret_digest
from idp.oidc.clients.metadata import describe
from idp.oidc.clients.model import Client, ClientStatus, Secret
from idp.oidc.clients.repository import ClientExists, Clients
from idp.oidc.clients.rules import InvalidMetadata, Rules, register
from idp.oidc.clients.sector import InvalidSector, fetch_sector
from idp.oidc.registration.names import look_alikes
from idp.oidc.vocabulary import SECRET_METHODS
from idp.sources import why

STRONG_SECRET = 22
"""Characters of base64url that hold 128 bits."""
OVERLAP = 24 * 3600

_LOOPBACK, _UNKNOWN = "loopback-addresses", "unknown-members"
"""The rules that an operator may override."""
_SHOWN = frozenset({"client_id", "client_secret", "status", "registered_by", "allowed"})
"""Members of a file that are not metadata: these commands read or print them."""


def _file(*, required: bool) -> Callable[[Any], Any]:
    return click.option(
        "--file",
        "path",
        required=required,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Client metadata as JSON (RFC 7591).",
    )


_allow = click.option(
    "--allow",
    "allowed",
    multiple=True,
    type=click.Choice([_LOOPBACK, _UNKNOWN]),
    help="Override a rule. The audit log records it.",
)


@click.group()
def client() -> None:
    """Relying parties: register, show, change, disable, delete."""


for _command in (invite, invitations, uninvite, prune, doctor):
    client.add_command(_command)


@client.command()
@_file(required=False)
@click.option(
    "--interactive", is_flag=True, help="Prompt for the metadata instead of reading a file."
)
@_allow
@format_option
@click.pass_obj
def create(
    obj: Context, path: Path | None, interactive: bool, allowed: tuple[str, ...], form: str
) -> None:
    """Register a client. A client_id, client_secret and jwks in the file are used."""
    if interactive is (path is not None):
        raise click.UsageError("Give either --file or --interactive.")
    raw = _read(path) if path else ask(lambda draft: _judged(obj, draft, "new", allowed))
    client_id = str(raw.get("client_id") or random_name(16))
    found = _registered(obj, raw, client_id, allowed)
    secret = _secret_of(raw) or random_token()
    if found.token_endpoint_auth_method in SECRET_METHODS:
        found = replace(found, secrets=(Secret(_digest(obj, found, secret)),))
    try:
        created = _clients(obj).create(found)
    except ClientExists:
        fail(f"client_id {client_id!r} is or was in use")
    obj.record("client.create", client_id, allowed=allowed)
    _show(created, form, secret=secret if created.secrets else None, allowed=allowed)


@client.command("list")
@format_option
@click.pass_obj
def list_(obj: Context, form: str) -> None:
    """List every client; registered_by names the token of a self-registered client, or open."""
    found = _clients(obj).all()
    own = {each.client_id: each.invitation or "open" for each in registrations(obj).all()}
    lines = (
        "\t".join(
            (each.client_id, each.status, each.client_name.vi, own.get(each.client_id, ""))
        ).rstrip()
        for each in found
    )
    listed = (
        {"registered_by": own[each.client_id]} if each.client_id in own else {} for each in found
    )
    show([_public(each) | by for each, by in zip(found, listed, strict=True)], form, lines)


@client.command("show")
@click.argument("client_id")
@format_option
@click.pass_obj
def show_(obj: Context, client_id: str, form: str) -> None:
    """Show one client; its secret is not stored and cannot be shown."""
    _show(_existing(obj, client_id), form)


@client.command()
@click.argument("client_id")
@_file(required=True)
@_allow
@format_option
@click.pass_obj
def update(obj: Context, client_id: str, path: Path, allowed: tuple[str, ...], form: str) -> None:
    """Replace a client's metadata by the file's; a client_secret in it replaces the secret."""
    old, raw = _existing(obj, client_id), _read(path)
    if raw.get("client_id", client_id) != client_id:
        fail("the file has another client_id")
    fresh = _registered(obj, raw, client_id, allowed)
    secret, secrets = _secret_of(raw), old.secrets
    if fresh.token_endpoint_auth_method not in SECRET_METHODS:
        secret, secrets = None, ()
    elif secret or not old.secrets:
        secret = secret or random_token()
        secrets = (Secret(_digest(obj, fresh, secret)),)
    changed = replace(fresh, secrets=secrets, status=old.status, created_at=old.created_at)
    _clients(obj).update(changed)
    obj.record("client.update", client_id, allowed=allowed)
    end_everywhere(obj)
    _show(changed, form, secret=secret, allowed=allowed)


@client.command()
@click.argument("client_id")
@format_option
@click.pass_obj
def disable(obj: Context, client_id: str, form: str) -> None:
    """Disable a client: every request of it is refused; its record is kept."""
    _set_status(obj, client_id, ClientStatus.DISABLED, form)


@client.command()
@click.argument("client_id")
@format_option
@click.pass_obj
def enable(obj: Context, client_id: str, form: str) -> None:
    """Enable a disabled client, or approve a self-registered one."""
    for each in look_alikes(_existing(obj, client_id), _clients(obj).all()):
        click.echo(f"warning: its name looks like that of {each}", err=True)
    _set_status(obj, client_id, ClientStatus.ACTIVE, form)


@client.command()
@click.argument("client_id")
@format_option
@click.pass_obj
def delete(obj: Context, client_id: str, form: str) -> None:
    """Delete a client for good. Its client_id is never used again."""
    _existing(obj, client_id)
    _clients(obj).delete(client_id)
    obj.record("client.delete", client_id)
    end_everywhere(obj)
    show({"client_id": client_id, "deleted": True}, form, (f"{client_id} deleted",))


@client.command("rotate-secret")
@click.argument("client_id")
@click.option(
    "--overlap",
    type=click.IntRange(0, 366 * OVERLAP),
    default=OVERLAP,
    show_default=True,
    help="Seconds until the old secret stops working.",
)
@format_option
@click.pass_obj
def rotate_secret(obj: Context, client_id: str, overlap: int, form: str) -> None:
    """Give a client a new secret; the old one still works for the overlap."""
    old, now = _existing(obj, client_id), obj.clock()
    if not old.secrets:
        fail("this client does not authenticate with a secret")
    secret = random_token()
    before = tuple(replace(each, expires_at=now + overlap) for each in old.secrets[:1] if overlap)
    rotated = replace(old, secrets=(Secret(_digest(obj, old, secret)), *before))
    _clients(obj).update(rotated)
    obj.record("client.rotate-secret", client_id)
    end_everywhere(obj)
    _show(rotated, form, secret=secret)


def _clients(obj: Context) -> Clients:
    return Clients(obj.database, obj.clock)


def _existing(obj: Context, client_id: str) -> Client:
    found = _clients(obj).get(client_id)
    if found is None:
        fail(f"no client {client_id!r}")
    return found


def _set_status(obj: Context, client_id: str, status: ClientStatus, form: str) -> None:
    changed = replace(_existing(obj, client_id), status=status)
    _clients(obj).update(changed)
    registrations(obj).decide(client_id)
    obj.record(f"client.{'enable' if changed.active else 'disable'}", client_id)
    end_everywhere(obj)
    _show(changed, form)


def _read(path: Path) -> dict[str, Any]:
    try:
        return loads_object(path.read_bytes())
    except (OSError, ValueError) as error:
        raise click.UsageError(f"{path} is not a JSON object: {why(error)}") from error


def _judged(
    obj: Context, raw: Mapping[str, Any], client_id: str, allowed: tuple[str, ...]
) -> Client:
    """The client that ``raw`` describes, by every rule that is not ``allowed`` to be broken.

    Raises:
        InvalidMetadata: with every problem.
    """
    from idp.composition import METHODS

    rules = Rules(
        methods=[each.name for each in METHODS],
        loopback=obj.outbound.allow_loopback or _LOOPBACK in allowed,
        unknown_members=_UNKNOWN in allowed,
    )
    members = {name: each for name, each in raw.items() if name not in _SHOWN}
    return register(members, client_id=client_id, rules=rules)


def _registered(
    obj: Context, raw: Mapping[str, Any], client_id: str, allowed: tuple[str, ...]
) -> Client:
    try:
        found = _judged(obj, raw, client_id, allowed)
        if found.sector_identifier_uri:
            fetch_sector(obj.outbound, found.sector_identifier_uri, found.redirect_uris)
    except InvalidMetadata as error:
        fail("\n".join(error.problems))
    except InvalidSector as error:
        fail(f"sector_identifier_uri: {error}")
    return found


def _secret_of(raw: Mapping[str, Any]) -> str | None:
    secret = raw.get("client_secret")
    if secret is None:
        return None
    if not isinstance(secret, str) or not 1 <= len(secret) <= MAX_SECRET:
        fail(f"client_secret: must have 1 to {MAX_SECRET} characters")
    if not (secret.isascii() and secret.isprintable()):
        fail("client_secret: must be printable ASCII")
    if len(secret) < STRONG_SECRET:
        click.echo("warning: a client_secret this short has less than 128 bits", err=True)
    return secret


def _digest(obj: Context, found: Client, secret: str) -> str:
    return secret_digest(obj.keys.derive("client"), found.client_id, secret)


def _public(found: Client) -> dict[str, Any]:
    return {
        "client_id": found.client_id,
        "client_id_issued_at": found.created_at,
        "status": found.status.value,
        **describe(found),
    }


def _show(
    found: Client, form: str, *, secret: str | None = None, allowed: tuple[str, ...] = ()
) -> None:
    shown = _public(found) | ({"allowed": list(allowed)} if allowed else {})
    if secret is not None:
        shown |= {"client_secret": secret, "client_secret_expires_at": 0}
    print_json(shown)
    for each in allowed:
        click.echo(f"warning: the rule on {each} was overridden", err=True)
    if secret is not None and form == "text":
        click.echo("Save the client_secret now: it is not shown again.", err=True)
