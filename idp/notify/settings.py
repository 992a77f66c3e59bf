"""Settings of messages to phones."""

from dataclasses import dataclass

from idp.outbound.service import ServiceSettings


@dataclass(frozen=True, slots=True)
class SmsSettings:
    """The SMS gateway. ``token`` is sent as a bearer token, ``sender`` shown as who it is from."""

    service: ServiceSettings
    token: str
    sender: str

    def __repr__(self) -> str:
        return f"SmsSettings(sender={self.sender!r})"
