"""What a test's provider is composed of: real stores, a clock to move, nobody outside."""

import os
from pathlib import Path

from idp.accounts.repository import Accounts
from idp.audit.log import AuditLog
from idp.composition import Outside
from idp.core.clock import FixedClock
from idp.deps import Deps
from idp.keystore.file import KeyStore
from idp.mrtd.trust import TrustStore
from idp.notify.console import ConsoleSender
from idp.registry.sql import SqlRegistry
from idp.standing.revocations import Revocations
from idp.storage.database import Database
from idp.storage.transient import TransientStore
from idp.web.settings import Site
from idp.web.templates import Pages
from tests.oidc.outside import outbound


def deps(
    database: Database, transient: TransientStore, clock: FixedClock, keys: KeyStore, issuer: str
) -> Deps:
    """The stores as a provider of ``issuer`` has them."""
    return Deps(
        database=database,
        transient=transient,
        accounts=Accounts(database),
        registry=SqlRegistry(database),
        revocations=Revocations(database, clock),
        audit=AuditLog(database, keys.derive("audit"), clock),
        keys=keys,
        clock=clock,
        pages=Pages(Site(issuer)),
    )


def outside(inbox: Path = Path(os.devnull), trust: TrustStore | None = None) -> Outside:
    """Phones in a file, relying parties on loopback, and the cards that ``trust`` knows."""
    trusted = trust or TrustStore([])
    return Outside(ConsoleSender(inbox), outbound(), lambda: trusted)
