"""The outcome of a request, stored for some seconds for the browser that decided it.

If a form is sent twice, both responses show the same outcome. Other browsers get ``late``.
"""

from idp.core.handles import digest, equal
from idp.login.replay import SECONDS
from idp.oidc.decoupled.waiting import Reference
from idp.storage.transient import Put, TransientStore

LATE = "late"
"""The outcome for other browsers."""


def keep(kind: str, reference: Reference, browser: str, outcome: str) -> Put:
    """The operation that stores ``outcome`` for the browser with this login secret."""
    return Put(_key(kind, reference), {"browser": digest(browser), "outcome": outcome}, SECONDS)


def find(transient: TransientStore, kind: str, reference: Reference | None, browser: str) -> str:
    """The outcome stored for ``browser``, or :data:`LATE`."""
    value = transient.get(_key(kind, reference)) if reference and browser else None
    if value is None or not equal(value["browser"], digest(browser)):
        return LATE
    return str(value["outcome"])


def _key(kind: str, reference: Reference) -> str:
    return reference.key(f"{kind}-said")
