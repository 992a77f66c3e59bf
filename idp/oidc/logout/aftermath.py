"""What the page after a logout says, kept for some minutes under a handle that its URL carries.

The session is gone then, and with it all that would say whose page it is.
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
    """Of one logout: a digest of the session, who asked for it, and where the browser goes on.

    ``left``: only the relying party that asked was left, the session goes on. ``frames`` are the
    addresses of front-channel logout.
    """

    session: str
    client_id: str
    return_url: str
    left: bool = False
    frames: tuple[str, ...] = ()


def keep(transient: TransientStore, aftermath: Aftermath) -> str:
    """Keep it; the handle to find it by."""
    handle = Handle.new()
    transient.put(handle.key(_KIND), aftermath.dump(), TTL)
    return str(handle)


def remember(
    transient: TransientStore, key: bytes, browser: str, confirmation: str, handle: str
) -> None:
    """Keep for some seconds where this answer led, so that the same one again leads there too.

    It is sealed with ``browser``, the session's cookie, so that nobody else is given it.
    """
    sealed = seal(key, _KIND, f"{browser}\x00{confirmation}", handle)
    transient.put(_answered(confirmation), {"sealed": sealed}, SECONDS)


def recall(transient: TransientStore, key: bytes, browser: str, confirmation: str) -> str:
    """The handle that this answer led to; ``""`` where it led nowhere, or long ago."""
    value = transient.get(_answered(confirmation))
    try:
        return unseal(key, _KIND, f"{browser}\x00{confirmation}", value["sealed"]) if value else ""
    except ValueError:
        return ""


def _answered(confirmation: str) -> str:
    return f"{_KIND}-by:{digest(confirmation)}"


def find(transient: TransientStore, text: str) -> Aftermath | None:
    """What was kept under a handle; None when there is nothing, or no more."""
    handle = Handle.parse(text)
    value = transient.get(handle.key(_KIND)) if handle else None
    return Aftermath.read(value)
