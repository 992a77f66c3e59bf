"""Where a URL leads: read once, strictly, so that no second reader can understand it otherwise.

Which addresses may be called is ``outbound.addresses``'.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address

from idp.outbound.errors import OutboundError

MAX_URL = 2_000
_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9.\-]{1,253})"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[A-Za-z0-9\-._~:/@!$&'()*+,;=%\[\]]*)?"
    r"(?P<query>\?[A-Za-z0-9\-._~:/?@!$&'()*+,;=%\[\]]*)?"
    r"(?:\#[A-Za-z0-9\-._~:/?@!$&'()*+,;=%]*)?",  # RFC 9110 §4.2.5: a fragment is not sent
    re.ASCII,
)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?", re.ASCII)
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Target:
    """A server and what to ask it for. ``host`` is a name, or an address without brackets.

    ``numeric``: it is an address.
    """

    scheme: str
    host: str
    numeric: bool
    port: int
    path: str

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted and the server proves its name."""
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """The Host header (RFC 9110 §7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def parse_target(url: str) -> Target:
    """The target of an http or https URL; a fragment is dropped.

    Raises:
        OutboundError: ``url``: another scheme, user information, a host that is neither a plain
            name nor an address in its normal form, or any character that a URL may not have.
    """
    found = _URL.fullmatch(url) if len(url) <= MAX_URL else None
    if found is None:
        raise OutboundError("url")
    port = int(found["port"] or _PORTS[found["scheme"]])
    if not 0 < port < 1 << 16:
        raise OutboundError("url")
    path = (found["path"] or "/") + (found["query"] or "")
    host, numeric = _host(found["host"].lower())
    return Target(found["scheme"], host, numeric, port, path)


def _host(host: str) -> tuple[str, bool]:
    """A host that every resolver reads alike, and whether it is an address.

    0x7f.1, 2130706433 and 127.1 are addresses to some. A last label that begins with a digit is a
    number's; no top-level domain does.
    """
    bare = host.removeprefix("[").removesuffix("]")
    if bare != host or host.rpartition(".")[2][:1].isdigit():
        try:
            address = ip_address(bare)
        except ValueError:
            raise OutboundError("url") from None
        if (address.version == 6) != (bare != host):
            raise OutboundError("url")
        return str(address), True
    if not all(_LABEL.fullmatch(label) for label in host.split(".")):
        raise OutboundError("url")
    return host, False
