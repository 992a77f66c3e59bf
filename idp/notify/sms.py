"""Texts by an SMS gateway's HTTP interface.

A text is posted once: a gateway that takes it and answers too late has taken it, and a citizen
who gets nothing asks for another code. The key tells a gateway what it has seen already.
"""

import hashlib

from idp.core.errors import Unavailable
from idp.core.handles import b64url
from idp.notify.settings import SmsSettings
from idp.outbound.breaker import Breaker
from idp.outbound.service import Service

DEPENDENCY = "sms"


class SmsGateway:
    """See :class:`idp.notify.sender.Sender`."""

    def __init__(self, settings: SmsSettings, breaker: Breaker | None = None) -> None:
        self._settings = settings
        self._service = Service(
            DEPENDENCY, settings.service, breaker or Breaker(DEPENDENCY, failures=5, pause=30.0)
        )

    def send(self, phone: str, text: str, *, reference: str) -> None:
        """Post the text to the gateway."""
        headers = {
            "Authorization": f"Bearer {self._settings.token}",
            "Idempotency-Key": idempotency_key(phone, text, reference),
        }
        message = {"from": self._settings.sender, "to": phone, "text": text}
        status, _ = self._service.post(message, headers)
        if not 200 <= status < 300:
            raise Unavailable(DEPENDENCY)

    def check(self) -> None:
        """Raise Unavailable while the breaker is open."""
        self._service.check()

    def close(self) -> None:
        """Close the connections."""
        self._service.close()


def idempotency_key(phone: str, text: str, reference: str) -> str:
    """The same for one text of one login to one phone, and for nothing else."""
    return b64url(hashlib.sha256(f"{reference}\n{phone}\n{text}".encode()).digest())
