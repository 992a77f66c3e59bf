"""``idp account``: e-ID accounts of persons in the registry: open, show, lock, unlock, passcode."""

from dataclasses import replace
from typing import Any

import click

from idp.accounts import passcode
from idp.accounts.model import Account, Lock, new_id
from idp.accounts.repository import AccountExists, Accounts
from idp.cli.context import Context
from idp.cli.everywhere import end_everywhere
from idp.cli.logout import endings
from idp.cli.number import NUMBER
from idp.cli.output import fail, format_option, show
from idp.cli.session import sessions_of
from idp.core.personal_number import PersonalNumber
from idp.registry import phone as phones
from idp.registry.model import Person


@click.group()
def account() -> None:
    """Citizens' e-ID accounts: open, show, lock, unlock, set a passcode."""


@account.command("open")
@click.argument("number", type=NUMBER, metavar="NUMBER")
@click.option("--phone", help="Phone that receives codes; absent: the phone in the registry.")
@click.option(
    "--level",
    type=click.IntRange(1, 2),
    default=1,
    show_default=True,
    help="Identity proofing: 1 by data alone, 2 in person.",
)
@format_option
@click.pass_obj
def open_(obj: Context, number: PersonalNumber, phone: str | None, level: int, form: str) -> None:
    """Open an account for a person of the registry; they can log in at once."""
    person, now = _person(obj, number), obj.clock()
    try:
        sent_to = phones.parse(phone) if phone else person.phone
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--phone") from error
    opened = Account(
        new_id(), person.number, level, created_at=now, activated_at=now, phone=sent_to
    )
    try:
        Accounts(obj.database).create(opened)
    except AccountExists:
        fail("This person already has an account.")
    _report(obj, "account.open", opened, form)


@account.command("show")
@click.argument("number", type=NUMBER, metavar="NUMBER")
@format_option
@click.pass_obj
def show_(obj: Context, number: PersonalNumber, form: str) -> None:
    """Show a person's account."""
    _report(obj, "account.show", _account(obj, number), form)


@account.command()
@click.argument("number", type=NUMBER, metavar="NUMBER")
@click.option(
    "--reason",
    type=click.Choice([each.value for each in Lock]),
    default=Lock.OPERATOR.value,
    show_default=True,
    help="Reason for the lock.",
)
@format_option
@click.pass_obj
def lock(obj: Context, number: PersonalNumber, reason: str, form: str) -> None:
    """Lock an account and end its sessions and tokens, on every node."""
    locked = replace(_account(obj, number), lock=Lock(reason))
    Accounts(obj.database).set_lock(locked.id, locked.lock)
    until = obj.clock() + obj.settings.session.absolute_ttl
    locking = obj.action("account.lock", obj.audit.pseudonym(locked.id))
    endings(obj).end_account(locked.id, sessions_of(obj, locked), locking, until=until)
    end_everywhere(obj)
    _show(locked, form)


@account.command()
@click.argument("number", type=NUMBER, metavar="NUMBER")
@format_option
@click.pass_obj
def unlock(obj: Context, number: PersonalNumber, form: str) -> None:
    """Unlock an account."""
    unlocked = replace(_account(obj, number), lock=None)
    Accounts(obj.database).set_lock(unlocked.id, None)
    _report(obj, "account.unlock", unlocked, form)


@account.command("set-passcode")
@click.argument("number", type=NUMBER, metavar="NUMBER")
@click.password_option("--passcode", "typed", prompt="Passcode", help="Prompted for when absent.")
@format_option
@click.pass_obj
def set_passcode(obj: Context, number: PersonalNumber, typed: str, form: str) -> None:
    """Set the 6-digit passcode that the account's holder has chosen."""
    person, found = _person(obj, number), _account(obj, number)
    try:
        digits = passcode.choose(typed, person.birth_date)
    except passcode.WeakPasscode as error:
        fail(f"This passcode is not allowed: {error.reason}.")
    hashed = passcode.hash_passcode(digits, obj.keys.derive("passcode"))
    Accounts(obj.database).set_passcode(found.id, hashed)
    _report(obj, "account.set-passcode", replace(found, passcode_hash=hashed), form)


def _person(obj: Context, number: PersonalNumber) -> Person:
    person = obj.registry.person(number)
    if person is None:
        fail("No person in the registry has this number.")
    return person


def _account(obj: Context, number: PersonalNumber) -> Account:
    found = Accounts(obj.database).by_number(number)
    if found is None:
        fail("No account for this number.")
    return found


def _report(obj: Context, action: str, account: Account, form: str) -> None:
    """Record the action in the audit log, and show the account after it."""
    obj.record(action, obj.audit.pseudonym(account.id))
    _show(account, form)


def _show(account: Account, form: str) -> None:
    row: dict[str, Any] = {
        "number": account.number.masked,
        "level": account.level,
        "phone": phones.masked(account.phone) if account.phone else None,
        "passcode": account.passcode_hash is not None,
        "lock": account.lock.value if account.lock else None,
        "created_at": account.created_at,
        "activated_at": account.activated_at,
    }
    show(row, form, (f"{name}\t{'' if value is None else value}" for name, value in row.items()))
