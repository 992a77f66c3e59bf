"""The ticket: the ``<t>`` of every login URL, which proves itself without a look-up.

``flow ‖ issued_at ‖ client_tag ‖ mac``: the flow whose keys hold the transaction, when it began,
which client it is for, and an HMAC over these and the browser's login cookie. A ticket of another
browser, a made-up one and an expired one are told apart before any store is asked.
"""

import hashlib
import hmac
from dataclasses import dataclass

from idp.core.clock import NODE_SKEW
from idp.core.handles import FLOW_BYTES, b64url, b64url_decode, new_flow

TAG_BYTES = 6
MAC_BYTES = 16
_PLAIN = FLOW_BYTES + 5 + TAG_BYTES


class TicketRefused(Exception):
    """The ticket is not this browser's, or is no ticket; ``reason``: ``foreign``, ``expired``.

    ``ticket`` is what it says, as far as it can be read; a foreign one is not to be believed.
    """

    def __init__(self, reason: str, ticket: "Ticket | None" = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.ticket = ticket


def client_tag(client_id: str) -> str:
    """A short name of a client for the ticket and for counters: 6 bytes of SHA-256."""
    return b64url(hashlib.sha256(client_id.encode()).digest()[:TAG_BYTES])


@dataclass(frozen=True, slots=True)
class Ticket:
    """An opened ticket; ``text`` is how it stands in URLs."""

    flow: str
    issued_at: int
    client_tag: str
    text: str

    @classmethod
    def issue(cls, key: bytes, browser: str, *, client_id: str, now: int) -> "Ticket":
        """A ticket for a new flow of ``client_id`` in the browser with this login cookie."""
        flow, tag = new_flow(), client_tag(client_id)
        plain = b64url_decode(flow) + now.to_bytes(5, "big") + b64url_decode(tag)
        return cls(flow, now, tag, b64url(plain + _mac(key, browser, plain)))

    @classmethod
    def open(cls, key: bytes, browser: str, text: str, *, now: int, ttl: int) -> "Ticket":
        """Check a ticket from a URL.

        Raises:
            TicketRefused: ``foreign`` (another browser's, or not ours) or ``expired``.
        """
        try:
            raw = b64url_decode(text)
        except ValueError as error:
            raise TicketRefused("foreign") from error
        plain, mac = raw[:_PLAIN], raw[_PLAIN:]
        if len(mac) != MAC_BYTES:
            raise TicketRefused("foreign")
        issued_at = int.from_bytes(plain[FLOW_BYTES : FLOW_BYTES + 5], "big")
        ticket = cls(b64url(plain[:FLOW_BYTES]), issued_at, b64url(plain[FLOW_BYTES + 5 :]), text)
        if not hmac.compare_digest(mac, _mac(key, browser, plain)):
            raise TicketRefused("foreign", ticket)
        if not issued_at - NODE_SKEW <= now < issued_at + ttl:
            raise TicketRefused("expired", ticket)
        return ticket


def _mac(key: bytes, browser: str, plain: bytes) -> bytes:
    message = b"ticket\x00" + browser.encode() + b"\x00" + plain
    return hmac.digest(key, message, "sha256")[:MAC_BYTES]
