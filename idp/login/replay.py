"""The answer of a login, kept for some seconds for the browser that got it.

A form that is sent twice ends where the first one led: the login is over then, and its answer is
on the way. It is sealed with the browser's own secret, so that nobody else is given it. Once the
relying party has redeemed the code, nothing is given again: a second redemption would end the
citizen's tokens (RFC 6749 §4.1.2).
"""

from idp.core.sealing import seal, unseal
from idp.storage.transient import Put, TransientStore

SECONDS = 10
"""As long as a citizen may press a button again."""
_PURPOSE = "answer"


class Answered(Exception):
    """The login was answered already; ``location`` is where."""

    def __init__(self, location: str) -> None:
        super().__init__("answered")
        self.location = location


def answered_key(flow: str) -> str:
    """Where the answer of a login is kept."""
    return f"answered:{{{flow}}}"


def keep(key: bytes, browser: str, flow: str, location: str, *, code: str = "") -> Put:
    """The operation that keeps an answer for ``browser``, whose secret it is sealed with.

    ``code`` is the key under which the code in it is kept until it is redeemed; an error has none.
    """
    sealed = seal(key, _PURPOSE, f"{browser}\x00{flow}", location)
    return Put(answered_key(flow), {"sealed": sealed, "code": code}, SECONDS)


def require_unanswered(key: bytes, browser: str, flow: str, store: TransientStore) -> None:
    """Return when no answer of the login is kept for ``browser``, or its code was redeemed.

    Raises:
        Answered: one is.
    """
    value = store.get(answered_key(flow))
    if value is None or (value["code"] and store.get(value["code"]) is None):
        return
    try:
        location = unseal(key, _PURPOSE, f"{browser}\x00{flow}", value["sealed"])
    except ValueError:
        return
    raise Answered(location)
