"""Which addresses a relying party may make us call: global unicast ones (RFC 6890, RFC 4291 §2.4).

From IANA's special-purpose registries. Whatever could stand for an IPv4 address inside an IPv6 one
(mapped, NAT64, 6to4, Teredo) is refused as a kind, so nothing has to be taken apart.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

from idp.outbound.errors import OutboundError
from idp.outbound.target import Target

Address: TypeAlias = IPv4Address | IPv6Address

_REFUSED_V4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this host and network
            "10.0.0.0/8",
            "100.64.0.0/10",  # carriers' own, RFC 6598; one cloud's metadata
            "127.0.0.0/8",
            "168.63.129.16/32",  # public in form, the host agent of one cloud in fact
            "169.254.0.0/16",  # link-local; the metadata of most clouds
            "172.16.0.0/12",
            "192.0.0.0/24",  # protocol assignments; one cloud's metadata
            "192.0.2.0/24",
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
        ),
    )
)
_GLOBAL_V6 = IPv6Network("2000::/3")
"""All there is. Outside: ``::``, ``::1``, mapped, NAT64, ULA, link-local, multicast."""
_REFUSED_V6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
            "2001:db8::/32",
            "2002::/16",  # 6to4
            "3fff::/20",  # documentation
        ),
    )
)


def check_address(text: str, *, loopback: bool, only_loopback: bool = False) -> Address:
    """The address, which may be called; ``loopback``: this machine's own may be, too.

    ``only_loopback``: none but this machine's own (what is sent there is not encrypted).

    Raises:
        OutboundError: ``address``.
    """
    try:
        address = ip_address(text)
    except ValueError:
        raise OutboundError("address") from None
    # Not ``is_loopback``, which newer Pythons say of ::ffff:127.0.0.1 as well.
    own = address in _LOOPBACK_V4 if address.version == 4 else address == _LOOPBACK_V6
    if own and (loopback or only_loopback):
        return address
    if only_loopback or not _global(address):
        raise OutboundError("address")
    return address


def check_target(target: Target, *, loopback: bool) -> Target:
    """The target, which may be called as far as its URL tells: a name is looked up at the call.

    Raises:
        OutboundError: ``url``, ``address``.
    """
    if not target.tls and not loopback:
        raise OutboundError("url")
    if target.numeric:
        check_address(target.host, loopback=loopback, only_loopback=not target.tls)
    elif not loopback and target.host.rpartition(".")[2] == "localhost":  # RFC 6761 §6.3
        raise OutboundError("address")
    return target


_LOOPBACK_V4 = IPv4Network("127.0.0.0/8")
_LOOPBACK_V6 = IPv6Address("::1")


def _global(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in each for each in _REFUSED_V4)
    return (
        address.scope_id is None
        and address in _GLOBAL_V6
        and not any(address in each for each in _REFUSED_V6)
    )
