"""Which addresses may be called: the global unicast ones, whatever they are dressed up as."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.outbound.addresses import check_address
from idp.outbound.errors import OutboundError

INTERNAL = (
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",  # a cloud's metadata
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",  # another's
    "169.254.169.254",  # and most others'
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.168.1.1",
    "198.19.255.255",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::7f00:1",
    "2001:0:53aa:64c:0:0:80ff:fffe",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:808:808::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",  # a cloud's metadata
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700::1111%eth0",
    "fec0::1",
    "ff02::1",
    "not an address",
    "0x7f000001",
    "2130706433",
    "",
)


def refused(text: str, *, loopback: bool = False, only_loopback: bool = False) -> bool:
    try:
        check_address(text, loopback=loopback, only_loopback=only_loopback)
    except OutboundError:
        return True
    return False


@pytest.mark.attack("N01")
@pytest.mark.parametrize("text", INTERNAL)
def test_N01_what_is_not_global_is_refused(text: str) -> None:
    assert refused(text)
    assert refused(text, loopback=True) is (text not in {"127.0.0.1", "127.255.255.254", "::1"})


@pytest.mark.parametrize("text", ["8.8.8.8", "1.1.1.1", "203.162.4.191", "2606:4700::1111"])
def test_global_addresses_may_be_called(text: str) -> None:
    assert str(check_address(text, loopback=False)) == text
    assert refused(text, only_loopback=True)


@pytest.mark.parametrize("text", ["127.0.0.1", "127.1.2.3", "::1"])
def test_this_machine_where_it_is_allowed(text: str) -> None:
    assert str(check_address(text, loopback=True)) == text
    assert str(check_address(text, loopback=True, only_loopback=True)) == text


addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))


@pytest.mark.attack("N01")
@given(addresses)
def test_N01_nothing_is_let_through_that_the_registries_keep_back(
    address: IPv4Address | IPv6Address,
) -> None:
    if refused(str(address)):
        return
    assert address.is_global
    for kind in ("multicast", "private", "reserved", "loopback", "link_local", "unspecified"):
        assert not getattr(address, f"is_{kind}")
    if address.version == 6:
        assert address.ipv4_mapped is None
        assert address.sixtofour is None
        assert address.teredo is None


@pytest.mark.attack("N01")
@given(st.ip_addresses(v=4))
def test_N01_no_address_gets_through_inside_another(address: IPv4Address) -> None:
    number = int(address)
    for prefix in ("::ffff:0:0", "::", "64:ff9b::", "64:ff9b:1::"):
        assert refused(str(IPv6Address(int(IPv6Address(prefix)) + number)), loopback=number != 1)
    assert refused(str(IPv6Address((0x2002 << 112) + (number << 80) + 1)))
    assert refused(str(IPv6Address((0x20010000 << 96) + (number ^ 0xFFFFFFFF))))


@given(addresses)
def test_only_this_machine_is_never_more_than_this_machine(
    address: IPv4Address | IPv6Address,
) -> None:
    if not refused(str(address), only_loopback=True):
        assert ip_address(str(address)).is_loopback
