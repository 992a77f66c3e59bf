"""What the pages must know of the deployment."""

from dataclasses import dataclass
from urllib.parse import urlsplit


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
