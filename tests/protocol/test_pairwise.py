"""Pairwise subjects: one name for a person in each sector, and what makes a sector."""

from uuid import UUID

import pytest

from app.protocol import pairwise
from app.protocol.fetching import Failed

KEY = b"k" * 32
ADA, ROBIN = UUID(int=1), UUID(int=2)
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


@pytest.mark.spec("standards", "ID-7")
@pytest.mark.spec("standards", "ID-1")
def test_a_person_has_one_name_in_a_sector_and_another_in_every_other() -> None:
    name = pairwise.subject(KEY, "shop.example", ADA)
    assert name == pairwise.subject(KEY, "shop.example", ADA)
    others = {
        pairwise.subject(KEY, "bank.example", ADA),
        pairwise.subject(KEY, "shop.example", ROBIN),
        pairwise.subject(b"o" * 32, "shop.example", ADA),
    }
    assert len(others | {name}) == 4
    assert name.isascii()
    assert len(name) == 43
    assert str(ADA) not in name


@pytest.mark.spec("standards", "ID-7")
@pytest.mark.parametrize(
    ("identifier", "redirect_uris", "sector"),
    [
        (None, ["https://shop.example/cb"], "shop.example"),
        (None, ["https://Shop.example/cb", "https://shop.example:8443/other"], "shop.example"),
        (None, ["https://shop.example/cb", "https://bank.example/cb"], ""),
        (None, ["https://shop.example/cb", "http://localhost/cb"], ""),
        (None, ["http://localhost/cb"], ""),
        (None, ["https://localhost:8443/cb"], ""),
        (None, ["https://Board.localhost/cb"], ""),
        (None, ["https://127.0.0.1/cb"], ""),
        (None, ["https://[::1]/cb"], ""),
        (None, ["https://10.1.2.3/cb"], ""),
        (None, ["https://8.8.8.8/cb"], "8.8.8.8"),
        (None, ["https://localhost.example/cb"], "localhost.example"),
        (None, ["com.example.app:/cb"], ""),
        (None, ["no uri"], ""),
        (None, [], ""),
        ("https://Sector.example/uris.json", ["https://shop.example/cb", "https://bank.example/cb"], "sector.example"),
        ("https://sector.example/uris.json", [], "sector.example"),
        ("https:///uris.json", [], ""),
    ],
)
def test_a_sector_is_the_host_of_its_document_or_the_one_that_all_redirects_have(
    identifier: str | None, redirect_uris: list[str], sector: str
) -> None:
    assert pairwise.sector_of(identifier, redirect_uris) == sector


@pytest.mark.spec("standards", "DR-10")
def test_several_hosts_need_a_document_that_joins_them() -> None:
    hosts = ["https://shop.example/cb", "https://bank.example/cb"]
    [problem] = pairwise.problems(None, hosts, ("authorization_code",))
    assert problem.startswith("subject_type ")
    assert "sector_identifier_uri" in problem
    assert not list(pairwise.problems("https://shop.example/uris.json", hosts, ("authorization_code",)))


@pytest.mark.parametrize("grant", ["urn:ietf:params:oauth:grant-type:jwt-bearer", TOKEN_EXCHANGE])
def test_whoever_gets_tokens_without_asking_cannot_have_pairwise_subjects(grant: str) -> None:
    [problem] = pairwise.problems(None, ["https://shop.example/cb"], ("authorization_code", grant))
    assert grant in problem


@pytest.mark.spec("standards", "DR-10")
def test_the_document_is_an_array_of_addresses() -> None:
    listed = pairwise.read_list(b'["https://shop.example/cb", "https://bank.example/cb"]')
    assert listed == {"https://shop.example/cb", "https://bank.example/cb"}


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"{}", b'"https://shop.example/cb"', b"[1]", b"[[]]", b"[" * 100_000],
    ids=["empty", "not_text", "object", "string", "number", "nested", "deep"],
)
def test_anything_else_is_no_such_document(body: bytes) -> None:
    with pytest.raises(Failed):
        pairwise.read_list(body)
