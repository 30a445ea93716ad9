"""Password hashing and the decoy of unknown accounts."""

import pytest

from app.crypto.passwords import DECOY, hash_password, needs_rehash, verify_password


def test_a_password_matches_its_own_hash_only() -> None:
    encoded = hash_password("a long enough password")
    assert verify_password(encoded, "a long enough password")
    assert not verify_password(encoded, "a long enough passwore")


def test_unicode_is_compared_in_its_composed_form() -> None:
    assert verify_password(hash_password("caf\u00e9 au lait et plus"), "cafe\u0301 au lait et plus")


@pytest.mark.parametrize("encoded", ["", "x", "$argon2id$broken"])
def test_a_hash_that_cannot_be_read_matches_nothing(encoded: str) -> None:
    assert not verify_password(encoded, "x")


def test_the_decoy_takes_what_a_real_hash_takes() -> None:
    assert not needs_rehash(DECOY)
    assert DECOY.split("$")[3] == hash_password("x").split("$")[3]
    assert not verify_password(DECOY, "anything")
