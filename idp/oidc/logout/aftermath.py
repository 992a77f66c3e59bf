"""The result of a logout, stored for :data:`TTL` seconds under a handle in the page's URL.

The session no longer exists then, so the page cannot be found by it.
"""

from dataclasses import dataclass

from idp.core.handles import Handle, digest
from idp.core.records import Record
from idp.core.sealing import seal, unseal
from idp.login.replay import SECONDS
from idp.storage.transient import TransientStore

PARAMETER = "ended"
TTL = 600
_KIND = "logged-out"


@dataclass(frozen=True, slots=True)
class Aftermath(Record):
    """Result of one logout: digest of the session, requesting client, and return URL.

    ``left``: the citizen logged out of the requesting client only; the session continues.
    ``frames`` are the front-channel logout URIs.
    """

    session: str
    client_id: str
    return_url: str
    left: bool = False
    frames: tuple[str, ...] = ()


def keep(transient: TransientStore, aftermath: Aftermath) -> str:
    """Store the result; returns its handle."""
    handle = Handle.new()
    transient.put(handle.key(_KIND), aftermath.dump(), TTL)
    return str(handle)


def remember(
    transient: TransientStore, key: bytes, browser: str, confirmation: str, handle: str
) -> None:
    """Store the handle for some seconds, so that the same form sent again shows the same page.

    The handle is sealed with ``browser``, the session's cookie, so only that browser can read it.
    """
    sealed = seal(key, _KIND, f"{browser}\x00{confirmation}", handle)
    transient.put(_answered(confirmation), {"sealed": sealed}, SECONDS)


def recall(transient: TransientStore, key: bytes, browser: str, confirmation: str) -> str:
    """The handle stored for this form; ``""`` if there is none."""
    value = transient.get(_answered(confirmation))
    try:
        return unseal(key, _KIND, f"{browser}\x00{confirmation}", value["sealed"]) if value else ""
    except ValueError:
        return ""


def _answered(confirmation: str) -> str:
    return f"{_KIND}-by:{digest(confirmation)}"


def find(transient: TransientStore, text: str) -> Aftermath | None:
    """The result under a handle; None if it is unknown or expired."""
    handle = Handle.parse(text)
    value = transient.get(handle.key(_KIND)) if handle else None
    return Aftermath.read(value)
