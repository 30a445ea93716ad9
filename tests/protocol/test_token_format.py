"""Credentials on the wire."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol.token_format import Credential, Prefix, format_credential, parse_credential

_SECRETS = st.binary(min_size=32, max_size=32)


@given(st.sampled_from(list(Prefix)), st.uuids(), _SECRETS, st.integers(0, 2**32 - 1))
def test_parsing_is_the_inverse_of_formatting(prefix: Prefix, key: UUID, secret: bytes, generation: int) -> None:
    credential = Credential(key, secret, generation if prefix is Prefix.REFRESH_TOKEN else 0)
    text = format_credential(prefix, credential)
    assert parse_credential(prefix, text) == credential
    assert all(parse_credential(other, text) is None for other in Prefix if other is not prefix)


@given(st.uuids(), _SECRETS, st.integers(0, 74), st.characters(codec="ascii"))
def test_a_typo_is_rejected_without_a_database(key: UUID, secret: bytes, position: int, typo: str) -> None:
    text = format_credential(Prefix.ACCESS_TOKEN, Credential(key, secret))
    position %= len(text)
    changed = text[:position] + typo + text[position + 1 :]
    assert changed == text or parse_credential(Prefix.ACCESS_TOKEN, changed) is None


@given(st.text(max_size=100))
def test_any_text_is_read_or_none(text: str) -> None:
    for prefix in Prefix:
        assert parse_credential(prefix, text) is None or text.startswith(prefix)


def test_another_spelling_of_the_same_bytes_is_no_credential() -> None:
    text = format_credential(Prefix.ACCESS_TOKEN, Credential(UUID(int=7), b"x" * 32))
    twin = next(
        text[:-1] + last
        for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        if last != text[-1]
    )
    assert parse_credential(Prefix.ACCESS_TOKEN, twin) is None
    assert parse_credential(Prefix.ACCESS_TOKEN, text + "=") is None


@pytest.mark.parametrize(
    "text", ["", "_", "asat", "asat_", "asat_" + "!" * 70, "asat_" + "!" * 69 + "A", "asat_" + "é" * 69 + "A"]
)
def test_garbage_is_none(text: str) -> None:
    assert parse_credential(Prefix.ACCESS_TOKEN, text) is None


def test_a_credential_does_not_print_its_secret() -> None:
    assert "secret" not in repr(Credential(UUID(int=1), b"\x01" * 32))
