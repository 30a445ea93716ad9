"""The scope registry: which scopes exist, what they mean to a person, and how a list of them is read.

A scope is a plain string. `set` and `covers` shape what the consent page shows; they never add a scope to a
record, a token or a check.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator, ValidationInfo

from app.protocol import granted_details
from app.protocol.claims_request import PAIR_PREFIX
from app.protocol.errors import ErrorCode, OAuthError

ScopeKind = Literal["see", "change", "manage"]

_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
MAX_SCOPE_LENGTH = 200
MAX_SCOPES = 200


@dataclass(frozen=True, slots=True)
class ScopeDefinition:
    """One scope of the registry.

    `title` and `detail` are the words of the consent page; `set` names a display set in which an earlier scope
    swallows the later ones; `covers` names further scopes that this one swallows there. An `optional` scope may be
    unticked by the person. `legacy_bit` is its bit in the masks of a system that kept scopes as numbers. `acr` is the
    assurance level that a sign-in needs for it, empty: any sign-in will do (RFC 9470).
    """

    name: str
    title: str = ""
    detail: str = ""
    kind: ScopeKind = "see"
    set: str = ""
    covers: tuple[str, ...] = ()
    optional: bool = False
    legacy_bit: int | None = None
    acr: str = ""


class ScopeRegistry:
    """The scopes that operators, plug-ins and the product itself have defined, in registry order.

    `for_applications` are scopes beside them that applications can have for themselves alone: nobody is asked for them,
    no role, token or key of a person holds them, and the operator has to name them for an application. `own_affairs`
    are those of them that open nothing but what is the application's own: who may ask for everything may ask for them.
    """

    def __init__(
        self,
        definitions: Iterable[ScopeDefinition],
        for_applications: Iterable[str] = (),
        own_affairs: Iterable[str] = (),
    ) -> None:
        self.own_affairs = frozenset(own_affairs)
        self.for_applications = self.own_affairs.union(for_applications)
        self._definitions: dict[str, ScopeDefinition] = {}
        for definition in definitions:
            if not well_formed(definition.name):
                raise ValueError(f"scope {definition.name!r} has characters that RFC 6749 §3.3 does not allow")
            if definition.name.startswith(PAIR_PREFIX):
                raise ValueError(f"scope {definition.name!r} would be taken for a claim; no scope begins so")
            if granted_details.is_pair(definition.name):
                raise ValueError(f"scope {definition.name!r} would be taken for details; no scope begins so")
            if definition.name in self._definitions:
                raise ValueError(f"scope {definition.name!r} is defined twice")
            if definition.name in self.for_applications:
                raise ValueError(f"scope {definition.name!r} is the server's own; choose another name")
            self._definitions[definition.name] = definition
        for definition in self._definitions.values():
            for covered in definition.covers:
                if covered not in self._definitions:
                    raise ValueError(f"scope {definition.name!r} covers {covered!r}, which is not in the registry")
        self.by_bit: dict[int, str] = {}
        """Scopes by their bit in old masks. Bits are written down, one by one: an order can change, a bit must not."""
        for definition in self._definitions.values():
            if definition.legacy_bit is None:
                continue
            if (other := self.by_bit.setdefault(definition.legacy_bit, definition.name)) != definition.name:
                raise ValueError(f"scopes {other!r} and {definition.name!r} have the same legacy_bit")

    def __contains__(self, name: object) -> bool:
        return name in self._definitions

    def __iter__(self) -> Iterator[ScopeDefinition]:
        return iter(self._definitions.values())

    def __len__(self) -> int:
        return len(self._definitions)

    def get(self, name: str) -> ScopeDefinition | None:
        """Return the definition, or None for a scope that has left the registry but is still in use."""
        return self._definitions.get(name)

    def unknown(self, names: Iterable[str]) -> list[str]:
        """Return the names that are not in the registry, in their order."""
        return [name for name in names if name not in self._definitions]

    def level(self, name: str) -> str:
        """Return the assurance level that a scope needs; empty: none."""
        definition = self.get(name)
        return "" if definition is None else definition.acr

    def levels(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the assurance levels that some scopes need, each once."""
        return tuple(dict.fromkeys(level for level in map(self.level, names) if level))

    def for_apis(self) -> frozenset[str]:
        """Return the names of those by which something can be done; the others say who somebody is (SC-4)."""
        return frozenset(name for name in self._definitions if name not in ABOUT_PEOPLE)

    def melt(self, names: Iterable[str]) -> list[tuple[ScopeDefinition, tuple[str, ...]]]:
        """Return what the consent page shows for these scopes: (line, names it swallowed), in registry order.

        In a display set the first scope of the registry's order is the strongest and swallows the others; `covers`
        swallows across sets. Scopes without a definition come last, each with a line of its own.
        """
        asked = dict.fromkeys(names)
        known = [definition for definition in self if definition.name in asked]
        swallowed_by: dict[str, str] = {}
        strongest: dict[str, str] = {}
        for definition in known:
            stronger = strongest.setdefault(definition.set, definition.name) if definition.set else definition.name
            if stronger != definition.name:
                swallowed_by.setdefault(definition.name, stronger)
            if definition.name in swallowed_by:
                continue
            for covered in definition.covers:
                if covered in asked and covered != definition.name:
                    swallowed_by.setdefault(covered, definition.name)
        lines = [definition for definition in known if not _swallowed(definition.name, swallowed_by)]
        lines += [ScopeDefinition(name=name) for name in asked if name not in self._definitions]
        return [
            (line, tuple(name for name in asked if name in swallowed_by and _root(name, swallowed_by) == line.name))
            for line in lines
        ]


def _root(name: str, swallowed_by: Mapping[str, str]) -> str:
    seen = {name}
    while (above := swallowed_by.get(name)) is not None and above not in seen:
        seen.add(above)
        name = above
    return name


def _swallowed(name: str, swallowed_by: Mapping[str, str]) -> bool:
    return _root(name, swallowed_by) != name


def well_formed(name: str) -> bool:
    """RFC 6749 §3.3: one or more of %x21 / %x23-5B / %x5D-7E; here at most 200 characters."""
    return len(name) <= MAX_SCOPE_LENGTH and _TOKEN.fullmatch(name) is not None


def parse(text: str) -> tuple[str, ...]:
    """SC-1 (RFC 6749 §3.3): split at spaces, in order, without duplicates; `invalid_scope` for odd characters."""
    names = tuple(dict.fromkeys(text.split(" ")))
    if "" in names:
        names = tuple(name for name in names if name)
    if len(names) > MAX_SCOPES:
        raise OAuthError(ErrorCode.INVALID_SCOPE, f"scope lists more than {MAX_SCOPES} scopes")
    if not all(map(well_formed, names)):
        raise OAuthError(
            ErrorCode.INVALID_SCOPE, "scope has a character that is not allowed, or a scope longer than 200 characters"
        )
    return names


def render(names: Iterable[str]) -> str:
    """Return the wire form of a scope list; the inverse of `parse`."""
    return " ".join(names)


def require_known(names: tuple[str, ...], registry: ScopeRegistry) -> None:
    """Raise `invalid_scope` naming the scopes that are not in the registry (SC-3, RFC 6749 §5.2)."""
    if unknown := registry.unknown(names):
        raise OAuthError(ErrorCode.INVALID_SCOPE, f"scope is unknown to this server: {render(unknown[:5])}")


def require_allowed(names: tuple[str, ...], allowed: frozenset[str] | None) -> None:
    """Raise `invalid_scope` naming the scopes that an application may not ask for; None: it may ask for every one."""
    if allowed is not None and (beyond := [name for name in names if name not in allowed]):
        raise OAuthError(
            ErrorCode.INVALID_SCOPE,
            f"this application may not ask for {render(beyond[:5])}; its owner can add it to its scopes",
        )


def _read_scopes(value: object, info: ValidationInfo) -> tuple[str, ...]:
    """Accept a wire string or a list; every name must be in the registry of the validation context."""
    return _names(value, info, for_applications=False)


def _read_application_scopes(value: object, info: ValidationInfo) -> tuple[str, ...]:
    """Accept those that applications can have for themselves, too."""
    return _names(value, info, for_applications=True)


def _names(value: object, info: ValidationInfo, *, for_applications: bool) -> tuple[str, ...]:
    registry = (info.context or {}).get("scopes")
    if not isinstance(registry, ScopeRegistry):
        raise TypeError("validate scope lists with context={'scopes': registry}")
    if value is None:
        return ()
    if isinstance(value, str):
        try:
            names = parse(value)
        except OAuthError as refused:
            raise ValueError(refused.description) from refused
    elif isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        names = tuple(dict.fromkeys(value))
    else:
        raise ValueError("scopes are a list of strings or one string with spaces between them")
    own = registry.for_applications if for_applications else frozenset()
    if unknown := [name for name in registry.unknown(names) if name not in own]:
        raise ValueError(f"unknown scope: {render(unknown[:5])}; the registry has: {render(d.name for d in registry)}")
    return names


ScopeNames = Annotated[tuple[str, ...], BeforeValidator(_read_scopes)]
"""A Pydantic field type for scope lists, validated against the registry that is the validation context's `scopes`."""

ApplicationScopeNames = Annotated[tuple[str, ...], BeforeValidator(_read_application_scopes)]
"""The same for what an application may ask for: there may be scopes in it that are for applications alone."""


OPENID = "openid"
"""The scope that makes a request one of OpenID Connect (OC-1)."""

OFFLINE_ACCESS = "offline_access"

BUILTIN = (
    ScopeDefinition(OPENID, "Know that it is you"),
    ScopeDefinition("profile", "See your name and picture"),
    ScopeDefinition("email", "See your email address"),
    ScopeDefinition("address", "See your postal address"),
    ScopeDefinition("phone", "See your phone number"),
    ScopeDefinition(OFFLINE_ACCESS, "Keep access while you are away"),
)
"""The scopes of OpenID Connect Core §5.4 and §11; nobody else may give these names a meaning (SC-4)."""

ABOUT_PEOPLE = frozenset(definition.name for definition in BUILTIN)
"""They say something about a person, or for him; without one they mean nothing."""


def _set(noun: str, thing: str, kind_words: str, *, bit: int) -> tuple[ScopeDefinition, ...]:
    """`bit` is that of the weakest; the others follow."""
    manage = f"See, edit and delete {kind_words}."
    return (
        ScopeDefinition(f"{noun}:admin", f"Manage {thing}", manage, "manage", noun, legacy_bit=bit + 2),
        ScopeDefinition(
            f"{noun}:write", f"Create and edit {thing}", "It can’t delete them.", "change", noun, legacy_bit=bit + 1
        ),
        ScopeDefinition(f"{noun}:read", f"See {thing}", "", "see", noun, legacy_bit=bit),
    )


DEFAULT = (
    *_set("org", "your organizations", "their details and settings", bit=10),
    *_set("member", "organization members", "members and their roles", bit=13),
    *_set("team", "teams", "teams and who is in them", bit=4),
    *_set("project", "projects", "projects and their settings", bit=0),
    ScopeDefinition(
        *("project:releases", "Manage project releases", "See, create and delete releases.", "manage", "release"),
        legacy_bit=3,
    ),
    *_set("event", "events", "events with their data", bit=7),
)
"""The registry of a server that configures none: the sixteen scopes of the original system, strongest first."""
