"""Identifiers of any characters as segments of a path."""

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.views.addresses import identifier_at, segment_of

RESERVED = frozenset({"new"})


@given(st.text(alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=200))
def test_every_identifier_is_found_again_at_its_segment(identifier: str) -> None:
    segment = segment_of(identifier, reserved=RESERVED)
    assert identifier_at(segment) == identifier
    assert "/" not in segment
    assert segment not in {".", "..", *RESERVED}
    assert unquote(segment) == segment


@pytest.mark.parametrize("text", ["", "=", "=A", "=AAAAA", "=\u202e", "=_w", "x y", "=" + "A" * 5000])
def test_text_that_is_no_segment_breaks_nothing(text: str) -> None:
    assert isinstance(identifier_at(text), str)
