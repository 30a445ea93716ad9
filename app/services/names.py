"""The names that people sign in with, how two spellings of one name are known to be the same, and what they call what
they make."""

import re
import unicodedata

from app.protocol.names import MAX_NAME_LENGTH
from app.protocol.names import name_key as name_key

MAX_LOGIN_LENGTH = 254
"""Characters of what somebody signs in with, a username or an email address (RFC 5321 §4.5.3.1 with erratum 1690)."""

_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@.]+")


def tidy(name: str) -> str:
    """Return what somebody calls a thing of his as it is kept: one line, with single spaces."""
    return " ".join(name.split())


def problem_with_tidy(name: str, *, missing: str) -> str:
    """Return what is wrong with such a name as an instruction, `missing` where there is none; empty when it is
    accepted."""
    if not name:
        return missing
    if len(name) > MAX_NAME_LENGTH:
        return f"Use {MAX_NAME_LENGTH} characters or fewer"
    if not name.isprintable():
        return "Leave out characters that cannot be seen"
    return ""


def problem_with_username(name: str) -> str:
    """Return what is wrong with a new username as an instruction; empty when it is accepted.

    No `@`, so that a username is never another person's email address; no spaces and nothing invisible.
    """
    if not name:
        return "Choose a username"
    if len(name) > MAX_NAME_LENGTH:
        return f"Use {MAX_NAME_LENGTH} characters or fewer"
    if "@" in name:
        return "Leave out the @: a username is not an email address"
    if any(character.isspace() or unicodedata.category(character)[0] == "C" for character in name):
        return "Use letters, digits and marks, without spaces"
    return ""


def problem_with_email(address: str) -> str:
    """Return what is wrong with an email address as an instruction; empty when it is accepted."""
    if not address:
        return "Give an email address"
    if len(address) > MAX_LOGIN_LENGTH or not _EMAIL.fullmatch(address) or not address.isprintable():
        return "Give an email address such as name@example.org"
    return ""
