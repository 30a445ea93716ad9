"""Which addresses the server may connect to when somebody else chose the host (NS-4, RFC 6890).

For IPv4 everything is allowed but the special-purpose blocks. For IPv6 it is the other way round: global unicast
alone, without the blocks in it that are something else. An address that carries an IPv4 address leads where that one
leads, by way of a gateway that we know nothing about: it is refused whatever it carries.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

OWN = frozenset({"loopback", "private", "shared", "unique local"})
"""The kinds that an operator's own servers have: those that an exemption lets in."""

_V4 = tuple(
    (IPv4Network(network), kind)
    for network, kind in (
        ("0.0.0.0/8", "unspecified"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "reserved"),
        ("192.52.193.0/24", "reserved"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "reserved"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)

_V6 = tuple(
    (IPv6Network(network), kind)
    for network, kind in (
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("::/96", "IPv4-compatible"),
        ("::ffff:0:0/96", "IPv4-mapped"),
        ("::ffff:0:0:0/96", "IPv4-translated"),
        ("64:ff9b::/96", "NAT64"),
        ("64:ff9b:1::/48", "NAT64"),
        ("100::/64", "discard-only"),
        ("2001::/32", "Teredo"),
        ("2001:2::/48", "benchmarking"),
        ("2001::/23", "reserved"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("2620:4f:8000::/48", "reserved"),
        ("3fff::/20", "documentation"),
        ("fc00::/7", "unique local"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)
"""The first network that has an address decides."""

_CARRIES = {"IPv4-compatible": 0, "IPv4-mapped": 0, "IPv4-translated": 0, "NAT64": 0, "Teredo": 0, "6to4": 80}
"""Kinds that carry an IPv4 address, and how many bits stand behind it."""

_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})
"""The first half of an interface identifier that carries an IPv4 address in the second (RFC 5214 §6.1)."""

_GLOBAL_UNICAST = IPv6Network("2000::/3")


def forbidden(address: Address, *, exempt: bool = False) -> str | None:
    """Return of which kind the address is that nothing may connect to; None when it may be connected to.

    `exempt` allows the kinds of `OWN`, in plain form, and no others.
    """
    kind = _kind_of_v4(address) if isinstance(address, IPv4Address) else _kind_of_v6(address)
    return None if exempt and kind in OWN else kind


def _kind_of_v4(address: IPv4Address) -> str | None:
    return next((kind for network, kind in _V4 if address in network), None)


def _kind_of_v6(address: IPv6Address) -> str | None:
    if address.scope_id is not None:
        return "scoped"
    value = int(address)
    listed = next((kind for network, kind in _V6 if address in network), None)
    if listed in _CARRIES:
        carried = value >> _CARRIES[listed] & 0xFFFF_FFFF
        # A Teredo address carries its client's with every bit turned (RFC 4380 §4).
        return _carrying(listed, carried ^ 0xFFFF_FFFF if listed == "Teredo" else carried)
    if listed is None and value >> 32 & 0xFFFF_FFFF in _ISATAP:
        return _carrying("ISATAP", value & 0xFFFF_FFFF)
    return listed if listed or address in _GLOBAL_UNICAST else "reserved"


def _carrying(kind: str, carried: int) -> str:
    inner = _kind_of_v4(IPv4Address(carried))
    return f"{kind}, carrying one that is {inner}" if inner else kind
