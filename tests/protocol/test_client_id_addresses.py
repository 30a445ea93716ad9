"""Which addresses are client_ids, and whose documents count (standards A10)."""

import pytest

from app.protocol import client_documents
from app.protocol.configuration import DocumentRules
from tests.support.documents import CLIENT_ID

ACCEPTABLE = {
    "a path": "https://app.example/client.json",
    "a longer one": "https://app.example/oauth/v1.2/client-metadata",
    "a path of nothing": "https://app.example/",
    "a port": "https://app.example:8443/client.json",
    "its own port": "https://app.example:443/client.json",
    "a query": "https://app.example/client?id=1",
    "escapes": "https://app.example/%C3%A9t%C3%A9/client",
    "dots that are no segments": "https://app.example/.well-known/..client../c.json",
    "dots in the query": "https://app.example/client?from=/../a",
    "punycode": "https://xn--bcher-kva.example/client.json",
    "capitals": "https://App.Example/Client.json",
    "an address of IPv6": "https://[2606:2800:21f::1]/client.json",
}

NOT_ACCEPTABLE = {
    "no path": "https://app.example",
    "no path, a port": "https://app.example:8443",
    "a query for a path": "https://app.example?client",
    "a fragment": "https://app.example/client#a",
    "an empty fragment": "https://app.example/client#",
    "a user name": "https://ada@app.example/client",
    "a user name and a password": "https://ada:b@app.example/client",
    "an empty user name": "https://@app.example/client",
    "a dot segment": "https://app.example/./client",
    "dot segments": "https://app.example/a/../client",
    "dot segments at the end": "https://app.example/a/..",
    "dots that are escaped": "https://app.example/%2e%2E/client",
    "a dot that is escaped": "https://app.example/a/.%2e/client",
    "slashes that are escaped": "https://app.example/a%2f..%2Fclient",
    "backslashes that are escaped": "https://app.example/a%5c..%5Cclient",
    "a backslash": "https://app.example\\@evil.example/client",
    "a backslash in the path": "https://app.example/a\\..\\client",
    "half an escape": "https://app.example/client%2",
    "an escape that is none": "https://app.example/client%zz",
    "braces": "https://app.example/{client}",
    "a pipe": "https://app.example/a|b",
    "a quote": 'https://app.example/"client"',
    "a space": "https://app.example/my client",
    "a line break": "https://app.example/client\r\nHost: b",
    "a tab in the host": "https://app.exa\tmple/client",
    "letters that are none of a URL": "https://bücher.example/client",
    "wide digits": "https://\uff1127.0.0.1/client",
    "a percent in the host": "https://app%2eexample/client",
    "no host": "https:///client",
    "one slash": "https:/app.example/client",
    "a port that is none": "https://app.example:65536/client",
    "an empty port": "https://app.example:/client",
    "plain http": "http://app.example/client",
    "capitals in the scheme": "HTTPS://app.example/client",
    "more than a client_id may have": "https://app.example/" + "a" * 493,
}


@pytest.mark.spec("standards", "CI-1")
@pytest.mark.parametrize("name", ACCEPTABLE)
def test_an_address_with_a_path_is_a_client_id(name: str) -> None:
    assert client_documents.problem_with(ACCEPTABLE[name]) == ""


@pytest.mark.spec("standards", "CI-1")
@pytest.mark.parametrize("name", NOT_ACCEPTABLE)
def test_what_two_parsers_could_read_differently_is_no_client_id(name: str) -> None:
    assert client_documents.problem_with(NOT_ACCEPTABLE[name]).startswith("must ")


@pytest.mark.spec("standards", "CI-2")
def test_a_client_id_that_begins_with_https_is_taken_for_an_address() -> None:
    assert client_documents.looks_like(CLIENT_ID)
    for other in ("", "0123abc", "http://app.example/client", "HTTPS://app.example/client", "urn:https://"):
        assert not client_documents.looks_like(other)


@pytest.mark.spec("standards", "CI-12")
def test_the_host_is_told_as_people_know_it() -> None:
    assert client_documents.host_of("https://App.Example:8443/client") == "app.example"
    assert client_documents.host_of("https://[2606:2800:21f::1]/client") == "[2606:2800:21f::1]"
    assert client_documents.host_of("https://a@b/client") == ""


@pytest.mark.parametrize(
    ("allowed", "denied", "host", "counts"),
    [
        pytest.param((), (), "app.example", True, id="everybody"),
        pytest.param(("app.example",), (), "app.example", True, id="named"),
        pytest.param(("app.example",), (), "evil.app.example", False, id="below what is named"),
        pytest.param(("*.example",), (), "app.example", True, id="below"),
        pytest.param(("*.example.com",), (), "example.com", False, id="not below itself"),
        pytest.param(("*.example.com",), (), "evilexample.com", False, id="another that ends so"),
        pytest.param((), ("app.example",), "app.example", False, id="denied"),
        pytest.param((), ("*.example",), "a.b.example", False, id="denied with all below"),
        pytest.param((), ("app.example",), "app2.example", True, id="another is denied"),
        pytest.param(("*.example",), ("app.example",), "app.example", False, id="allowed and denied"),
    ],
)
def test_the_operator_decides_whose_documents_count(
    allowed: tuple[str, ...], denied: tuple[str, ...], host: str, counts: bool
) -> None:
    assert client_documents.is_allowed(host, DocumentRules(allowed=allowed, denied=denied)) is counts


def test_the_operator_answers_for_hosts_that_he_names() -> None:
    rules = DocumentRules(vouched=("app.example",))
    assert client_documents.is_vouched("https://APP.example:8443/client", rules, self_registered=True)
    assert not client_documents.is_vouched("https://app.example/client", rules, self_registered=False)
    assert not client_documents.is_vouched("https://app.example.evil.example/client", rules, self_registered=True)
    assert not client_documents.is_vouched(CLIENT_ID, DocumentRules(), self_registered=True)


@pytest.mark.spec("standards", "CI-16")
def test_every_worker_gives_an_application_the_same_id() -> None:
    made = client_documents.application_id(CLIENT_ID)
    assert made.version == 8
    assert made == client_documents.application_id(CLIENT_ID)
    assert made.variant == "specified in RFC 4122"
    assert client_documents.application_id(CLIENT_ID.replace("app", "App", 1)) != made
