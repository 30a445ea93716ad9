"""Addresses of clients, as failures are counted by them."""

from ipaddress import IPv6Address, ip_address


def network_of(address: str) -> str:
    """Return who an address belongs to: itself, of IPv6 its /64 network; empty for what is none (a unix socket)."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)
