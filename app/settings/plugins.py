"""Scopes that installed packages bring along: the entry-point group `assent.scopes`.

An entry point loads to an iterable of `ScopeDefinition`, or to a callable that returns one.
"""

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

from app.protocol.scopes import BUILTIN, ScopeDefinition

GROUP = "assent.scopes"


class ScopeClash(ValueError):
    """A plug-in brings what is no scope definition, or one that exists already."""


def scopes(taken: set[str], points: Iterable[EntryPoint] | None = None) -> tuple[ScopeDefinition, ...]:
    """Return the scopes of all plug-ins, in the order of distribution and entry point names.

    `taken` are the names that the operator's registry uses. Raises `ScopeClash` naming the distribution at fault.
    """
    owners = dict.fromkeys(taken, "the settings") | dict.fromkeys((scope.name for scope in BUILTIN), "OpenID Connect")
    found: list[ScopeDefinition] = []
    for point in sorted(points if points is not None else entry_points(group=GROUP), key=lambda p: (_owner(p), p.name)):
        for definition in _load(point):
            if definition.name in owners:
                raise ScopeClash(
                    f"the scope {definition.name} of {_owner(point)} is already defined by {owners[definition.name]}; "
                    "uninstall that package, or take the scope out of the settings"
                )
            owners[definition.name] = _owner(point)
            found.append(definition)
    return tuple(found)


def _load(point: EntryPoint) -> list[ScopeDefinition]:
    try:
        loaded = point.load()
        definitions = list(loaded() if callable(loaded) else loaded)
    except Exception as broken:
        raise ScopeClash(f"the scopes of {_owner(point)} cannot be loaded: {type(broken).__name__}") from broken
    if not all(isinstance(definition, ScopeDefinition) for definition in definitions):
        raise ScopeClash(f"the entry point {point.name} of {_owner(point)} gives something that is no ScopeDefinition")
    return definitions


def _owner(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value
