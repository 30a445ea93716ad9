"""Addresses in their normal form (RFC 3986 §6.2)."""

import pytest

from app.protocol.uri import below, normalised


@pytest.mark.spec("standards", "DP-4")
@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("https://a.example", "https://a.example/"),
        ("https://a.example?x", "https://a.example/"),
        ("https://a.example/#f", "https://a.example/"),
        ("HTTPS://A.EXAMPLE:443/b", "https://a.example/b"),
        ("http://a.example:80/b", "http://a.example/b"),
        ("http://a.example:/b", "http://a.example/b"),
        ("https://a.example:80/b", "https://a.example:80/b"),
        ("https://a%2Dz.example/b", "https://a-z.example/b"),
        ("https://[2001:DB8::1]:8443/b", "https://[2001:db8::1]:8443/b"),
        ("https://a.example/%7Eada/%2f%2F", "https://a.example/~ada/%2F%2F"),
        ("https://a.example/b/./c/../d", "https://a.example/b/d"),
        ("https://a.example/../..", "https://a.example/"),
        ("https://a.example/b/..", "https://a.example/"),
        ("https://a.example/b/c/.", "https://a.example/b/c/"),
        ("https://a.example//b", "https://a.example//b"),
        ("https://a.example/%2e%2E/b", "https://a.example/b"),
        ("https://a.example/b/", "https://a.example/b/"),
    ],
)
def test_an_address_has_one_normal_form(text: str, normal: str) -> None:
    assert normalised(text) == normal
    assert normalised(normal) == normal


@pytest.mark.spec("standards", "DP-4")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "/b",
        "ftp://a.example/",
        "https:///b",
        "https://ada@a.example/",
        "https://a.example:x/",
        "https://[::1/",
        "https://a.example/%",
        "https://a.example/%g0",
        "https://a.example/ b",
        "https://ä.example/",
        None,
        5,
        ["x"],
    ],
    ids=str,
)
def test_what_is_no_http_address_has_none(text: object) -> None:
    assert normalised(text) is None


@pytest.mark.spec("standards", "DP-4")
@pytest.mark.parametrize(
    ("path", "base", "rest"),
    [
        ("/oauth/token", "https://id.example", "/oauth/token"),
        ("/oauth/token", "https://id.example/", "/oauth/token"),
        ("/auth/oauth/token", "https://id.example/auth", "/oauth/token"),
        ("/auth/oauth/token", "https://id.example/auth/", "/oauth/token"),
        ("/oauth/token", "https://id.example/auth", "/oauth/token"),
        ("/oauth/token", "https://id.example/o", "/oauth/token"),
        ("/api/v1/me", "https://id.example/a", "/api/v1/me"),
        ("/auth", "https://id.example/auth", "/auth"),
    ],
)
def test_what_lies_below_an_address_begins_with_a_segment_of_its_own(path: str, base: str, rest: str) -> None:
    assert below(path, base) == rest
