"""Frames of applications in the page that signs out: whose, and with what."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from app.protocol import frontchannel

REDIRECTS = ("com.example.app:/callback", "https://client.example/callback", "http://localhost:3000/callback")


@pytest.mark.spec("standards", "LF-1")
@pytest.mark.parametrize(
    "uri",
    [
        "https://client.example/logout",
        "https://CLIENT.example:443/logout?a=b",
        "HTTPS://client.example/",
        "http://localhost:3000/logout",
    ],
)
def test_a_page_at_the_origin_of_a_redirect_uri_is_accepted(uri: str) -> None:
    assert frontchannel.problem_with(uri, REDIRECTS) is None


@pytest.mark.spec("standards", "LF-1")
@pytest.mark.parametrize(
    "uri",
    [
        "https://elsewhere.example/logout",
        "https://client.example.evil.example/logout",
        "https://client.example:8443/logout",
        "http://client.example/logout",
        "http://localhost/logout",
        "com.example.app:/logout",
        "https://client.example;script-src/logout",
        "https:///logout",
        "/logout",
        "",
    ],
)
def test_a_page_of_another_origin_is_refused(uri: str) -> None:
    problem = frontchannel.problem_with(uri, REDIRECTS)
    assert problem == "must have the scheme, host and port of one of the redirect_uris"


def test_a_fragment_is_refused() -> None:
    assert frontchannel.problem_with("https://client.example/#out", REDIRECTS) == "must not have a fragment"


@pytest.mark.spec("standards", "LF-1")
def test_the_frame_is_told_issuer_and_session_both_and_keeps_its_query() -> None:
    url = frontchannel.frame_url("https://client.example/logout?tenant=a%20b", "https://id.example", "s+d")
    assert url.startswith("https://client.example/logout?tenant=a%20b&")
    assert parse_qsl(urlsplit(url).query) == [("tenant", "a b"), ("iss", "https://id.example"), ("sid", "s+d")]
    assert frontchannel.frame_url("https://a.example/x", "https://id.example", "s").endswith(
        "/x?iss=https%3A%2F%2Fid.example&sid=s"
    )


@pytest.mark.parametrize(
    ("uri", "origin"),
    [
        ("https://Client.Example/a?b", "https://client.example"),
        ("https://client.example:443/", "https://client.example"),
        ("http://client.example:080/", "http://client.example"),
        ("http://client.example:443/", "http://client.example:443"),
        ("http://[::1]:3000/", "http://[::1]:3000"),
        ("com.example.app:/x", None),
        ("com.example.app://host/x", None),
        ("not an address", None),
    ],
)
def test_origins_are_written_as_browsers_write_them(uri: str, origin: str | None) -> None:
    assert frontchannel.web_origin(uri) == origin
