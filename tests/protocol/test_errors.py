"""The error catalogue and the characters of descriptions (standards G8)."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol.errors import ErrorCode, OAuthError, seconds_until
from tests.support.facts import NOW

_ALLOWED = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]*")


@pytest.mark.spec("standards", "G8")
@given(st.text())
def test_no_description_leaves_the_permitted_characters(text: str) -> None:
    assert _ALLOWED.fullmatch(OAuthError(ErrorCode.INVALID_REQUEST, text).description)


@pytest.mark.spec("standards", "TE-3")
def test_every_code_has_its_own_wire_value_or_status_and_a_section() -> None:
    assert len({(code.wire, code.status) for code in ErrorCode}) == len(ErrorCode)
    assert all("§" in code.section for code in ErrorCode)


def test_the_text_of_an_error_is_code_and_description_only() -> None:
    error = OAuthError(ErrorCode.INVALID_GRANT, "the code has expired", detail="internal")
    assert str(error) == "invalid_grant: the code has expired"


@pytest.mark.parametrize(("milliseconds", "seconds"), [(-5, 1), (0, 1), (1, 1), (1000, 1), (1001, 2), (29_500, 30)])
def test_retry_after_is_rounded_up_and_never_zero(milliseconds: int, seconds: int) -> None:
    assert seconds_until(NOW + timedelta(milliseconds=milliseconds), NOW) == seconds
