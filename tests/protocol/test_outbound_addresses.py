"""The addresses that nothing of ours connects to because a stranger says so (NS-4, RFC 6890)."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol.outbound_addresses import OWN, forbidden

KINDS = {
    "unspecified": ["0.0.0.0", "0.255.255.255", "::"],
    "loopback": ["127.0.0.0", "127.0.0.1", "127.255.255.255", "::1"],
    "private": ["10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255"],
    "shared": ["100.64.0.0", "100.127.255.255"],
    "link-local": ["169.254.0.0", "169.254.169.254", "169.254.255.255", "fe80::", "febf:ffff::1"],
    "site-local": ["fec0::1", "feff:ffff::1"],
    "unique local": ["fc00::", "fdff:ffff::1", "fd00:ec2::254"],
    "documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.255", "2001:db8::1", "3fff:0:0:1::1"],
    "benchmarking": ["198.18.0.0", "198.19.255.255", "2001:2::1"],
    "multicast": ["224.0.0.0", "239.255.255.255", "ff00::", "ff02::1"],
    "reserved": [
        *("192.0.0.0", "192.0.0.170", "192.31.196.1", "192.52.193.1", "192.175.48.1", "240.0.0.0", "255.255.255.255"),
        *("2001:1::1", "2001:10::1", "2001:1ff::1", "2620:4f:8000::1", "4000::1", "5f00::1", "f000::1", "1::1"),
    ],
    "6to4 relay": ["192.88.99.1"],
    "discard-only": ["100::1"],
    "IPv4-mapped": ["::ffff:93.184.215.14"],
    "IPv4-mapped, carrying one that is loopback": ["::ffff:127.0.0.1"],
    "IPv4-compatible": ["::93.184.215.14"],
    "IPv4-compatible, carrying one that is private": ["::10.0.0.1"],
    "IPv4-translated, carrying one that is private": ["::ffff:0:10.0.0.1"],
    "NAT64": ["64:ff9b::93.184.215.14"],
    "NAT64, carrying one that is link-local": ["64:ff9b::169.254.169.254", "64:ff9b:1::169.254.169.254"],
    "6to4": ["2002:5db8:d70e::1"],
    "6to4, carrying one that is private": ["2002:c0a8:1::1"],
    "Teredo": ["2001:0:4136:e378:8000:63bf:a247:28f1"],
    "Teredo, carrying one that is loopback": ["2001::80ff:fffe"],
    "ISATAP": ["2a00:1450::5efe:5db8:d70e"],
    "ISATAP, carrying one that is private": ["2a00:1450::5efe:a00:1", "2a00:1450::200:5efe:a00:1"],
    "scoped": ["fe80::1%eth0", "2606:4700::1%1"],
}

PUBLIC = [
    *("1.1.1.1", "9.255.255.255", "11.0.0.0", "93.184.215.14", "100.63.255.255", "100.128.0.0", "126.255.255.255"),
    *("128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255"),
    *("192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"),
    *("2001:200::1", "2001:4860:4860::8888", "2003::1", "2606:4700::1", "2a00:1450:4001::1", "3ffe::1", "2000::1"),
]


@pytest.mark.spec("standards", "NS-4")
@pytest.mark.parametrize(("kind", "address"), [(kind, address) for kind, found in KINDS.items() for address in found])
def test_an_address_that_is_not_public_is_named(kind: str, address: str) -> None:
    assert forbidden(ip_address(address)) == kind


@pytest.mark.spec("standards", "NS-4")
@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address: str) -> None:
    assert forbidden(ip_address(address)) is None


@pytest.mark.spec("standards", "NS-4")
@pytest.mark.parametrize("kind", KINDS)
def test_an_exemption_lets_in_what_servers_of_our_own_have_and_nothing_else(kind: str) -> None:
    found = {forbidden(ip_address(address), exempt=True) for address in KINDS[kind]}
    assert found == ({None} if kind in OWN else {kind})


@pytest.mark.spec("standards", "NS-4")
@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_no_ipv4_address_that_is_not_global_gets_through(address: IPv4Address) -> None:
    assert address.is_global or forbidden(address)


@pytest.mark.spec("standards", "NS-4")
@given(st.integers(0, 2**128 - 1).map(IPv6Address))
def test_no_ipv6_address_that_is_not_global_gets_through(address: IPv6Address) -> None:
    assert address.is_global or forbidden(address)


LISTED = "0/8 10/8 100.64/10 127/8 169.254/16 172.16/12 192.0.0/24 192.168/16 198.18/15 224/4 240/4"
"""As NS-4 lists them."""


@pytest.mark.spec("standards", "NS-4")
@pytest.mark.parametrize("written", LISTED.split())
def test_every_block_of_the_list_is_refused_from_its_first_to_its_last_address(written: str) -> None:
    start, length = written.split("/")
    network = IPv4Network(f"{start}{'.0' * (3 - start.count('.'))}/{length}")
    for address in (network[0], network[-1]):
        assert forbidden(address)
        assert forbidden(IPv6Address(f"::ffff:{address}"))
