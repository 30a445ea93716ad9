"""Allowed origins (original behaviour §4.1, K06)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from app.protocol import origins
from app.protocol.client_members import AllowedOrigins


@pytest.mark.spec("original", "K06")
@pytest.mark.parametrize(
    "entry",
    [
        "*",
        "*.example.com",
        "example.com",
        "localhost",
        "https://example.com",
        "http://localhost",
        "https://*.example.com",
        "EXAMPLE.com",
        "127.0.0.1",
        "[::1]",
        "http://[::1]",
        "chrome-extension://abcdefghijklmnop",
        "xn--mnchen-3ya.example",
    ],
)
def test_an_entry_is_a_host_a_host_with_what_is_below_it_an_origin_or_everything(entry: str) -> None:
    assert origins.problem_with(entry) is None


@pytest.mark.spec("original", "K06")
@pytest.mark.parametrize(
    "entry", ["http://example.com:80", "example.com:80", "*.example.com:80", "*:80", "http://[::1]:80", "*:99999"]
)
def test_a_port_is_refused(entry: str) -> None:
    assert "no port" in (origins.problem_with(entry) or "")


@pytest.mark.parametrize(
    "entry",
    [
        "",
        " ",
        "null!",
        "example.com/",
        "https://example.com/path",
        "https://user@example.com",
        "https://",
        "://example.com",
        "*example.com",
        "**.example.com",
        "a.*.example.com",
        ".example.com",
        "example..com",
        "example.com.",
        "example.com\n",
        "example.com other.example",
        "m\u00fcnchen.example",
        "\u212aelvin.example",
        "[example.com]",
        "javascript:alert(1)",
    ],
)
def test_everything_else_is_refused_with_examples(entry: str) -> None:
    assert "such as" in (origins.problem_with(entry) or "")


def test_an_entry_has_a_limit() -> None:
    assert origins.problem_with("a" * 255) is None
    assert origins.problem_with("a" * 256) == "must be at most 255 characters"


@pytest.mark.parametrize(
    ("allowed", "origin"),
    [
        ("*", "https://example.com"),
        ("*", "http://localhost:3000"),
        ("*", "null"),
        ("https://example.com", "https://example.com"),
        ("https://example.com", "https://example.com:443"),
        ("HTTPS://Example.com", "https://EXAMPLE.com"),
        ("example.com", "https://example.com"),
        ("example.com", "http://example.com:8443"),
        ("localhost", "http://localhost:5173"),
        ("*.example.com", "https://example.com"),
        ("*.example.com", "https://a.example.com"),
        ("*.example.com", "https://a.b.example.com:8443"),
        ("https://*.example.com", "https://a.example.com"),
        ("https://*.example.com", "https://a.example.com:8443"),
        ("*:8080", "http://anything.example:8080"),
        ("https://*", "https://anything.example"),
        ("https://example.com:8443", "https://example.com:8443"),
        ("[::1]", "http://[::1]:3000"),
        ("chrome-extension://abc", "chrome-extension://abc"),
    ],
)
def test_what_an_entry_lets_in(allowed: str, origin: str) -> None:
    assert origins.allows(("https://first.example", allowed), origin)


@pytest.mark.parametrize(
    ("allowed", "origin"),
    [
        ("https://example.com", "http://example.com"),
        ("https://example.com", "https://example.com:8443"),
        ("https://example.com", "https://a.example.com"),
        ("https://example.com", "https://example.com.attacker.example"),
        ("https://example.com", "https://example.com/"),
        ("https://example.com", "null"),
        ("example.com", "https://a.example.com"),
        ("example.com", "https://notexample.com"),
        ("example.com", "example.com"),
        ("*.example.com", "https://notexample.com"),
        ("*.example.com", "https://example.com.attacker.example"),
        ("*.example.com", "https://*.example.com"),
        ("https://*.example.com", "http://a.example.com"),
        ("*:8080", "http://anything.example"),
        ("https://*", "http://anything.example"),
        ("https://example.com/app", "https://example.com"),
        ("*", ""),
        ("*", "https://a.example https://b.example"),
        ("*", "https://a.example\n"),
        ("null", "null"),
        ("", ""),
    ],
)
def test_what_an_entry_keeps_out(allowed: str, origin: str) -> None:
    assert not origins.allows((allowed,), origin)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://id.example.org", "https://id.example.org"),
        ("https://id.example.org/tenant", "https://id.example.org"),
        ("https://id.example.org:443", "https://id.example.org"),
        ("https://id.example.org:8443/x", "https://id.example.org:8443"),
        ("http://localhost:80", "http://localhost"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://ID.example.org", "https://id.example.org"),
    ],
)
def test_origins_are_spelled_as_browsers_do(url: str, origin: str) -> None:
    assert origins.origin_of(url) == origin


@given(st.text())
def test_no_entry_at_all_lets_nobody_in(origin: str) -> None:
    assert not origins.allows((), origin)


@given(st.text())
def test_nothing_but_a_serialised_origin_is_let_in_by_the_strongest_entry(origin: str) -> None:
    assert not origins.allows(("*",), origin) or origin == "null" or "://" in origin


@pytest.mark.parametrize("entry", ["*", "*:8080", "https://*", "*.com", "https://*.com"])
def test_an_entry_that_lets_in_strangers_is_a_wildcard(entry: str) -> None:
    assert origins.is_wildcard(entry)


@pytest.mark.parametrize(
    "entry", ["example.com", "localhost", "*.localhost", "*.example.com", "https://example.com", "not an entry"]
)
def test_an_entry_for_somebodys_own_hosts_is_none(entry: str) -> None:
    assert not origins.is_wildcard(entry)


def test_a_list_is_read_by_the_same_rule_wherever_it_stands() -> None:
    read = TypeAdapter(AllowedOrigins).validate_python
    assert read(["*", "https://example.com", "*"]) == ("*", "https://example.com")
    with pytest.raises(ValidationError, match="must have no port"):
        read(["https://example.com:8443"])
    with pytest.raises(ValidationError, match=str(origins.MAX_ENTRIES)):
        read([f"site-{number}.example" for number in range(origins.MAX_ENTRIES + 1)])
