"""The address of the person behind the proxies (standards NS-1): only what a trusted proxy says counts."""

from collections.abc import Callable, Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address


def client_address(connection: str, forwarded_for: Iterable[bytes], trusts: Callable[[str], bool]) -> str:
    """Return the nearest address that is no trusted proxy.

    `connection` is the address of the connection itself; `forwarded_for` are the values of `X-Forwarded-For`, in the
    order of the headers. Each proxy appends whom it was called by, so the list is read from its end, and only as far
    as trusted proxies have written it: what stands before that, anybody can have invented.
    """
    named = [part for value in forwarded_for for part in value.decode("latin-1").split(",")]
    address = connection
    while named and trusts(address):
        told = _read(named.pop())
        if told is None:
            break
        address = told
    return address


def within(address: str, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    """Tell whether an address lies in one of the networks; what is no address lies in none."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:  # how a socket on `::` names IPv4 peers
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in networks)


def _read(text: str) -> str | None:
    """Return an address as Python spells it, without the port that some proxies add; None for anything else."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ip_address(text))
    except ValueError:
        return None
