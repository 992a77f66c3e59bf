"""The client behind the operator's proxies: Forwarded (RFC 7239) and X-Forwarded-For.

Each proxy writes the address that it saw at the right end. So the right-most address that is not
one of the operator's proxies is the client, and everything to its left may be the client's own
invention. An entry that names no address (``unknown``, an obfuscated identifier, a text that
cannot be read) ends the search at the last proxy that is believed.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

import structlog

from idp.web.metrics import FORWARDING_UNREAD

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_HOPS = 16
MAX_REMEMBERED = 4096
"""Addresses whose reading is kept: the same clients ask again and again."""
MAX_REMEMBERED_TEXT = 64
"""Longer texts are read anew each time, so that strangers cannot fill the memory."""
_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
# Gateways leave the quotes out where the colons and brackets of an address need them.
_TEXT = r"[!#$%&'*+.^_`|~0-9A-Za-z:\[\]-]+"
_PAIR = re.compile(rf'({_NAME})=(?:({_TEXT})|"((?:[^"\\]|\\.)*)")')
_BLANK = re.compile(r"[ \t]*")
_PORT = r"(?::(?:[0-9]{1,5}|_[0-9A-Za-z._-]+))?"
_NODE = re.compile(
    rf"\[([0-9A-Fa-f:.]+)(?:%[^\]]*)?\]{_PORT}|([0-9.]+){_PORT}|([0-9A-Fa-f:.]+)(?:%.*)?"
)

_log = structlog.get_logger("idp.web")
_told = set[str]()


@dataclass(frozen=True, slots=True)
class Hop:
    """What one proxy wrote: the address it saw, ``""`` where it names none, and ``proto``."""

    address: str
    proto: str = ""


@dataclass(frozen=True, slots=True)
class Trust:
    """Which peers' forwarding headers are believed: the operator's proxies."""

    proxies: tuple[Network, ...] = ()
    _known: Callable[[str], bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        known = lru_cache(MAX_REMEMBERED)(self._compare)
        object.__setattr__(self, "_known", known)  # the class is frozen

    def believes(self, address: str) -> bool:
        """Whether ``address`` is one of the operator's proxies. Never looks a name up."""
        if not self.proxies:
            return False
        known = self._known if len(address) <= MAX_REMEMBERED_TEXT else self._compare
        return known(address)

    def _compare(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(node(address))
        except ValueError:
            return False
        return any(parsed in network for network in self.proxies)


NO_PROXIES = Trust()


def client(headers: Mapping[str, str], peer: str, secure: bool, trust: Trust) -> tuple[str, bool]:
    """The client's address and whether it came by https, as told by the believed proxy ``peer``.

    Where both headers are there and name different clients, one of them is not the proxy's: then
    neither is believed.
    """
    found = []
    for name, read in (("forwarded", forwarded), ("x-forwarded-for", x_forwarded_for)):
        if headers.get(name, "").strip():
            found.append(_search(name, _read(read, headers[name]), peer, trust))
    if not found:
        return peer, _is_secure(headers.get("x-forwarded-proto", ""), secure)
    if any(each.address != found[0].address for each in found):
        _count("both")
        return peer, secure
    proto = found[0].proto or headers.get("x-forwarded-proto", "")
    return found[0].address, _is_secure(proto, secure)


def _read(read: Callable[[str], tuple[Hop, ...]], value: str) -> tuple[Hop, ...]:
    try:
        return read(value)
    except ValueError:
        return (Hop(""),)


def _search(header: str, hops: tuple[Hop, ...], peer: str, trust: Trust) -> Hop:
    """The right-most hop that is not one of our proxies."""
    last = Hop(peer)
    for hop in reversed(hops[-MAX_HOPS:]):
        if not hop.address:
            _count(header)
            break
        last = hop
        if not trust.believes(hop.address):
            break
    return last


def forwarded(value: str) -> tuple[Hop, ...]:
    """The hops of a Forwarded header, its lines joined by commas.

    Raises:
        ValueError: it breaks the grammar of RFC 7239 §4, or an element repeats a parameter.
    """
    hops, element, at = list[Hop](), dict[str, str](), 0
    while at < len(value):
        at = _past_blanks(value, at)
        pair = _PAIR.match(value, at)
        if pair:
            name, at = pair[1].lower(), _past_blanks(value, pair.end())
            if name in element:
                raise ValueError(f"{name} is repeated")
            element[name] = pair[2] or re.sub(r"\\(.)", r"\1", pair[3] or "")
        after = value[at : at + 1]
        if after not in (";", ",", "") or (after == ";" and not pair):
            raise ValueError("not an element of Forwarded")
        if after in (",", "") and element:
            hops.append(_hop(element))
            element = {}
        at += 1
    if element:
        hops.append(_hop(element))
    return tuple(hops)


def _past_blanks(value: str, at: int) -> int:
    found = _BLANK.match(value, at)
    return found.end() if found else at


def _hop(element: Mapping[str, str]) -> Hop:
    return Hop(node(element.get("for", "")), element.get("proto", ""))


def x_forwarded_for(value: str) -> tuple[Hop, ...]:
    """The hops of X-Forwarded-For: addresses, with a port or in quotes as gateways write them."""
    entries = value.rsplit(",", MAX_HOPS)[-MAX_HOPS:]
    return tuple(Hop(node(each.strip().strip('"').strip())) for each in entries)


def node(text: str) -> str:
    """The address of ``192.0.2.1:47011``, ``[2001:db8::1%eth0]:47011`` and the like, or ``""``.

    No port, no zone; an IPv4-mapped IPv6 address is the IPv4 address.
    """
    return _node(text) if len(text) <= MAX_REMEMBERED_TEXT else _read_node(text)


def _read_node(text: str) -> str:
    found = _NODE.fullmatch(text)
    if found is None:
        return ""
    try:
        address = ipaddress.ip_address(found[1] or found[2] or found[3])
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)


_node = lru_cache(MAX_REMEMBERED)(_read_node)


def _is_secure(proto: str, otherwise: bool) -> bool:
    return {"https": True, "http": False}.get(proto.strip().lower(), otherwise)


def _count(header: str) -> None:
    """Tell the operator: until it is mended, these clients share the limits of the proxy."""
    FORWARDING_UNREAD.labels(header).inc()
    if header not in _told:
        _told.add(header)
        _log.warning("forwarding header names no client; the proxy counts as one", header=header)
