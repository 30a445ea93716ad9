"""As whom addresses are counted."""

import pytest

from app.protocol.addresses import network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
        ("/run/assent.sock", ""),
        ("testclient", ""),
    ],
)
def test_an_address_counts_as_itself_and_one_of_ipv6_as_its_network(address: str, network: str) -> None:
    assert network_of(address) == network
