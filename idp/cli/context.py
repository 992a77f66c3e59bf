"""What commands reach: the settings and stores, each opened when it is first asked for."""

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
from idp.storage.database import Database, open_database
from idp.storage.opening import open_transient
from idp.storage.redis import RedisStore
from idp.storage.schema import status, upgrade


class NotReady(Exception):
    """Something must be done first; the message says what."""


FORESEEN = (
    InvalidSettings,
    Unavailable,
    InvalidKeyStore,
    InvalidAuthority,
    NotReady,
    OSError,
    UnicodeEncodeError,
)
"""What any command may fail with."""


class Context:
    """The deployment that the settings describe. Outside production it prepares itself."""

    clock = staticmethod(system_clock)

    def __init__(self) -> None:
        self._stack = ExitStack()

    @cached_property
    def settings(self) -> Settings:
        """The settings.

        Raises:
            InvalidSettings: with everything that is wrong.
        """
        return load()

    @cached_property
    def database(self) -> Database:
        """The database, its schema this release's.

        Raises:
            NotReady: in production, the schema is another release's.
            Unavailable: it does not answer.
        """
        database = self.bare_database
        if not status(database).upgraded:
            if self.settings.production:
                raise NotReady("The database schema is another release's: idp database upgrade")
            for note in upgrade(database):
                click.echo(f"note: {note}", err=True)
        return database

    @cached_property
    def bare_database(self) -> Database:
        """The database as it is."""
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
        from idp.app import outbound_settings

        return OutboundClient(outbound_settings(self.settings))

    @cached_property
    def keys(self) -> KeyStore:
        """The signing keys and secrets, made where there are none and this is not production."""
        directory = self.settings.keys.directory
        if not self.settings.production:
            rotate(directory, self.clock(), Policy())
        return KeyStore(directory)

    @cached_property
    def audit(self) -> AuditLog:
        """The audit log."""
        return AuditLog(self.database, self.keys.secret("audit"), self.clock)

    def record(self, action: str, subject: str = "", *, allowed: tuple[str, ...] = ()) -> None:
        """Write an operator's action into the audit log; ``allowed``: rules that were set aside."""
        self.audit.write(
            OperatorAction(action=action, actor=operator(), object=subject, allowed=allowed)
        )

    def close(self) -> None:
        """Close what was opened; what is asked for afterwards is opened anew."""
        self._stack.close()
        vars(self).clear()
        self._stack = ExitStack()


def operator() -> str:
    """Who runs the command: the name of the account, its number where it has no name."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def told(error: Exception) -> tuple[int, str]:
    """Exit code and message for one of :data:`FORESEEN`."""
    match error:
        case InvalidSettings():
            return 1, "\n".join(("The settings cannot be used:", *error.problems))
        case Unavailable():
            return 1, f"{error}: nothing was done. idp check tells more."
        case OSError(filename=str() | os.PathLike()):
            return 1, f"{error.filename}: {error.strerror}"
        case UnicodeEncodeError():
            return 2, f"What was typed, or is to be said, cannot be written in {error.encoding}."
    return 1, str(error)
