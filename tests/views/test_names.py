"""Names that strangers chose."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol.names import MAX_NAME_LENGTH
from app.views.names import UNNAMED, claimed_name, display_name, initials


@pytest.mark.parametrize(
    ("claimed", "shown"),
    [
        ("Deploy Diary", "Deploy Diary"),
        ("  Deploy \t\n Diary ", "Deploy Diary"),
        ("Safe\u202egnp.exe", "Safegnp.exe"),
        ("Pay\u200bPal\u2066\u2069\ufeff", "PayPal"),
        ("Diary\x00\x1b[31m", "Diary[31m"),
        ("Diary ✓ Checked", "Diary Checked"),
        ("Diary \u221a Checked", "Diary Checked"),
        ("Zoë", "Zoë"),
        ("Zoe\u0308", "Zoë"),
        ("يوميات", "يوميات"),
        ("日記", "日記"),
        ("\u2028\u200d\x7f", UNNAMED),
        ("\u3164Ad\u115fmin\u2800", "Admin"),
        ("\u3164", UNNAMED),
        ("Zoe\u3164\u0308", "Zoë"),
        ("", UNNAMED),
    ],
)
def test_name_loses_what_steers_hides_or_forges(claimed: str, shown: str) -> None:
    assert display_name(claimed) == shown


def test_long_name_is_cut_at_64_characters() -> None:
    assert display_name("x" * 64) == "x" * 64
    assert display_name("x" * 65) == "x" * 63 + "…"


def test_marks_do_not_pile_up_on_one_letter() -> None:
    assert display_name("a" + "\u0316" * 40) == "a" + "\u0316" * 3


def test_claimed_name_cannot_close_its_quotation_marks() -> None:
    assert claimed_name("Notes” to see nothing? “Yes") == "Notes to see nothing? Yes"
    for closing in ("\u275e", "\u2033", "\u05f4", "\u2019\u2019", "''", "'\u200b\u2019", "\u2032 \u2032", "\u02ee"):
        assert claimed_name(f"Notes{closing} is checked") == "Notes is checked"
    assert claimed_name("Ada\u2019s notes") == "Ada\u2019s notes"
    assert claimed_name("\u275e\u2019\u2019") == UNNAMED


@given(st.text(max_size=200))
def test_any_name_comes_out_short_visible_and_on_one_line(claimed: str) -> None:
    shown = display_name(claimed)
    assert 0 < len(shown) <= MAX_NAME_LENGTH
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    assert display_name(shown) == shown


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Deploy Diary", "DD"), ("robin", "R"), ("(Deploy) the diary", "DT"), ("日記", "日"), ("…", "?"), ("ﬁne", "FI")],
)
def test_mark_shows_the_first_letters_of_two_words(name: str, letters: str) -> None:
    assert initials(name) == letters
