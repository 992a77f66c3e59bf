"""Settings of calls to other parties' services."""

from pathlib import Path

from pydantic import Field

from idp.core.section import Section
from idp.outbound.client import OutboundSettings
from idp.outbound.service import ServiceSettings


class OutboundSection(Section):
    """Addresses that relying parties name."""

    allow_loopback: bool = Field(False, description="Tests only: call 127.0.0.1 too.")
    ca_file: Path | None = Field(None, description="Authorities (PEM) instead of the machine's.")

    def settings(self) -> OutboundSettings:
        """For calls to addresses that relying parties name."""
        return OutboundSettings(self.allow_loopback, self.ca_file)


class ServiceSection(Section):
    """Another party's service, reached over TLS."""

    url: str | None = Field(None, pattern="^https://", description="Its https URL.")
    timeout: float = Field(3.0, gt=0, le=30, description="Timeout in seconds.")
    ca_file: Path | None = Field(None, description="Authorities (PEM) instead of the machine's.")
    certificate_file: Path | None = Field(None, description="Our client certificate (PEM).")
    private_key_file: Path | None = Field(None, description="Its private key (PEM).")

    def service(self) -> ServiceSettings:
        """The service to call."""
        return ServiceSettings(
            self.url or "", self.timeout, self.ca_file, self.certificate_file, self.private_key_file
        )
