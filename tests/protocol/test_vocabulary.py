"""What people read of a record: scopes and single claims in words, each told once."""

import pytest

from app.protocol.claim_values import Claim
from app.protocol.claims import ClaimsRegistry
from app.protocol.detail_types import DetailType
from app.protocol.details import DetailTypes
from app.protocol.scopes import BUILTIN, ScopeDefinition, ScopeRegistry
from app.protocol.vocabulary import Vocabulary

WORDS = Vocabulary(
    ScopeRegistry([*BUILTIN, ScopeDefinition("a:write", "Write a", set="a"), ScopeDefinition("a:read", set="a")]),
    ClaimsRegistry([Claim("vat", (), "VAT number"), Claim("https://id.example/team", (), "")]),
)


def lines(*names: str) -> list[tuple[str, str]]:
    """Return names and titles of what a page shows."""
    return [(line.name, line.title) for line in WORDS.melt(names)]


@pytest.mark.spec("standards", "CS-1")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("claim:email", "See your email address"),
        ("claim:updated_at", "See when your details last changed"),
        ("claim:vat", "See VAT number"),
        ("claim:https://id.example/team", "See https://id.example/team"),
        ("claim:gone", "See gone"),
        ("email", "See your email address"),
    ],
)
def test_a_claim_has_words_as_a_scope_has(name: str, words: str) -> None:
    known = WORDS.get(name)
    assert known is not None
    assert (known.name, known.title, known.kind) == (name, words, "see")


def test_a_scope_that_has_left_the_registry_has_none() -> None:
    assert WORDS.get("gone") is None


def test_scopes_stand_first_melted_and_claims_after_them() -> None:
    assert lines("claim:phone_number", "a:read", "a:write", "openid") == [
        ("openid", "Know that it is you"),
        ("a:write", "Write a"),
        ("claim:phone_number", "See your phone number"),
    ]


def test_a_claim_is_told_once_where_a_scope_beside_it_delivers_it() -> None:
    assert [name for name, _ in lines("claim:email", "email", "claim:name")] == ["email", "claim:name"]


def test_details_have_the_words_of_their_type_and_one_line_for_each_type() -> None:
    words = Vocabulary(WORDS.scopes, WORDS.claims, DetailTypes([DetailType("pay", "Make a payment", "At once.")]))
    known = words.get("detail:pay#digest")
    assert known is not None
    assert (known.title, known.detail, known.kind) == ("Make a payment", "At once.", "change")
    names = ("detail:gone", "detail:pay#1", "a:write", "detail:pay#2", "claim:email")
    assert [(line.name, line.title) for line in words.melt(names)] == [
        ("a:write", "Write a"),
        ("claim:email", "See your email address"),
        ("detail:gone", "Use gone"),
        ("detail:pay#1", "Make a payment"),
    ]
