"""Names that strangers chose, made safe to stand in a sentence of ours.

Escaping is the template's business. Here go the tricks that survive escaping: characters that reverse the line, hide,
pile up, or look like the check mark with which the pages say "checked".
"""

import re
import unicodedata

from app.protocol.names import INVISIBLE, MAX_NAME_LENGTH

UNNAMED = "Unnamed application"

_CHECK_MARKS = frozenset("✓✔☑✅🗸🗹√🮱𐄂")
_QUOTES = frozenset(
    '"\u00ab\u00bb\u02ba\u02dd\u02ee\u02f5\u02f6\u05f4\u201c\u201d\u201e\u201f\u2033\u2034\u2036\u2037\u2057\u275d\u275e\u2760'
    "\u2e42\u301d\u301e\u301f\u3003\uff02\U0001f676\U0001f677\U0001f678"
)
"""Marks like those that the pages put around a claim."""

_SINGLE_QUOTES = re.compile(
    "(['`\u00b4\u02b9\u02bb-\u02bd\u02c8\u02ca\u02cb\u05f3\u2018-\u201b\u2032\u2035\u275b\u275c\ua78c\uff07] ?){2,}"
)
"""Two of them look like one of the others."""

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Me"})
_MAX_MARKS_ON_A_LETTER = 3


def display_name(claimed: str, *, fallback: str = UNNAMED) -> str:
    """Return a name from outside as the pages show it: one line, at most 64 characters, nothing that steers the text.

    Dropped are control, format (bidirectional, zero-width), private-use and unassigned characters, letters that show
    nothing, enclosing marks, check marks, and combining marks beyond three on one letter. `fallback` stands in when
    nothing is left.
    """
    kept: list[str] = []
    marks = 0
    for character in unicodedata.normalize("NFC", claimed):
        category = unicodedata.category(character)
        if character.isspace() or category in {"Zl", "Zp"}:
            kept.append(" ")
            continue
        if category in _HIDDEN or character in _CHECK_MARKS or character in INVISIBLE:
            continue
        marks = marks + 1 if category == "Mn" else 0
        if marks <= _MAX_MARKS_ON_A_LETTER:
            kept.append(character)
    # What stands together now that others are gone may be one character.
    name = " ".join(unicodedata.normalize("NFC", "".join(kept)).split())
    if len(name) > MAX_NAME_LENGTH:
        name = name[: MAX_NAME_LENGTH - 1].rstrip() + "…"
    return name or fallback


def claimed_name(claimed: str, *, fallback: str = UNNAMED) -> str:
    """Return what an unchecked application says of itself; the page puts it in quotation marks, so it may not close
    them, nor seem to. `fallback` stands in when nothing is left."""
    name = display_name("".join(one for one in display_name(claimed, fallback="") if one not in _QUOTES), fallback="")
    return display_name(_SINGLE_QUOTES.sub(" ", name), fallback=fallback)


def initials(name: str) -> str:
    """Return the one or two capital letters of a mark, from the first two words; "?" when there is no letter."""
    words = ([character for character in word if character.isalnum()] for word in name.split())
    letters = [word[0] for word in words if word]
    return "".join(letters[:2]).upper()[:2] or "?"
