"""The groups of settings: what may be said of each part of a deployment.

``idp.settings`` puts them together and judges them.
"""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from idp.storage import database, redis

Count: TypeAlias = Annotated[int, Field(ge=1)]
Seconds: TypeAlias = Annotated[int, Field(ge=1)]


def host_port(text: str) -> tuple[str, int]:
    """``host:port`` apart.

    Raises:
        ValueError: it is not that.
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
        0, ge=0, description="Replicas that must have what is consumed or claimed."
    )


class KeysSection(Section):
    directory: Path = Field(
        Path("keys/dev"), description="Signing keys and secrets, mode 0700; in production required."
    )


class TrustSection(Section):
    directory: Path = Field(
        Path("keys/trust/csca"),
        description="Trust anchors of chip cards: CSCA certificates, CRLs, master lists. Outside"
        " production those of the development authority in the keys directory are trusted too.",
    )


class ManagementSection(Section):
    bind: Annotated[str, AfterValidator(_bind)] = Field(
        "127.0.0.1:9000", description="Where /healthz, /readyz and /metrics are; never public."
    )


class SessionSection(Section):
    idle_ttl: Seconds = Field(15 * 60, description="Seconds a session may rest.")
    absolute_ttl: Seconds = Field(12 * 3600, description="Seconds a session may live.")
    moved: Literal["note", "user-agent", "any"] = Field(
        "note",
        description="What a session that is used from elsewhere does: leaves an audit event"
        " (`note`), or also asks for the login again after another kind of browser (`user-agent`),"
        " or another network within 15 minutes too (`any`).",
    )


class TokensSection(Section):
    access_ttl: Seconds = Field(600, description="Seconds an access token lives.")
    id_ttl: Seconds = Field(300, description="Seconds an ID token is valid.")


class OtpSection(Section):
    ttl: Seconds = Field(300, description="Seconds a one-time code lives.")
    tries: Count = Field(5, description="Wrong guesses that end a code.")
    max_sends: Count | None = Field(
        None, description="Codes to one person in 15 minutes: 3, in the sandbox 10,000."
    )
    max_sends_a_day: Count | None = Field(
        None, description="Codes to one person in a day: 10, in the sandbox 10,000."
    )
    send_fixed_code: bool = Field(
        False, description="Sandbox: text its fixed code to the phone too, for the demo phone."
    )


class ThrottleSection(Section):
    per_address: Count | None = Field(
        None,
        description="Logins begun, numbers tried, codes asked for, cards shown and calls to"
        " /register from one address in 15 minutes, each: 1,200, 600, 300, 300 and 100, in the"
        " sandbox 10,000.",
    )


class ServiceSection(Section):
    """A service of somebody else's, reached over TLS."""

    url: str | None = Field(None, pattern="^https://", description="Its https URL.")
    timeout: float = Field(3.0, gt=0, le=30, description="Seconds to wait for it.")
    ca_file: Path | None = Field(None, description="Authorities (PEM) instead of the machine's.")
    certificate_file: Path | None = Field(None, description="Our client certificate (PEM).")
    private_key_file: Path | None = Field(None, description="Its private key (PEM).")


class RegistrySection(ServiceSection):
    """The population registry: our own copy of it, or the authority's service."""

    source: Literal["sql", "http"] = Field("sql", description="`sql` or `http` (needs `url`).")
    former_numbers: bool = Field(
        False, description="Take a 9-digit number for its holder's where only one person has it."
    )


class SmsSection(ServiceSection):
    """The SMS gateway. Without one, texts go to the demo phone's inbox."""

    token: SecretStr | None = Field(None, description="Bearer token for the gateway.")
    sender: str = Field("VNEID", description="Who a text is from.")


class OutboundSection(Section):
    """Addresses that relying parties name."""

    allow_loopback: bool = Field(False, description="Tests only: call 127.0.0.1 too.")
    ca_file: Path | None = Field(None, description="Authorities (PEM) instead of the machine's.")


class MtlsSection(Section):
    """Certificates of relying parties."""

    ca_file: Path | None = Field(
        None,
        description="Authorities (PEM) whose certificates clients of `tls_client_auth` may show.",
    )
    origin: str = Field(
        "",
        pattern=r"^(https://[^/?#@\s]+)?$",
        description="`https://host[:port]` that asks for client certificates, if not the issuer.",
    )


class RegistrationSection(Section):
    """Clients that register themselves; outside the sandbox they wait for the operator."""

    policy: Literal["closed", "token", "open"] | None = Field(
        None,
        description="Who may register a client at /register: nobody (`closed`), who has an initial"
        " access token (`token`, see `idp client invite`), everybody (`open`). Absent: `closed`,"
        " in the sandbox `open`.",
    )
    software_statement_issuer: str = Field(
        "", description="Whose software statements are believed: their `iss`."
    )
    software_statement_jwks: Path | None = Field(
        None, description="The public keys of that issuer: a JWK set in a file."
    )
