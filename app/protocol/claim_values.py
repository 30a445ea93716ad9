"""What a claim is, and how its value is read from what is known of a person (OpenID Connect Core §5.1).

What is not known, or is not what the claim has to be, has no value: nothing is ever null or empty (UI-3).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from app.protocol.facts import PersonFact
from app.protocol.names import name_key

Source = Literal["user", "roles", "organizations"]
Kind = Literal["text", "object", "anything"]

ADDRESS = ("formatted", "street_address", "locality", "region", "postal_code", "country")
"""The members of an address (OpenID Connect Core §5.1.1)."""

ORGANIZATION = ("slug", "name", "role")
"""What is told of an organization: its name in addresses, what people call it, and the person's role in it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim: the scopes that deliver it, and what a person calls it. One without a scope is had by request alone.

    `source` is where its value comes from. `path` leads to it: in the data of a person the names of members, one inside
    the other (none: the member of the claim's own name); of an organization the one member that counts (none: all).
    """

    name: str
    scopes: tuple[str, ...]
    title: str
    kind: Kind = "anything"
    source: Source = "user"
    path: tuple[str, ...] = ()

    @property
    def reads_memberships(self) -> bool:
        """Whether its value comes from the organizations that the person belongs to."""
        return self.source != "user"


Reader = Callable[[PersonFact], Any]
"""Returns the value of a claim, None when there is none."""


def reader(claim: Claim) -> Reader:
    """Return how a claim is read."""
    name, kind, path = claim.name, claim.kind, claim.path
    if claim.source == "roles":
        return lambda person: list(dict.fromkeys(role for _, _, role in person.memberships)) or None
    if claim.source == "organizations":
        return _members_of(ORGANIZATION.index(path[0])) if path else _organizations
    if path:
        return lambda person: worth(_inside(person.claims, path), kind)
    if name in _OF_THE_ACCOUNT:
        return _OF_THE_ACCOUNT[name]
    if kind == "text":
        return lambda person: _text(person.claims.get(name))
    return lambda person: worth(person.claims.get(name), kind)


def worth(value: object, kind: Kind) -> Any:
    """Return a value that may be said, None for one that is empty or not what the claim has to be."""
    match kind:
        case "text":
            return _text(value)
        case "object":
            members = value.items() if isinstance(value, Mapping) else ()
            return {name: member for name, member in members if member not in _NOTHING} or None
        case _:
            return None if value in _NOTHING else value


_NOTHING: tuple[object, ...] = (None, "", [], {})


def _text(value: object) -> object:
    return value if value and isinstance(value, str) else None


def _inside(data: object, path: tuple[str, ...]) -> object:
    for member in path:
        if not isinstance(data, Mapping):
            return None
        data = data.get(member)
    return data


def _organizations(person: PersonFact) -> object:
    return [dict(zip(ORGANIZATION, membership, strict=True)) for membership in person.memberships] or None


def _members_of(column: int) -> Reader:
    return lambda person: list(dict.fromkeys(membership[column] for membership in person.memberships)) or None


def _username(person: PersonFact) -> object:
    return _text(person.claims.get("preferred_username")) or person.username


def _email(person: PersonFact) -> object:
    return person.email or _text(person.claims.get("email"))


def _email_verified(person: PersonFact) -> bool | None:
    """True only when the claims say so of the very address that the account has now."""
    if _email(person) is None:
        return None
    said, of = person.claims.get("email_verified"), person.claims.get("email")
    return said is True and isinstance(of, str) and name_key(of) == name_key(person.email)


def _phone_verified(person: PersonFact) -> bool | None:
    if _text(person.claims.get("phone_number")) is None:
        return None
    return person.claims.get("phone_number_verified") is True


def _updated_at(person: PersonFact) -> int:
    return int(person.updated_at.timestamp())


_OF_THE_ACCOUNT: dict[str, Reader] = {
    "preferred_username": _username,
    "email": _email,
    "email_verified": _email_verified,
    "phone_number_verified": _phone_verified,
    "updated_at": _updated_at,
}
"""Standard claims whose value does not simply stand in the person's data; the last one is a number (UI-4)."""
