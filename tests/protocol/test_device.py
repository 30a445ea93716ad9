"""User codes and the pace of polling: rules without a server."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol import device
from app.protocol.device import ALPHABET, LENGTH, Pace
from tests.support.facts import NOW

INTERVAL = timedelta(seconds=5)


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


@pytest.mark.spec("standards", "DC-3")
@pytest.mark.parametrize(
    ("seconds_ago", "pace"),
    [
        pytest.param(None, Pace.STEADY, id="never before"),
        pytest.param(5.0, Pace.STEADY, id="after the interval"),
        pytest.param(4.5, Pace.STEADY, id="early by what a network may do"),
        pytest.param(4.4, Pace.TOO_FAST, id="too early"),
        pytest.param(0.0, Pace.TOO_FAST, id="at once"),
        pytest.param(-0.1, Pace.TOO_FAST, id="before another one that came in later"),
    ],
)
def test_a_device_waits_between_two_questions(seconds_ago: float | None, pace: Pace) -> None:
    asked_last = None if seconds_ago is None else NOW - timedelta(seconds=seconds_ago)
    assert device.pace(asked_last, INTERVAL, now=NOW) is pace
