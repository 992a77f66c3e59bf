"""``idp session``: list and end the sessions of a citizen."""

from contextlib import suppress
from typing import Any

import click

from idp.accounts.model import Account
from idp.accounts.repository import Accounts
from idp.audit.events import Event, SessionEnded
from idp.cli.context import Context
from idp.cli.everywhere import end_everywhere
from idp.cli.logout import endings
from idp.cli.number import NUMBER
from idp.cli.output import fail, format_option, show
from idp.core import assurance
from idp.core.personal_number import PersonalNumber
from idp.login.session import Session, session_key, sessions_of_key
from idp.storage.transient import Delete, Get, Members
from idp.storage.used import AlreadyUsed


@click.group()
def session() -> None:
    """Citizens' sessions: list, revoke."""


@session.command("list")
@click.argument("number", type=NUMBER, metavar="NUMBER")
@format_option
@click.pass_obj
def list_(obj: Context, number: PersonalNumber, form: str) -> None:
    """List the sessions of the citizen with NUMBER."""
    account = _account(obj, number)
    rows = [_row(each) for each in sessions_of(obj, account)]
    obj.record("session.list", obj.audit.pseudonym(account.id))
    show(rows, form, ("\t".join(str(each) for each in row.values()) for row in rows))


@session.command()
@click.argument("session_id", metavar="SID", required=False)
@click.option("--all", "number", type=NUMBER, help="Every session of this citizen.")
@format_option
@click.pass_obj
def revoke(obj: Context, session_id: str | None, number: PersonalNumber | None, form: str) -> None:
    """End the session SID, or every session of a citizen, with their tokens, on every node."""
    if (session_id is None) == (number is None):
        raise click.UsageError("give SID or --all NUMBER")
    if number is not None:
        ended = _revoke_all(obj, _account(obj, number))
    else:
        ended = [_revoke(obj, session_id or "")]
    end_everywhere(obj)
    show({"revoked": ended}, form, (f"{each} revoked" for each in ended) if ended else ["none"])


def _revoke(obj: Context, session_id: str) -> str:
    found = Session.read(obj.transient.get(session_key(session_id)))
    if found is None:
        fail(f"No session with id {session_id}.")
    with suppress(AlreadyUsed):  # ended at the same time by the citizen, with a record of that
        endings(obj).end(found, *_events(obj, found.account_id, [found.id]))
    return found.id


def _revoke_all(obj: Context, account: Account) -> list[str]:
    """End every session of the account; no session begun before now is accepted again."""
    until = obj.clock() + obj.settings.session.absolute_ttl
    sessions = sessions_of(obj, account)
    found = [each.id for each in sessions]
    events = _events(obj, account.id, found)
    endings(obj).end_account(account.id, sessions, *events, until=until)
    keys = [session_key(each) for each in found] + [sessions_of_key(account.id)]
    obj.transient.run(*(Delete(key) for key in keys))
    return found


def _events(obj: Context, account_id: str, session_ids: list[str]) -> tuple[Event, ...]:
    """What the audit log records of an operator who ends these sessions."""
    return (
        obj.action("session.revoke", obj.audit.pseudonym(account_id)),
        *(
            SessionEnded(session_id=each, reason="operator", account_id=account_id)
            for each in session_ids
        ),
    )


def _account(obj: Context, number: PersonalNumber) -> Account:
    account = Accounts(obj.database).by_number(number)
    if account is None:
        fail("No account for this number.")
    return account


def sessions_of(obj: Context, account: Account) -> list[Session]:
    """The account's current sessions in the transient store."""
    (known,) = obj.transient.run(Members(sessions_of_key(account.id)))
    values = obj.transient.run(*(Get(session_key(each)) for each in sorted(known)))
    return [each for each in map(Session.read, values) if each and each.lives(obj.clock())]


def _row(found: Session) -> dict[str, Any]:
    return {
        "sid": found.id,
        "acr": assurance.acr(found.level),
        "methods": " ".join(each.method for each in found.authentications),
        "started_at": found.started_at,
        "seen_at": found.seen_at,
        "expires_at": found.expires_at,
    }
