"""What a request to an organization needs, and what its caller has there (original behaviour §3.4 and §4).

Two gates. The first asks the credential alone: does it hold one of the scopes that the method needs? The second asks
about this organization: what is left of the credential's scopes there? A token is cut down to what its user's role
allows; a key belongs to one organization; an application that calls for itself has business in none, whoever owns it.
Whoever has no business there is told that there is no such organization.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from app.protocol.callers import Caller, KeyCaller, MachineCaller, PersonalCaller, PersonCaller, TokenCaller
from app.protocol.roles import Roles
from app.protocol.scopes import ScopeRegistry


@dataclass(frozen=True, slots=True)
class Permission:
    """Which scopes open a thing, by method; any one of them is enough."""

    name: str
    by_method: Mapping[str, frozenset[str]]

    def needs(self, method: str) -> frozenset[str]:
        """Return the scopes of which one is enough; a method that is not listed has none and is refused."""
        return self.by_method.get(_AS.get(method, method), frozenset())

    def allows(self, method: str, held: frozenset[str]) -> bool:
        """Tell whether one of the scopes held opens the method."""
        return not self.needs(method).isdisjoint(held)


_AS = {"HEAD": "GET", "PATCH": "PUT"}
"""Reading is reading, and a partial change (RFC 5789) is a change."""


def _any(*families: str) -> frozenset[str]:
    """Return the scopes of `org:rwa`-like shorthands."""
    words = {"r": "read", "w": "write", "a": "admin"}
    pairs = (family.split(":") for family in families)
    return frozenset(f"{noun}:{words[letter]}" for noun, letters in pairs for letter in letters)


def _permission(name: str, *, get: str, post: str, put: str, delete: str) -> Permission:
    return Permission(name, {"GET": _any(get), "POST": _any(post), "PUT": _any(put), "DELETE": _any(delete)})


ORGANIZATION = _permission("organization", get="org:rwa", post="org:wa", put="org:wa", delete="org:a")
MEMBERS = _permission("members", get="member:rwa", post="member:wa", put="member:wa", delete="member:a")
MEMBER = _permission("one member", get="member:rwa", post="member:wa", put="member:wa", delete="member:rwa")
"""Everybody may leave; whom he may remove beside himself is decided by comparing roles."""

INVITATIONS = _permission("invitations", get="member:wa", post="member:wa", put="member:wa", delete="member:wa")
API_KEYS = _permission("API keys", get="org:a", post="org:a", put="org:a", delete="org:a")
APPLICATIONS = _permission("applications", get="org:a", post="org:a", put="org:a", delete="org:a")
AUDIT_LOG = Permission("audit log", {"GET": _any("org:rwa")})
ADDRESSES = Permission("addresses in the audit log", {"GET": _any("org:a")})
"""From where something was done is personal: not for everybody who may read what was done."""

ALL = (ORGANIZATION, MEMBERS, MEMBER, INVITATIONS, API_KEYS, APPLICATIONS, AUDIT_LOG, ADDRESSES)
"""Every permission that something of our own API asks for."""


def held_by(caller: Caller) -> frozenset[str] | None:
    """Return the scopes of the credential alone, for the first gate; None for a session, whose roles decide."""
    match caller:
        case PersonCaller():
            return None
        case TokenCaller():
            return caller.counting
    return frozenset(caller.scopes)


def scopes_at(
    caller: Caller, organization_id: UUID, role: str | None, *, roles: Roles, registry: ScopeRegistry
) -> frozenset[str] | None:
    """Return what the caller may do in an organization; None: to him there is no such organization.

    `role` is that of the caller's person in it, None when he is no member. An operator in his own session may do
    everything everywhere; his tokens are cut down like anybody's.
    """
    match caller:
        case PersonCaller(session=session) if session.operator:
            return registry.for_apis()
        case PersonCaller():
            return None if role is None else roles.scopes_of(role)
        case TokenCaller() | PersonalCaller() if role is None:
            return None
        case TokenCaller():
            return caller.counting & roles.scopes_of(role)
        case PersonalCaller():
            return frozenset(caller.scopes) & roles.scopes_of(role)
        case MachineCaller():
            return None
        case KeyCaller(key=key) if key.organization_id != organization_id:
            return None
    return frozenset(caller.scopes)
