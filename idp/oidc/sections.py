"""What an operator may set of the provider: tokens, client certificates, registration."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

from cryptography.x509 import Certificate, load_pem_x509_certificates
from pydantic import Field

from idp.core.section import Seconds, Section
from idp.core.strict_json import loads_object
from idp.jose.jwk import JwkSet, parse_jwk_set
from idp.login.throttle import Scale
from idp.oidc.settings import RegistrationSettings


class TokensSection(Section):
    access_ttl: Seconds = Field(600, description="Lifetime of an access token in seconds.")
    id_ttl: Seconds = Field(300, description="Lifetime of an ID token in seconds.")


class MtlsSection(Section):
    """Certificates of relying parties."""

    ca_file: Path | None = Field(
        None,
        description="Authorities (PEM) that issue the certificates of `tls_client_auth` clients.",
    )
    origin: str = Field(
        "",
        pattern=r"^(https://[^/?#@\s]+)?$",
        description="`https://host[:port]` that requests client certificates, if not the issuer.",
    )

    @property
    def authorities(self) -> tuple[Certificate, ...]:
        """The certificate authorities of clients' certificates.

        Raises:
            OSError, ValueError: the file cannot be read.
        """
        file = self.ca_file
        return tuple(load_pem_x509_certificates(file.read_bytes())) if file else ()


class RegistrationSection(Section):
    """Self-registered clients; outside the sandbox the operator must enable them."""

    policy: Literal["closed", "token", "open"] | None = Field(
        None,
        description="Registration at /register: refused (`closed`), allowed with an initial"
        " access token (`token`, see `idp client invite`), to everybody (`open`). Absent: `closed`,"
        " in the sandbox `open`.",
    )
    software_statement_issuer: str = Field(
        "", description="Trusted issuer of software statements: their `iss`."
    )
    software_statement_jwks: Path | None = Field(
        None, description="The public keys of that issuer: a JWK set in a file."
    )

    @property
    def statement_keys(self) -> JwkSet:
        """The keys of the issuer of software statements; none without one.

        Raises:
            OSError, ValueError: the file cannot be read.
        """
        file = self.software_statement_jwks
        return parse_jwk_set(loads_object(file.read_bytes())) if file else JwkSet()

    def settings(self, scale: Scale) -> RegistrationSettings:
        """Who may register clients over the wire, and what they may have."""
        plain = (
            RegistrationSettings.sandbox(self.policy or "open")
            if scale.sandbox
            else RegistrationSettings(self.policy or "closed")
        )
        return replace(
            plain,
            calls=scale.by_address(plain.calls),
            statement_issuer=self.software_statement_issuer,
            statement_keys=self.statement_keys,
        )
