"""What the pages must know of the deployment."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from idp.core.section import Section


@dataclass(frozen=True, slots=True)
class Site:
    """One deployment as its pages show it.

    ``origin`` is the issuer's scheme, host and port. ``hotline`` and ``privacy_url`` stand in the
    footer where they are set.
    """

    origin: str
    sandbox: bool = False
    hotline: str = ""
    privacy_url: str = ""

    @property
    def secure(self) -> bool:
        """Whether the issuer is reached by https: Secure cookies and HSTS depend on it."""
        return self.origin.startswith("https://")

    @property
    def host(self) -> str:
        """The host a citizen must see in the address bar, with its port if it has one."""
        return urlsplit(self.origin).netloc


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


def _bind(text: str) -> str:
    host_port(text)
    return text


class ManagementSection(Section):
    bind: Annotated[str, AfterValidator(_bind)] = Field(
        "127.0.0.1:9000", description="Address of /healthz, /readyz and /metrics; never public."
    )
