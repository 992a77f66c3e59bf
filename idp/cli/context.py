"""The settings and stores of the commands, each opened at its first use."""

import os
import pwd
from contextlib import ExitStack
from functools import cached_property

import click

from idp.audit.events import OperatorAction
from idp.audit.log import AuditLog
from idp.core.clock import system_clock
from idp.core.errors import Unavailable
from idp.demo.cards import InvalidAuthority
from idp.keystore.file import InvalidKeyStore, KeyStore, rotate
from idp.keystore.rotation import Policy
from idp.outbound.client import OutboundClient
from idp.registry.source import RegistrySource
from idp.settings import InvalidSettings, Settings, load
from idp.standing.end import Ends
from idp.standing.revocations import Revocations
from idp.storage.database import Database, open_database
from idp.storage.opening import open_transient
from idp.storage.redis import RedisStore
from idp.storage.schema import status, upgrade


class NotReady(Exception):
    """The operator must do something first; the message names it."""


FORESEEN = (
    InvalidSettings,
    Unavailable,
    InvalidKeyStore,
    InvalidAuthority,
    NotReady,
    OSError,
    UnicodeEncodeError,
)
"""The errors that any command can raise."""


class Context:
    """The configured deployment. Outside production its schema and keys are made at need."""

    clock = staticmethod(system_clock)

    def __init__(self) -> None:
        self._stack = ExitStack()

    @cached_property
    def settings(self) -> Settings:
        """The settings.

        Raises:
            InvalidSettings: with every configuration error.
        """
        return load()

    @cached_property
    def database(self) -> Database:
        """The database with this release's schema.

        Raises:
            NotReady: in production, another release's schema.
            Unavailable: it does not answer.
        """
        database = self.bare_database
        if not status(database).upgraded:
            if self.settings.production:
                raise NotReady(
                    "The database has another release's schema; run: idp database upgrade"
                )
            for note in upgrade(database):
                click.echo(f"note: {note}", err=True)
        return database

    @cached_property
    def bare_database(self) -> Database:
        """The database, with whatever schema it has."""
        if self.settings.database.url is None:
            self.settings.state_directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        database = open_database(self.settings.database_url)
        self._stack.callback(database.close)
        return database

    @cached_property
    def transient(self) -> RedisStore:
        """The transient store."""
        settings = self.settings
        return open_transient(
            settings.redis_url,
            settings.valkey_directory,
            self._stack,
            replicas=settings.redis.replicas,
        )

    @cached_property
    def registry(self) -> RegistrySource:
        """The population registry: our own copy, or the authority's service."""
        from idp.app import open_registry

        return open_registry(self.settings, self.database, self._stack)

    @cached_property
    def outbound(self) -> OutboundClient:
        """Calls to addresses that relying parties name."""
        return OutboundClient(self.settings.outbound.settings())

    @cached_property
    def keys(self) -> KeyStore:
        """The signing keys and secrets; made at need outside production."""
        directory = self.settings.keys.directory
        if not self.settings.production:
            rotate(directory, self.clock(), Policy())
        return KeyStore(directory)

    @cached_property
    def audit(self) -> AuditLog:
        """The audit log."""
        return AuditLog(self.database, self.keys.derive("audit"), self.clock)

    def record(self, action: str, subject: str = "", *, allowed: tuple[str, ...] = ()) -> None:
        """Write an operator's action into the audit log; ``allowed``: overridden rules."""
        self.audit.write(self.action(action, subject, allowed=allowed))

    @staticmethod
    def action(name: str, subject: str = "", *, allowed: tuple[str, ...] = ()) -> OperatorAction:
        """An operator's action, to be stored with what it changes."""
        return OperatorAction(action=name, actor=operator(), object=subject, allowed=allowed)

    @cached_property
    def revocations(self) -> Revocations:
        """What was ended."""
        return Revocations(self.database, self.clock)

    @property
    def ends(self) -> Ends:
        """Ends things, with the record of who did."""
        return Ends(self.audit, self.revocations)

    def close(self) -> None:
        """Close every open store; later uses open it anew."""
        self._stack.close()
        vars(self).clear()
        self._stack = ExitStack()


def operator() -> str:
    """The operator: the name of the system account, or its number without a name."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def exit_message(error: Exception) -> tuple[int, str]:
    """Exit code and message for one of :data:`FORESEEN`."""
    match error:
        case InvalidSettings():
            return 1, "\n".join(("Invalid settings:", *error.problems))
        case Unavailable():
            return 1, f"{error}: nothing was changed. Run idp check for details."
        case OSError(filename=str() | os.PathLike()):
            return 1, f"{error.filename}: {error.strerror}"
        case UnicodeEncodeError():
            return 2, f"The input or output cannot be encoded in {error.encoding}."
    return 1, str(error)
