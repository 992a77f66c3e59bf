"""Sessions as the front desk stores them, for commands that end them."""

from idp.accounts.repository import Accounts
from idp.cli.context import Context
from idp.core.assurance import Factor
from idp.core.personal_number import PersonalNumber
from idp.login.authentication import Authentication
from idp.login.session import Session, advance, session_key, sessions_of_key
from idp.login.settings import LoginSettings
from idp.oidc.tokens.participants import clients_of_key
from idp.storage.transient import Link, Put


def log_in(number: str, *clients: str) -> Session:
    """A session of this citizen that was used at these relying parties."""
    context = Context()
    account = Accounts(context.database).by_number(PersonalNumber(number))
    assert account is not None
    now = context.clock()
    proof = Authentication("otp", Factor.POSSESSION, ("otp", "sms"), account.id, now)
    session, _ = advance(None, (proof,), now=now, lifetimes=LoginSettings().lifetimes)
    context.transient.run(
        Put(session_key(session.id), session.dump(), 600),
        Link(sessions_of_key(account.id), session.id, 600),
        *(Link(clients_of_key(session.id), each, 600) for each in clients),
    )
    context.close()
    return session
