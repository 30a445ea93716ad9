"""Redirect URI matching: the test table of standards B6.2, and properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol import redirect_uri
from app.protocol.errors import ErrorCode, OAuthError

REGISTERED = "https://a.example/cb"

REJECTED = (
    [
        (REGISTERED, requested)
        for requested in (
            "https://a.example/cb/",
            "https://a.example/CB",
            "https://A.example/cb",
            "https://a.example:443/cb",
            "https://a.example/cb?x=1",
            "https://a.example/cb#f",
            "https://a.example/x/../cb",
            "https://a.example/%63b",
            "https://a.example@evil.example/cb",
            "https://a.example.evil.example/cb",
            "http://a.example/cb",
            "https://a.example/cb ",
            "https://a.example\\@evil.example/cb",
            "",
        )
    ]
    + [
        ("http://127.0.0.1/cb", requested)
        for requested in (
            "http://127.0.0.1:51004/other",
            "http://localhost:51004/cb",
            "https://127.0.0.1:51004/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.2/cb",
            "http://0.0.0.0/cb",
            "http://2130706433/cb",
            "http://127.0.0.1:99999/cb",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1:80@evil.example/cb",
            "http://user@127.0.0.1/cb",
            "http://127.0.0.1:51004/cb#f",
            "http://127.0.0.1:51004/cb?x=1",
            "HTTP://127.0.0.1/cb",
        )
    ]
    + [("com.example.app:/cb", "com.example.app://cb"), ("https://127.0.0.1/cb", "https://127.0.0.1:8000/cb")]
)

ACCEPTED = [
    (REGISTERED, REGISTERED),
    ("https://a.example/cb?tenant=1", "https://a.example/cb?tenant=1"),
    ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb"),
    ("http://127.0.0.1:3000/cb", "http://127.0.0.1:61023/cb"),
    ("http://127.0.0.1:3000/cb", "http://127.0.0.1/cb"),
    ("http://[::1]/cb", "http://[::1]:61023/cb"),
    ("http://localhost/cb", "http://localhost:8080/cb"),
    ("com.example.app:/cb", "com.example.app:/cb"),
    ("cursor://anysphere.cursor-mcp/oauth/callback", "cursor://anysphere.cursor-mcp/oauth/callback"),
    ("cursor:/callback", "cursor:/callback"),
]


@pytest.mark.spec("standards", "G2")
@pytest.mark.spec("standards", "BC-1")
@pytest.mark.spec("standards", "BC-9")
@pytest.mark.spec("standards", "O-3")
@pytest.mark.spec("standards", "RU-1")
@pytest.mark.spec("standards", "RU-2")
@pytest.mark.spec("standards", "RU-3")
@pytest.mark.spec("standards", "RU-4")
@pytest.mark.spec("standards", "RU-5")
@pytest.mark.spec("standards", "RU-7")
@pytest.mark.spec("standards", "RU-9")
@pytest.mark.parametrize(("registered", "requested"), REJECTED)
def test_whatever_differs_is_rejected(registered: str, requested: str) -> None:
    assert redirect_uri.match([registered], requested) is None


@pytest.mark.spec("standards", "G2")
@pytest.mark.spec("standards", "O-3")
@pytest.mark.spec("standards", "RU-1")
@pytest.mark.spec("standards", "RU-2")
@pytest.mark.spec("standards", "RU-3")
@pytest.mark.spec("standards", "RU-7")
@pytest.mark.spec("standards", "NA-3")
@pytest.mark.parametrize(("registered", "requested"), ACCEPTED)
def test_the_registered_string_and_any_loopback_port_are_accepted(registered: str, requested: str) -> None:
    assert redirect_uri.match([registered], requested) == requested


@pytest.mark.spec("standards", "G7")
@pytest.mark.spec("standards", "RU-4")
@pytest.mark.spec("standards", "RU-5")
@pytest.mark.spec("standards", "RU-7")
@pytest.mark.spec("standards", "RU-9")
@pytest.mark.spec("standards", "RU-10")
@pytest.mark.parametrize(
    "uri",
    [
        "myapp:/cb",
        "myapp://host/cb",
        "cursor:///cb",
        "http://a.example/cb",
        "javascript:alert(1)",
        "javascript://a.example/%0aalert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://a.example/1",
        "https://a.example/cb#x",
        "/cb",
        "https://*.example/cb",
        "https://[1:2]/cb",
        "https://[192.0.2.1]/cb",
        "https:///cb",
        "https:/cb",
        "https://user:pw@a.example/cb",
        "https://a.example/ä",
        "https://a.example/c b",
        "https://a.example/x/../cb",
        "https://a.example/\r\nSet-Cookie:x",
        "HTTPS://a.example/cb",
        "com.example.app://cb",
        "https://a.example/" + "x" * 2000,
    ],
)
def test_what_may_never_be_registered(uri: str) -> None:
    with pytest.raises(OAuthError) as refused:
        redirect_uri.check_registrable(uri)
    assert refused.value.code is ErrorCode.INVALID_REDIRECT_URI


@pytest.mark.spec("standards", "NA-3")
@pytest.mark.parametrize("uri", [registered for registered, _ in ACCEPTED])
def test_what_may_be_registered(uri: str) -> None:
    redirect_uri.check_registrable(uri)


@pytest.mark.spec("standards", "RU-10")
@pytest.mark.parametrize("uri", ["javascript:alert(1)", "http://a.example/cb", "https://a.example/cb#f"])
def test_an_old_row_with_a_dangerous_uri_is_not_redirected_to(uri: str) -> None:
    assert redirect_uri.match([uri], uri) is None


@pytest.mark.spec("standards", "G2")
@given(st.text(max_size=60))
def test_nothing_but_the_registered_string_matches_an_https_uri(requested: str) -> None:
    assert redirect_uri.match([REGISTERED], requested) in ({REGISTERED} if requested == REGISTERED else {None})


@pytest.mark.spec("standards", "RU-2")
@pytest.mark.spec("standards", "RU-3")
@given(st.sampled_from(["127.0.0.1", "[::1]", "localhost"]), st.integers(1, 65535))
def test_the_answer_goes_to_the_registered_path_with_the_requested_port(host: str, port: int) -> None:
    assert redirect_uri.match([f"http://{host}/cb"], f"http://{host}:{port}/cb") == f"http://{host}:{port}/cb"


def test_only_an_https_host_assures_who_the_application_is() -> None:
    assert redirect_uri.assured("https://a.example/cb")
    for uri in ("http://localhost/cb", "https://localhost/cb", "com.example.app:/cb", "http://127.0.0.1:1/cb"):
        assert not redirect_uri.assured(uri)


@pytest.mark.spec("standards", "CI-7")
@pytest.mark.spec("standards", "BB-5")
def test_an_answer_goes_to_whoever_has_an_address_if_it_goes_to_its_https_origin() -> None:
    address = "https://App.example/client.json"
    for uri in ("https://app.example/cb", "https://app.example:443/other?x=1"):
        assert redirect_uri.is_of_origin(uri, address)
    for uri in (
        *("https://app.example:8443/cb", "https://a.app.example/cb", "http://127.0.0.1/cb", "com.example.app:/cb"),
        *("https://app.example@mallory.example/cb", "/cb", ""),
    ):
        assert not redirect_uri.is_of_origin(uri, address)
    assert not redirect_uri.is_of_origin("https://app.example/cb", "no address")


def test_people_read_the_host_or_the_scheme() -> None:
    assert redirect_uri.display_host("https://a.example:8443/cb") == "a.example"
    assert redirect_uri.display_host("com.example.app:/cb") == "com.example.app:"
    assert redirect_uri.display_host("cursor://accounts.example/cb") == "cursor:"
    assert redirect_uri.display_host("neither host nor scheme") == ""


@pytest.mark.parametrize(
    ("uris", "vouched", "host"),
    [
        ((), True, ""),
        ((), False, ""),
        (("https://a.example/cb", "https://b.example/cb"), True, "a.example"),
        (("https://a.example/cb", "https://b.example/cb"), False, ""),
        (("https://a.example/cb", "https://a.example/other"), False, "a.example"),
        (("http://127.0.0.1/cb", "http://localhost/cb"), False, "127.0.0.1"),
        (("https://a.example/cb", "http://127.0.0.1/cb"), False, ""),
    ],
    ids=["none", "none of a stranger", "known", "stranger", "one place", "one computer", "web and computer"],
)
def test_a_stranger_is_not_known_by_a_host_that_is_one_of_several(
    uris: tuple[str, ...], vouched: bool, host: str
) -> None:
    assert redirect_uri.known_host(uris, vouched=vouched) == host
