"""Settings of messages to phones."""

from dataclasses import dataclass

from pydantic import Field, SecretStr

from idp.outbound.service import ServiceSettings
from idp.outbound.settings import ServiceSection


@dataclass(frozen=True, slots=True)
class SmsSettings:
    """The SMS gateway. ``token`` is sent as a bearer token, ``sender`` shown as who it is from."""

    service: ServiceSettings
    token: str
    sender: str

    def __repr__(self) -> str:
        return f"SmsSettings(sender={self.sender!r})"


class SmsSection(ServiceSection):
    """The SMS gateway. Without one, texts go to the demo phone's inbox."""

    token: SecretStr | None = Field(None, description="Bearer token for the gateway.")
    sender: str = Field("VNEID", description="Sender of the texts.")

    def settings(self) -> SmsSettings | None:
        """The gateway, None without one."""
        if self.url is None or self.token is None:
            return None
        return SmsSettings(self.service(), self.token.get_secret_value(), self.sender)
