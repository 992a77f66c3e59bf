"""The sections of the settings: one for each part of a deployment.

``idp.settings`` combines and validates them.
"""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from idp.storage import database, redis

Count: TypeAlias = Annotated[int, Field(ge=1)]
Seconds: TypeAlias = Annotated[int, Field(ge=1)]


def host_port(text: str) -> tuple[str, int]:
    """Split ``host:port``.

    Raises:
        ValueError: another form.
    """
    try:
        parts = urlsplit(f"//{text}")
        if parts.hostname and parts.port is not None and not {*"/@?#"} & {*text}:
            return parts.hostname, parts.port
    except ValueError:
        pass
    raise ValueError("must be host:port")


def _database(url: SecretStr) -> SecretStr:
    database.parse_url(url.get_secret_value())
    return url


def _redis(url: SecretStr) -> SecretStr:
    redis.check_url(url.get_secret_value())
    return url


def _bind(text: str) -> str:
    host_port(text)
    return text


class Section(BaseModel):
    """A group of settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DatabaseSection(Section):
    url: Annotated[SecretStr, AfterValidator(_database)] | None = Field(
        None, description="SQLAlchemy URL (`sqlite:///…`, `postgresql://…`). Absent: SQLite."
    )


class RedisSection(Section):
    url: Annotated[SecretStr, AfterValidator(_redis)] | None = Field(
        None,
        description="`redis://`, `rediss://`, `unix://`, `redis+sentinel://h:p,h:p/name`,"
        " `redis+cluster://h:p,h:p`. Absent: an embedded Valkey.",
    )
    replicas: int = Field(
        0, ge=0, description="Replicas that must acknowledge each consumed or claimed record."
    )


class KeysSection(Section):
    directory: Path = Field(
        Path("keys/dev"), description="Signing keys and secrets, mode 0700; required in production."
    )


class TrustSection(Section):
    directory: Path = Field(
        Path("keys/trust/csca"),
        description="Trust anchors of chip cards: CSCA certificates, CRLs, master lists. Outside"
        " production the development authority in the keys directory is trusted too.",
    )


class ManagementSection(Section):
    bind: Annotated[str, AfterValidator(_bind)] = Field(
        "127.0.0.1:9000", description="Address of /healthz, /readyz and /metrics; never public."
    )


class SessionSection(Section):
    idle_ttl: Seconds = Field(15 * 60, description="Seconds without use that end a session.")
    absolute_ttl: Seconds = Field(
        12 * 3600, description="Longest lifetime of a session in seconds."
    )
    moved: Literal["note", "user-agent", "any"] = Field(
        "note",
        description="Reaction to a session's use from elsewhere: an audit event"
        " (`note`), or also a new login after a change of the browser's kind (`user-agent`),"
        " or also after a change of network within 15 minutes (`any`).",
    )


class TokensSection(Section):
    access_ttl: Seconds = Field(600, description="Lifetime of an access token in seconds.")
    id_ttl: Seconds = Field(300, description="Lifetime of an ID token in seconds.")


class OtpSection(Section):
    ttl: Seconds = Field(300, description="Lifetime of a one-time code in seconds.")
    tries: Count = Field(5, description="Number of wrong guesses that end a code.")
    max_sends: Count | None = Field(
        None, description="Codes to one person in 15 minutes: 3, in the sandbox 10,000."
    )
    max_sends_a_day: Count | None = Field(
        None, description="Codes to one person in a day: 10, in the sandbox 10,000."
    )
    send_fixed_code: bool = Field(
        False, description="Sandbox: also send the fixed code to the demo phone."
    )


class ThrottleSection(Section):
    per_address: Count | None = Field(
        None,
        description="Logins started, numbers tried, codes requested, cards presented and calls to"
        " /register from one address in 15 minutes, each: 1,200, 600, 300, 300 and 100, in the"
        " sandbox 10,000.",
    )


class ServiceSection(Section):
    """Another party's service, reached over TLS."""

    url: str | None = Field(None, pattern="^https://", description="Its https URL.")
    timeout: float = Field(3.0, gt=0, le=30, description="Timeout in seconds.")
    ca_file: Path | None = Field(None, description="Authorities (PEM) instead of the machine's.")
    certificate_file: Path | None = Field(None, description="Our client certificate (PEM).")
    private_key_file: Path | None = Field(None, description="Its private key (PEM).")


class RegistrySection(ServiceSection):
    """The population registry: our own copy of it, or the authority's service."""

    source: Literal["sql", "http"] = Field("sql", description="`sql` or `http` (needs `url`).")
    former_numbers: bool = Field(
        False, description="Accept a 9-digit number for login if only one person has it."
    )


class SmsSection(ServiceSection):
    """The SMS gateway. Without one, texts go to the demo phone's inbox."""

    token: SecretStr | None = Field(None, description="Bearer token for the gateway.")
    sender: str = Field("VNEID", description="Sender of the texts.")


class OutboundSection(Section):
    """Addresses that relying parties name."""

    allow_loopback: bool = Field(False, description="Tests only: call 127.0.0.1 too.")
    ca_file: Path | None = Field(None, description="Authorities (PEM) instead of the machine's.")


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
