"""Sealed text opens with its key, in its context, unchanged, and not otherwise."""

import pytest

from app.crypto.sealing import seal, unseal

KEY, CONTEXT = b"k" * 32, b"this browser"


@pytest.mark.parametrize("content", [b"", b"/account", b"\x00\xff" * 5000])
def test_what_was_sealed_is_read_again(content: bytes) -> None:
    assert unseal(KEY, seal(KEY, content, CONTEXT), CONTEXT) == content


def test_a_seal_shows_neither_its_content_nor_that_two_are_the_same() -> None:
    first, second = seal(KEY, b"/account/applications", CONTEXT), seal(KEY, b"/account/applications", CONTEXT)
    assert b"account" not in first
    assert first != second


def test_another_key_or_context_opens_nothing() -> None:
    sealed = seal(KEY, b"/account", CONTEXT)
    assert unseal(b"n" * 32, sealed, CONTEXT) is None
    assert unseal(KEY, sealed, b"that browser") is None


def test_no_changed_or_shortened_seal_opens() -> None:
    sealed = seal(KEY, b"/account", CONTEXT)
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        assert unseal(KEY, bytes(changed), CONTEXT) is None
        assert unseal(KEY, sealed[:place], CONTEXT) is None
    assert unseal(KEY, sealed + b"\x00", CONTEXT) is None
