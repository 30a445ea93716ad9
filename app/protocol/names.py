"""Names that people give to what is theirs: applications, organizations, API keys, personal tokens, and themselves."""

import unicodedata

MAX_NAME_LENGTH = 64
"""Characters: the one limit of what a form takes, a page shows and an import keeps (original behaviour, BUG 19)."""

INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters, marks and signs that show nothing, though Unicode does not count them among the invisible characters."""


def name_key(name: str) -> str:
    """Return the key to compare names of people by: NFKC, case folded, no space around it.

    Folded twice, because compatibility forms can hold capitals (Unicode 3.13, D146).
    """
    folded = unicodedata.normalize("NFKC", name.strip()).casefold()
    return unicodedata.normalize("NFKC", folded).casefold()


def is_vouched_for(*, verified: bool, self_registered: bool, owner_name: str) -> bool:
    """Tell whether somebody here answers for an application's name: it is the operator's, or he has checked it."""
    return verified or not (self_registered or owner_name)
