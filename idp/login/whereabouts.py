"""Where a session is used: the kind of browser, and the network. Coarse, so that it is no profile.

A stolen cookie is used from elsewhere (OWASP ASVS 5.0 §7.6). It is a notice, not a proof: a thief
can send the same User-Agent, and a phone changes its network. Versions are ignored, so that an
update is no move.
"""

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address, ip_network

from idp.web.forwarded import node
from idp.web.http import Request

SOON = 15 * 60
"""Seconds after a session's last use in which another network counts as a move."""
MAX_AGENT = 512
"""Characters of a User-Agent that are read: those of the browsers are shorter."""
_PREFIX = {4: 16, 6: 32}
"""Bits of an address that name a network: about one provider's customers of a region."""
_BROWSERS = (
    *(("edg", "edge"), ("opr/", "opera"), ("samsungbrowser", "samsung"), ("coc_coc", "coccoc")),
    *(("zalo", "zalo"), ("firefox", "firefox"), ("fxios", "firefox"), ("crios", "chrome")),
    *(("chrome", "chrome"), ("chromium", "chrome"), ("safari", "safari")),
)
"""Marks of a User-Agent and what they mean; the first one counts, for browsers name each other."""
_SYSTEMS = (
    *(("android", "android"), ("iphone", "ios"), ("ipad", "ios"), ("windows", "windows")),
    *(("mac os", "macos"), ("cros", "chromeos"), ("linux", "linux")),
)


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """``agent`` is ``browser/system``, ``network`` a prefix; each ``""`` where it is not known."""

    agent: str = ""
    network: str = ""


NOWHERE = Whereabouts()


def of(request: Request) -> Whereabouts:
    """Where a request comes from."""
    agent = request.headers.get("user-agent", "")
    return Whereabouts(_agent(agent[:MAX_AGENT]), _network(request.peer))


def moved(known: Whereabouts, now: Whereabouts, *, seconds: int) -> tuple[str, ...]:
    """What changed since ``seconds`` ago, of ``user_agent`` and ``network``; never the unknown."""
    agent = "" not in (known.agent, now.agent) and known.agent != now.agent
    network = "" not in (known.network, now.network) and known.network != now.network
    changes = (("user_agent", agent), ("network", network and seconds < SOON))
    return tuple(name for name, changed in changes if changed)


@lru_cache(maxsize=1024)
def _agent(header: str) -> str:
    """``browser/system``; a request without the header is ``other/other``, so that it is a move."""
    text = header.lower()
    return f"{_first(_BROWSERS, text)}/{_first(_SYSTEMS, text)}"


def _first(marks: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for mark, name in marks if mark in text), "other")


@lru_cache(maxsize=4096)
def _network(peer: str) -> str:
    try:
        address = ip_address(node(peer))  # an IPv4-mapped address is the IPv4 one
    except ValueError:
        return ""
    return str(ip_network((address, _PREFIX[address.version]), strict=False))
