"""User codes: rules without a server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol import device
from app.protocol.device import ALPHABET, LENGTH


@pytest.mark.spec("standards", "DV-4")
@given(st.binary(min_size=device.RANDOM_BYTES, max_size=device.RANDOM_BYTES))
def test_a_user_code_is_eight_letters_of_the_alphabet_and_is_read_as_it_is_shown(random: bytes) -> None:
    code = device.user_code(random)
    assert len(code) == LENGTH
    assert set(code) <= set(ALPHABET)
    assert device.read_user_code(device.shown(code)) == code


@pytest.mark.spec("standards", "DV-4")
def test_every_letter_can_stand_at_every_place() -> None:
    codes = [device.user_code((number * 7_919_337_211).to_bytes(16)) for number in range(2_000)]
    assert all({code[place] for code in codes} == set(ALPHABET) for place in range(LENGTH))


@pytest.mark.spec("standards", "DV-4")
@pytest.mark.parametrize(
    "typed",
    [
        "WDJB-MJHT",
        "wdjb-mjht",
        "WDJBMJHT",
        "  wd jb mj ht ",
        "w.d.j.b/m_j_h_t",
        "WDJB\N{EN DASH}MJHT",
        "0WDJB1MJHTaeiou",
    ],
)
def test_case_separators_and_other_characters_do_not_matter(typed: str) -> None:
    assert device.read_user_code(typed) == "WDJBMJHT"


@pytest.mark.parametrize("typed", ["", "WDJB-MJH", "WDJB-MJHT-B", "12345678", "W" * 5_000, " " * 64 + "WDJB-MJHT"])
def test_what_is_too_short_or_too_long_is_no_user_code(typed: str) -> None:
    assert device.read_user_code(typed) is None
