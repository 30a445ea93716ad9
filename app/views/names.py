"""Names that strangers chose, made safe to stand in a sentence of ours.

Escaping is the template's business. Here go the tricks that survive escaping: characters that reverse the line, hide,
pile up, or look like the check mark with which the pages say "checked".
"""

import unicodedata

from app.protocol.names import MAX_NAME_LENGTH

UNNAMED = "Unnamed application"

_CHECK_MARKS = frozenset("✓✔☑✅🗸🗹")
_QUOTES = frozenset('"“”„‟«»〝〞＂')  # noqa: RUF001 - the look-alikes are the point
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Me"})
_MAX_MARKS_ON_A_LETTER = 3


def display_name(claimed: str, *, fallback: str = UNNAMED) -> str:
    """Return a name from outside as the pages show it: one line, at most 64 characters, nothing that steers the text.

    Dropped are control, format (bidirectional, zero-width), private-use and unassigned characters, enclosing marks,
    check marks, and combining marks beyond three on one letter. `fallback` stands in when nothing is left.
    """
    kept: list[str] = []
    marks = 0
    for character in unicodedata.normalize("NFC", claimed):
        category = unicodedata.category(character)
        if character.isspace() or category in {"Zl", "Zp"}:
            kept.append(" ")
            continue
        if category in _HIDDEN or character in _CHECK_MARKS:
            continue
        marks = marks + 1 if category == "Mn" else 0
        if marks <= _MAX_MARKS_ON_A_LETTER:
            kept.append(character)
    name = " ".join("".join(kept).split())
    if len(name) > MAX_NAME_LENGTH:
        name = name[: MAX_NAME_LENGTH - 1].rstrip() + "…"
    return name or fallback


def claimed_name(claimed: str) -> str:
    """Return the name of an unchecked application; the page puts it in quotation marks, so it may not close them."""
    return display_name("".join(character for character in claimed if character not in _QUOTES))


def initials(name: str) -> str:
    """Return the one or two capital letters of a mark, from the first two words; "?" when there is no letter."""
    words = ([character for character in word if character.isalnum()] for word in name.split())
    letters = [word[0] for word in words if word]
    return "".join(letters[:2]).upper()[:2] or "?"
