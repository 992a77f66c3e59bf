"""The settings of one deployment: environment, secret files, an optional TOML file; read once.

A variable is ``IDP_`` and a name, ``__`` between a section and its field. Every configuration
error is reported at once, as sentences. Nothing else reads the environment.
"""

import os
import ssl
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import urljoin, urlsplit

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from idp.authn.card.settings import TrustSection
from idp.authn.otp.settings import OtpSection
from idp.core.section import Section
from idp.keystore.settings import KeysSection
from idp.login.settings import SessionSection, ThrottleSection
from idp.login.throttle import Scale
from idp.notify.settings import SmsSection
from idp.oidc.sections import MtlsSection, RegistrationSection, TokensSection
from idp.outbound.settings import OutboundSection, ServiceSection
from idp.registry.settings import RegistrySection
from idp.sources import PREFIX, SECRETS, from_file, from_secrets, merged, why, without
from idp.storage.settings import DatabaseSection, RedisSection
from idp.web.settings import ManagementSection

Network: TypeAlias = IPv4Network | IPv6Network


def _networks(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(ip_network(each.strip()) for each in value.split(",") if each.strip())
    return value


class InvalidSettings(Exception):
    """Invalid settings; ``problems`` has one sentence for each error."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Settings(BaseSettings):
    """All settings."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
    )

    issuer: str = Field(
        "http://localhost:8000", description="`https://host[:port]`; http on loopback only."
    )
    sandbox: bool = Field(
        False, description="For relying parties' tests: test citizens, known codes, a banner."
    )
    state_directory: Path = Field(
        Path("var"), description="Folder for the files of SQLite, the embedded Valkey and metrics."
    )
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)] = Field(
        (), description="Comma-separated networks whose forwarding headers are trusted."
    )
    hotline: str = Field("", description="Telephone number in the footer of pages.")
    privacy_url: str = Field(
        "", description="The privacy notice: in the footer, and `op_policy_uri` in the metadata."
    )
    terms_url: str = Field(
        "", description="The terms that relying parties accept: `op_tos_uri` in the metadata."
    )
    documentation_url: str = Field(
        "",
        description="The developers' documentation: `service_documentation` in the metadata.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Lowest severity of written log lines."
    )
    database: DatabaseSection = DatabaseSection()
    redis: RedisSection = RedisSection()
    keys: KeysSection = KeysSection()
    trust: TrustSection = TrustSection()
    management: ManagementSection = ManagementSection()
    session: SessionSection = SessionSection()
    tokens: TokensSection = TokensSection()
    otp: OtpSection = OtpSection()
    throttle: ThrottleSection = ThrottleSection()
    registry: RegistrySection = RegistrySection()
    sms: SmsSection = SmsSection()
    outbound: OutboundSection = OutboundSection()
    mtls: MtlsSection = MtlsSection()
    registration: RegistrationSection = RegistrationSection()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The constructor's arguments and nothing else; :func:`load` reads the environment."""
        return (init_settings,)

    @property
    def loopback(self) -> bool:
        """Whether the issuer is this machine: development and tests."""
        try:
            host = urlsplit(self.issuer).hostname or ""
        except ValueError:  # the issuer's own check reports it
            return False
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost" or host.endswith(".localhost")

    @property
    def production(self) -> bool:
        """Whether real citizens may log in here."""
        return not self.sandbox and not self.loopback

    @property
    def database_url(self) -> str:
        """The database's SQLAlchemy URL."""
        if self.database.url is not None:
            return self.database.url.get_secret_value()
        return f"sqlite:///{self.state_directory.absolute() / 'idp.db'}"

    @property
    def redis_url(self) -> str | None:
        """The URL of Redis; None for the embedded Valkey in :attr:`valkey_directory`."""
        return self.redis.url.get_secret_value() if self.redis.url else None

    @property
    def valkey_directory(self) -> Path:
        """The folder of the embedded Valkey's files."""
        return self.state_directory / "valkey"

    @property
    def inbox(self) -> Path:
        """The demo phone's inbox, which receives texts without an SMS gateway."""
        return self.state_directory / "inbox.jsonl"

    @property
    def simulated_cards(self) -> Path:
        """The simulated reader's folder: the software cards of demo citizens, a file each."""
        return self.state_directory / "cards"

    @property
    def card_authority(self) -> Path:
        """The key folder of the development authority, which issues software cards."""
        return self.keys.directory / "card-authority"

    @property
    def scale(self) -> Scale:
        """How the deployment changes limits."""
        return Scale(self.sandbox, self.throttle.per_address)

    @property
    def trust_directories(self) -> tuple[Path, ...]:
        """The folders of the chip cards' trust anchors."""
        own = () if self.production else (self.card_authority / "trust",)
        return (self.trust.directory, *own)


class _Environment(EnvSettingsSource):
    """The environment, except secret files and variables for a whole section."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        files = {f"{PREFIX}{name}_file".lower() for name in SECRETS}
        found = super()._load_env_vars()
        return {name: each for name, each in found.items() if name not in files | _SECTIONS}


_SECTIONS = {
    f"{PREFIX}{name}".lower()
    for name, field in Settings.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
}


def load() -> Settings:
    """Read the settings: the environment with its secret files, before the TOML file.

    Raises:
        InvalidSettings: with every configuration error.
    """
    problems = list(_unknown())
    values = merged(from_file(problems), from_secrets(problems), _Environment(Settings)())
    try:
        settings = Settings(**values)
    except ValidationError as error:
        invalid = error.errors()
        problems += map(_sentence, invalid)
        settings = Settings(**without(values, invalid))
    reported = {each.partition(":")[0] for each in problems}
    found = (*_contradictions(settings), *_dangers(settings))
    problems += [each for each in found if each.partition(":")[0] not in reported]
    if problems:
        raise InvalidSettings(tuple(problems))
    return settings


def variables() -> Iterator[tuple[str, Any]]:
    """Every variable and its pydantic field, in order."""
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, Section):
            for inner, its in section.model_fields.items():
                yield f"{PREFIX}{name}__{inner}".upper(), its
        else:
            yield f"{PREFIX}{name}".upper(), field


def _unknown() -> Iterator[str]:
    """Report unknown variables with our prefix: a misspelt limit would not limit anything.

    Unknown variables of a section are reported when the section is read.
    """
    known = {*Settings.model_fields, "config", "secrets_directory"}
    for name in sorted(os.environ):
        section = name.removeprefix(PREFIX).partition("__")[0].lower()
        if name.startswith(PREFIX) and (section not in known or name.lower() in _SECTIONS):
            yield f"Unknown setting {name}."


def _sentence(problem: Mapping[str, Any]) -> str:
    """One validation error as a sentence. The value is not quoted: it may be a secret."""
    name = PREFIX + "__".join(str(each) for each in problem["loc"][:2]).upper()
    return f"{name}: {problem['msg'].removeprefix('Value error, ')}."


def _contradictions(settings: Settings) -> Iterator[str]:
    yield from _issuer_problems(settings)
    yield from _page_problems(settings)
    if settings.registry.source == "http" and settings.registry.url is None:
        yield "IDP_REGISTRY__URL: is required when the registry's source is http."
    if settings.sandbox and settings.registry.source == "http":
        yield "IDP_REGISTRY__SOURCE: must be sql in a sandbox, which has test citizens only."
    if settings.sms.url is not None and settings.sms.token is None:
        yield "IDP_SMS__TOKEN: is required with an SMS gateway."
    yield from _tls_problems(settings)
    yield from _statement_contradictions(settings)
    try:
        _ = settings.mtls.authorities
    except (OSError, ValueError) as error:
        yield f"IDP_MTLS__CA_FILE: cannot be read: {error}."


def _issuer_problems(settings: Settings) -> Iterator[str]:
    try:
        parts = urlsplit(settings.issuer)
        whole = settings.issuer == f"{parts.scheme}://{parts.netloc}" and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        whole = False
    if not whole or "@" in settings.issuer:
        yield "IDP_ISSUER: must be https://host[:port] with nothing after it."
    elif parts.scheme != "https" and not (parts.scheme == "http" and settings.loopback):
        yield "IDP_ISSUER: must be https; http is allowed on localhost only."


def _page_problems(settings: Settings) -> Iterator[str]:
    """The metadata's pages: absolute URLs; a path means a page of the provider."""
    for name in ("privacy_url", "terms_url", "documentation_url"):
        url = getattr(settings, name)
        try:
            parts = urlsplit(urljoin(settings.issuer, url))
            good = parts.scheme in {"https", urlsplit(settings.issuer).scheme} and parts.netloc
        except ValueError:
            good = ""
        if url and not good:
            yield f"{PREFIX}{name.upper()}: must be an https address or a path."


def _tls_problems(settings: Settings) -> Iterator[str]:
    """Invalid certificate and key files of connections to other services."""
    outgoing: dict[str, OutboundSection | ServiceSection]
    outgoing = {"OUTBOUND": settings.outbound, "REGISTRY": settings.registry, "SMS": settings.sms}
    for name, given in outgoing.items():
        try:
            _ = given.ca_file and ssl.create_default_context(cafile=given.ca_file)
        except OSError as error:
            yield f"{PREFIX}{name}__CA_FILE: cannot be read: {why(error)}."
    for name, service in (("REGISTRY", settings.registry), ("SMS", settings.sms)):
        try:
            if service.certificate_file or service.private_key_file:
                ours = service.certificate_file or "", service.private_key_file
                ssl.create_default_context().load_cert_chain(*ours, password="-")  # noqa: S106
        except OSError as error:
            yield f"{PREFIX}{name}__CERTIFICATE_FILE and _PRIVATE_KEY_FILE: {why(error)}."


def _statement_contradictions(settings: Settings) -> Iterator[str]:
    given = settings.registration
    if bool(given.software_statement_issuer) is not bool(given.software_statement_jwks):
        yield "IDP_REGISTRATION__SOFTWARE_STATEMENT_ISSUER and _JWKS: must be set together."
    try:
        if given.software_statement_jwks and not given.statement_keys.keys:
            yield "IDP_REGISTRATION__SOFTWARE_STATEMENT_JWKS: has no supported key."
    except (OSError, ValueError) as error:
        yield f"IDP_REGISTRATION__SOFTWARE_STATEMENT_JWKS: cannot be read: {error}."


def _dangers(settings: Settings) -> Iterator[str]:
    """Settings that are optional in development and required in production."""
    if not settings.production:
        return
    for name, given in (
        ("DATABASE__URL", settings.database.url is not None),
        ("REDIS__URL", settings.redis.url is not None),
        ("KEYS__DIRECTORY", "directory" in settings.keys.model_fields_set),
        ("TRUST__DIRECTORY", "directory" in settings.trust.model_fields_set),
    ):
        if not given:
            yield f"{PREFIX}{name}: is required in production."
    if settings.sms.url is None:
        yield "IDP_SMS__URL: is required in production; the demo phone shows codes to anybody."
    if settings.registration.policy == "open":
        yield "IDP_REGISTRATION__POLICY: open is allowed in a sandbox only."
    if settings.outbound.allow_loopback:
        yield "IDP_OUTBOUND__ALLOW_LOOPBACK: is allowed in tests only."
