"""The transient store of a deployment: the one that is named, or an embedded Valkey."""

from contextlib import ExitStack
from pathlib import Path

from idp.storage.embedded import EmbeddedValkey
from idp.storage.redis import RedisStore


def open_transient(
    url: str | None, directory: Path, stack: ExitStack, *, replicas: int = 0
) -> RedisStore:
    """The store at ``url``; without one, a Valkey over ``directory``, found running or started.

    Both are closed with ``stack``.

    Raises:
        Unavailable: the embedded Valkey does not start.
        FileNotFoundError: there is no server program for it on this machine.
    """
    store = RedisStore(url or stack.enter_context(EmbeddedValkey(directory)), replicas=replicas)
    stack.callback(store.close)
    return store
