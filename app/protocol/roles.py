"""Roles of organization members: each a set of scopes, out of the settings (original behaviour §3.4).

Who may give a role holds all its scopes himself. So nobody raises anybody, himself included, above where he stands.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.protocol.scopes import ScopeRegistry

_EVERY_EVENT = ("event:read", "event:write", "event:admin")
_EVERY_PROJECT = ("project:read", "project:write", "project:admin", "project:releases")
_EVERY_TEAM = ("team:read", "team:write", "team:admin")
_EVERY_MEMBER = ("member:read", "member:write", "member:admin")

DEFAULT: Mapping[str, Sequence[str]] = {
    "member": (*_EVERY_EVENT, "project:releases", "project:read", "org:read", "member:read", "team:read"),
    "admin": (*_EVERY_EVENT, "org:read", "member:read", *_EVERY_PROJECT, *_EVERY_TEAM),
    "manager": (*_EVERY_EVENT, *_EVERY_MEMBER, *_EVERY_PROJECT, *_EVERY_TEAM, "org:read", "org:write"),
}
"""The roles of a server that configures none, the weakest first; its `owner` holds every scope of the registry but
those of OpenID Connect, which are about a person and no organization's to give."""

OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Role:
    """A role and what it allows."""

    name: str
    scopes: frozenset[str]


class Roles:
    """The roles that a member can have, the weakest first."""

    def __init__(self, definitions: Mapping[str, Iterable[str]]) -> None:
        self._roles = {name: Role(name, frozenset(scopes)) for name, scopes in definitions.items()}
        self.governed = frozenset[str]().union(*(role.scopes for role in self._roles.values()))
        """Every scope that some role holds. The others belong to no organization, and are anybody's."""
        tops = [role for role in self._roles.values() if role.scopes >= self.governed]
        if not tops:
            raise ValueError(
                "one role must hold every scope of the others: somebody has to be able to give each of them"
            )
        self.top = tops[-1]
        """The role of who founds an organization; an organization always keeps a member who has it."""

    @classmethod
    def chosen(cls, definitions: Mapping[str, Iterable[str]], registry: ScopeRegistry) -> "Roles":
        """Return the configured roles, or the default ones as far as the registry knows their scopes."""
        if definitions:
            return cls(definitions)
        known = {name: [scope for scope in scopes if scope in registry] for name, scopes in DEFAULT.items()}
        everything = registry.for_apis()
        return cls({**known, OWNER: [scope.name for scope in registry if scope.name in everything]})

    def __contains__(self, name: object) -> bool:
        return name in self._roles

    @property
    def names(self) -> tuple[str, ...]:
        """The names, the weakest role first."""
        return tuple(self._roles)

    def scopes_of(self, name: str | None) -> frozenset[str]:
        """Return what a role allows; nothing for None and for a role that has left the settings."""
        role = self._roles.get(name) if name is not None else None
        return role.scopes if role is not None else frozenset()

    def may_give(self, held: frozenset[str], name: str) -> bool:
        """Tell whether somebody who holds these scopes in an organization may give, change or take away a role."""
        return self.scopes_of(name) <= held

    def allowed_to(self, roles: Iterable[str]) -> frozenset[str]:
        """Return what a person may do who has these roles somewhere: the most that a personal token of his can hold."""
        return frozenset[str]().union(*(self.scopes_of(role) for role in roles))

    def may_hold(self, scope: str, roles: Iterable[str]) -> bool:
        """Tell whether a personal token of a person with these roles may hold a scope."""
        return scope not in self.governed or scope in self.allowed_to(roles)
