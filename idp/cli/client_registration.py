"""``idp client invite|invitations|uninvite|prune``: self-registered clients (RFC 7591)."""

import json
from collections.abc import Iterator
from typing import Any

import click

from idp.audit import repository as audit
from idp.cli.context import Context
from idp.cli.everywhere import end_everywhere
from idp.cli.output import fail, format_option, print_json, progress, show
from idp.core.handles import digest, random_name, random_token
from idp.oidc.clients.repository import Clients
from idp.oidc.registration.model import Invitation, Registration
from idp.oidc.registration.repository import NotOpen, Registrations
from idp.oidc.vocabulary import scope_tuple

DAY = 24 * 3600
_USES = ("AuthorizationGranted", "TokenIssued", "ClientReregistered")
"""Audit events of a client in use."""
_SLACK = 3600
"""Seconds that entries of several machines may be out of order."""


def registrations(obj: Context) -> Registrations:
    """The records of self-registered clients."""
    return Registrations(obj.database, obj.clock)


@click.command()
@click.option("--uses", default=1, show_default=True, type=click.IntRange(1, 10_000))
@click.option(
    "--ttl",
    default=7 * DAY,
    show_default=True,
    type=click.IntRange(60, 366 * DAY),
    help="Its lifetime in seconds.",
)
@click.option(
    "--scope", default="", help="Scopes that clients may register with it, instead of the usual."
)
@format_option
@click.pass_obj
def invite(obj: Context, uses: int, ttl: int, scope: str, form: str) -> None:
    """Make an initial access token: its bearer may register a client at /register."""
    if obj.settings.registration.settings(obj.settings.scale).policy == "closed":
        fail("Registration is closed; set IDP_REGISTRATION__POLICY=token to allow tokens.")
    try:
        scopes = scope_tuple(scope) if scope else ()
    except ValueError as error:
        raise click.UsageError(f"--scope: {error}") from error
    token, now = random_token(), obj.clock()
    made = Invitation(random_name(6), digest(token), scopes, uses, now, now + ttl)
    registrations(obj).invite(made)
    obj.record("client.invite", made.name)
    shown = _shown(made) | {
        "initial_access_token": token,
        "registration_endpoint": f"{obj.settings.issuer}/register",
    }
    print_json(shown)
    if form == "text":
        click.echo("Save the initial_access_token now: it is not shown again.", err=True)


@click.command()
@format_option
@click.pass_obj
def invitations(obj: Context, form: str) -> None:
    """List initial access tokens by name; the tokens themselves are not stored."""
    found = [_shown(each) for each in registrations(obj).invitations()]
    show(found, form, (f"{each['name']}\t{each['uses']}\t{each['expires_at']}" for each in found))


@click.command()
@click.argument("name")
@format_option
@click.pass_obj
def uninvite(obj: Context, name: str, form: str) -> None:
    """End the initial access token NAME. Its registered clients stay."""
    if not registrations(obj).uninvite(name):
        fail(f"no initial access token {name!r}")
    obj.record("client.uninvite", name)
    show({"name": name, "ended": True}, form, (f"{name} ended",))


@click.command()
@click.option(
    "--unused-days",
    required=True,
    type=click.IntRange(1, 36_600),
    help="Days without any login or token.",
)
@click.option("--dry-run", is_flag=True, help="List them; delete nothing.")
@format_option
@click.pass_obj
def prune(obj: Context, unused_days: int, dry_run: bool, form: str) -> None:
    """Delete self-registered clients without any use in the audit log."""
    since = obj.clock() - unused_days * DAY
    with progress("Reading the audit log") as advance:
        used = set(_used(obj, since, advance))
    gone = [each for each in _old(obj, since) if each.client_id not in used]
    if not dry_run:
        gone = [each for each in gone if _delete(obj, each)]
        end_everywhere(obj)
    ids = [each.client_id for each in gone]
    said = "would be deleted" if dry_run else "deleted"
    show({"deleted": ids, "dry_run": dry_run}, form, (f"{each} {said}" for each in ids))


def _old(obj: Context, since: int) -> Iterator[Registration]:
    """Self-registered clients from before ``since``, and those an operator has deleted."""
    clients = {each.client_id: each for each in Clients(obj.database, obj.clock).all()}
    for each in registrations(obj).all():
        client = clients.get(each.client_id)
        if client is None or client.created_at < since:
            yield each


def _delete(obj: Context, registration: Registration) -> bool:
    try:
        registrations(obj).delete(registration)
    except NotOpen:  # it changed or deleted itself meanwhile
        return False
    obj.record("client.prune", registration.client_id)
    return True


def _used(obj: Context, since: int, advance: Any) -> Iterator[str]:
    """The clients that have entries in the audit log since then."""
    for number, record in enumerate(audit.newest(obj.database)):
        entry = json.loads(record.entry)
        if entry["at"] < since - _SLACK:
            return
        advance(number)
        if entry["event"] in _USES and entry["at"] >= since:
            yield entry.get("client_id", "")


def _shown(invitation: Invitation) -> dict[str, Any]:
    return {
        "name": invitation.name,
        "uses": invitation.uses,
        "expires_at": invitation.expires_at,
        "scope": " ".join(invitation.scope),
    }
