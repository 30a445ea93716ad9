"""Subject identifiers (RFC 9493): how somebody else names one of our people in JSON."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MOST = 320
"""Characters of a member: the longest email address (RFC 3696)."""


@dataclass(frozen=True, slots=True)
class ByEmail:
    """The person with this email address."""

    email: str


@dataclass(frozen=True, slots=True)
class BySubject:
    """The person who is this `sub` of an issuer; None: of whoever is asked."""

    subject: str
    issuer: str | None = None


SubjectIdentifier = ByEmail | BySubject


def _email(members: Mapping[str, str]) -> SubjectIdentifier:
    if "@" not in members["email"].strip("@"):
        raise ValueError("email of sub_id is no email address")
    return ByEmail(members["email"])


_FORMATS: Mapping[str, tuple[frozenset[str], Callable[[Mapping[str, str]], SubjectIdentifier]]] = {
    "email": (frozenset({"email"}), _email),
    "opaque": (frozenset({"id"}), lambda members: BySubject(members["id"])),
    "iss_sub": (frozenset({"iss", "sub"}), lambda members: BySubject(members["sub"], members["iss"])),
}


def read(value: Any) -> SubjectIdentifier:
    """Return what an identifier means (GT-1); raises ValueError saying what is wrong with it.

    A member that its format does not have makes it another identifier than we believe, and is refused (RFC 9493 §3).
    """
    if not isinstance(value, Mapping):
        raise ValueError("sub_id is missing; send an object with its format")
    name = value.get("format")
    if not isinstance(name, str) or name not in _FORMATS:
        raise ValueError(f"format of sub_id is not supported; use {', '.join(_FORMATS)}")
    names, made_of = _FORMATS[name]
    if value.keys() != names | {"format"}:
        raise ValueError(
            f"sub_id of the format {name} has the members format, {', '.join(sorted(names))} and no others"
        )
    members = {member: value[member] for member in names}
    if not all(isinstance(text, str) and text.strip() and len(text) <= MOST for text in members.values()):
        raise ValueError(f"the members of sub_id are texts of 1 to {MOST} characters")
    if any("\0" in text or not _encodable(text) for text in members.values()):
        raise ValueError("a member of sub_id has characters that no text has")
    return made_of(members)


def _encodable(text: str) -> bool:
    """Lone surrogates, which JSON can spell, are no characters."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
