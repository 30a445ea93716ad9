"""The claims of a user in a data file: standard ones have to be what the standard says, others may be anything."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from app.protocol.claim_values import ADDRESS
from app.protocol.claims import PROTOCOL, STANDARD_NAMES, TAGGABLE, is_tag, split_tag
from app.services.data_file.entry import refused

_BIRTHDATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]))?", re.ASCII)
_MOST, _LONGEST = 100, 150


def checked(claims: dict[str, Any]) -> dict[str, Any]:
    """Return the claims without those that are null; raises a refusal that names the first wrong one."""
    given = {name: value for name, value in claims.items() if value is not None}
    if len(given) > _MOST:
        raise refused(f"must not be more than {_MOST}")
    for name, value in given.items():
        if problem := _problem(name[:_LONGEST], value):
            raise refused(problem)
    return given


def of_the_account(entry: Any) -> Any:
    """Return a user's entry in which a checked address says which one it is: that of the account, unless it names one.

    So it does not count for another address that the account has later.
    """
    if not isinstance(entry, Mapping) or not isinstance(claims := entry.get("claims"), Mapping):
        return entry
    if claims.get("email_verified") is not True or claims.get("email") is not None or entry.get("email") is None:
        return entry
    return {**entry, "claims": {**claims, "email": entry["email"]}}


def _problem(name: str, value: object) -> str:
    base, tag = split_tag(name)
    if base in PROTOCOL or base == "updated_at":
        return f"must not have {name}, which the server itself decides"
    if "#" in name and not (is_tag(tag) and (base in TAGGABLE or base not in STANDARD_NAMES)):
        return f"must not have {name}: after # stands a language, such as ja-Kana-JP, of a text that people read"
    if base not in STANDARD_NAMES:
        return ""
    return _CHECKS.get(base, _text)(name, value)


def _text(name: str, value: object) -> str:
    return "" if isinstance(value, str) else f"must have a text as {name}"


def _url(name: str, value: object) -> str:
    """What applications make links of: anything else than a web address could be a program."""
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
    except ValueError:
        parts = None
    good = parts is not None and parts.scheme in ("https", "http") and parts.netloc
    return "" if good else f"must have an address with https:// as {name}"


def _yes_or_no(name: str, value: object) -> str:
    return "" if isinstance(value, bool) else f"must have true or false as {name}"


def _birthdate(name: str, value: object) -> str:
    good = isinstance(value, str) and _BIRTHDATE.fullmatch(value)
    return "" if good else f"must have a date such as 1815-12-10, or a year, as {name}"


def _address(name: str, value: object) -> str:
    if not isinstance(value, Mapping):
        return f"must have an object as {name}, with some of {', '.join(ADDRESS)}"
    for member, text in value.items():
        if member not in ADDRESS:
            return f"must not have {member} in {name}; there are: {', '.join(ADDRESS)}"
        if text is not None and not isinstance(text, str):
            return f"must have a text as {member} of {name}"
    return ""


_CHECKS: Mapping[str, Callable[[str, object], str]] = {
    **dict.fromkeys(("profile", "picture", "website"), _url),
    **dict.fromkeys(("email_verified", "phone_number_verified"), _yes_or_no),
    "birthdate": _birthdate,
    "address": _address,
}
