"""Settings about what a sign-in is worth (RFC 9470)."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta

from pydantic import Field

from app.protocol.acr import METHODS, STANDARD, Assurance, AssuranceLevel
from app.protocol.scopes import ScopeRegistry
from app.settings.fields import DAY, Section, Words, number

_NAME = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}")


class AssuranceSettings(Section):
    """One assurance level, named by the key of its table."""

    methods: Words = Field(METHODS, min_length=1, description="Methods that a sign-in needs (RFC 8176), such as `pwd`.")
    max_age: int | None = number(
        None, 60, DAY, "How recent the sign-in has to be; without it, any one that still goes on.", unit="seconds"
    )

    def level(self, name: str) -> AssuranceLevel:
        """Return the level."""
        max_age = None if self.max_age is None else timedelta(seconds=self.max_age)
        return AssuranceLevel(name, frozenset(self.methods), max_age)


Levels = Mapping[str, AssuranceSettings]


def assurance(levels: Levels) -> Assurance:
    """Return the levels of a server, the standard one where the operator has defined none."""
    return Assurance(tuple(entry.level(name) for name, entry in levels.items())) if levels else STANDARD


def problems_with_levels(levels: Levels) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield (path of the key, half a sentence) for what no level can be, and for levels in the wrong order."""
    for name, entry in levels.items():
        if not _NAME.fullmatch(name):
            yield (
                ("assurance", name),
                "is no name of a level: use up to 100 printable ASCII characters without space, quote, backslash",
            )
        if unknown := [method for method in entry.methods if method not in METHODS]:
            yield (
                ("assurance", name, "methods"),
                f"has {unknown[0]!r}, which no sign-in here has; there is: {', '.join(METHODS)}",
            )
    ordered = assurance(levels).levels
    for place, level in enumerate(ordered):
        if stronger := next((one for one in ordered[place + 1 :] if one.implies(level)), None):
            yield (
                ("assurance", level.name),
                f"comes before {stronger.name!r}, which is as strong or stronger; put the strongest first",
            )


def problems_with_scopes(levels: Levels, registry: ScopeRegistry) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the like for scopes that need a level which there is not."""
    known = assurance(levels)
    for scope in registry:
        if scope.acr and known.get(scope.acr) is None:
            yield (
                ("scopes", scope.name, "acr"),
                f"is {scope.acr!r}, which is no assurance level here; there are: {', '.join(known.names)}",
            )
