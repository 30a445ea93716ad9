"""Masks, lists and credentials of the bitmask era (original behaviour §1.7)."""

from uuid import UUID

import pytest

from app.crypto.hashing import digest
from app.protocol.legacy import (
    CredentialKind,
    Effective,
    canonical,
    effective_scopes,
    lookup_digest,
    may_be_legacy,
    row_digest,
)
from app.protocol.scopes import DEFAULT, ScopeDefinition, ScopeRegistry
from app.protocol.token_format import Prefix, parse_credential

REGISTRY = ScopeRegistry(DEFAULT)

BIT_ORDER = (
    *("project:read", "project:write", "project:admin", "project:releases"),
    *("team:read", "team:write", "team:admin"),
    *("event:read", "event:write", "event:admin"),
    *("org:read", "org:write", "org:admin"),
    *("member:read", "member:write", "member:admin"),
)


@pytest.mark.spec("original", "M02")
def test_a_mask_without_a_list_is_read_bit_by_bit() -> None:
    assert effective_scopes([], 1, REGISTRY) == Effective(("project:read",))


@pytest.mark.spec("original", "M03")
def test_a_list_hides_the_mask() -> None:
    assert effective_scopes(["project:read"], 4, REGISTRY) == Effective(("project:read",))


@pytest.mark.spec("original", "M04")
def test_a_list_stands_alone() -> None:
    assert effective_scopes(["project:read"], 0, REGISTRY) == Effective(("project:read",))


def test_a_full_mask_is_every_scope_in_the_order_of_the_bits() -> None:
    assert effective_scopes([], 65535, REGISTRY).scopes == BIT_ORDER


@pytest.mark.spec("original", "BUG 32")
def test_bug_32_the_meaning_of_a_bit_does_not_depend_on_the_order_of_the_registry() -> None:
    shuffled = ScopeRegistry(sorted(DEFAULT, key=lambda scope: scope.name, reverse=True))
    assert effective_scopes([], 65535, shuffled) == effective_scopes([], 65535, REGISTRY)


def test_a_list_keeps_its_order_and_loses_its_duplicates() -> None:
    assert effective_scopes(["org:read", "event:read", "org:read"], 0, REGISTRY).scopes == ("org:read", "event:read")


def test_bits_without_a_scope_are_told() -> None:
    registry = ScopeRegistry([ScopeDefinition("a", legacy_bit=1)])
    assert effective_scopes([], 0b111, registry) == Effective(("a",), (0, 2))


@pytest.mark.parametrize("mask", [0, -1], ids=["zero", "negative"])
def test_no_bits_are_no_scopes(mask: int) -> None:
    assert effective_scopes([], mask, REGISTRY) == Effective(())


def test_two_scopes_cannot_have_one_bit() -> None:
    with pytest.raises(ValueError, match="same legacy_bit"):
        ScopeRegistry([ScopeDefinition("a", legacy_bit=1), ScopeDefinition("b", legacy_bit=1)])


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0" * 32, True), ("af" * 32, True), ("0" * 33, False), ("0" * 96, False), ("A" * 32, False), ("g" * 32, False)],
    ids=["32", "64", "33", "96", "upper", "letters"],
)
def test_the_looks_of_an_old_credential(text: str, expected: bool) -> None:
    assert may_be_legacy(text) is expected


@pytest.mark.parametrize(
    ("kind", "prefix"),
    [
        ("access_token", Prefix.LEGACY_TOKEN),
        ("refresh_token", Prefix.REFRESH_TOKEN),
        ("personal_token", Prefix.PERSONAL_TOKEN),
        ("api_key", Prefix.API_KEY),
    ],
)
def test_an_old_string_becomes_a_credential_of_its_row(kind: CredentialKind, prefix: Prefix) -> None:
    target, text = UUID(int=7), "af" * 32
    credential = parse_credential(prefix, canonical(kind, target, text))
    assert credential is not None
    assert (credential.id, credential.generation) == (target, 0)
    assert digest(credential.secret) == row_digest(text)


def test_what_the_database_keeps_of_an_old_string_makes_no_credential() -> None:
    credential = parse_credential(Prefix.API_KEY, canonical("api_key", UUID(int=7), "af" * 16))
    assert credential is not None
    assert credential.secret not in (lookup_digest("af" * 16), row_digest("af" * 16))
