"""What every feature is built on."""

from dataclasses import dataclass

from idp.accounts.repository import Accounts
from idp.audit.log import AuditLog
from idp.core.clock import Clock
from idp.keystore.file import KeyStore
from idp.registry.source import RegistrySource
from idp.standing.revocations import Revocations
from idp.storage.database import Database
from idp.storage.transient import TransientStore
from idp.web.templates import Pages


@dataclass(frozen=True, slots=True)
class Deps:
    """The stores, the keys, the clock and the pages of one process.

    Only composition holds it: each ``build`` takes from it what its feature uses.
    """

    database: Database
    transient: TransientStore
    accounts: Accounts
    registry: RegistrySource
    revocations: Revocations
    audit: AuditLog
    keys: KeyStore
    clock: Clock
    pages: Pages
