"""Behind proxies, the client's address is what the trusted ones say, and nothing that he says himself."""

import pytest

from app.telemetry.forwarded import client_address

PROXIES = frozenset({"10.0.0.1", "10.0.0.2", "::1"})


@pytest.mark.spec("standards", "NS-1")
@pytest.mark.spec("standards", "BC-17")
@pytest.mark.parametrize(
    ("connection", "headers", "expected"),
    [
        ("203.0.113.7", [], "203.0.113.7"),
        ("203.0.113.7", [b"198.51.100.1"], "203.0.113.7"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [b"203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", [b"198.51.100.1, 203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", [b"198.51.100.1", b"203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", [b"198.51.100.1, 203.0.113.7, 10.0.0.2"], "203.0.113.7"),
        ("10.0.0.1", [b"10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", [b"203.0.113.7:4711"], "203.0.113.7"),
        ("10.0.0.1", [b"[2001:db8::1]:4711"], "2001:db8::1"),
        ("10.0.0.1", [b"2001:DB8:0::1"], "2001:db8::1"),
        ("::1", [b"203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", [b"203.0.113.7, unknown"], "10.0.0.1"),
        ("10.0.0.1", [b""], "10.0.0.1"),
        ("10.0.0.1", [b"\xff, ,,"], "10.0.0.1"),
    ],
)
def test_the_list_is_read_from_its_end_as_far_as_it_can_be_trusted(
    connection: str, headers: list[bytes], expected: str
) -> None:
    assert client_address(connection, headers, PROXIES.__contains__) == expected
