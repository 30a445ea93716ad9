"""Assurance levels: what a sign-in was worth, in one word for applications (`acr`, OpenID Connect Core §2), and what
requests, permissions and our own API may demand of it (RFC 9470, step-up).

A level needs methods (RFC 8176) and may need that the sign-in is recent. Of several that a sign-in reaches, the answer
names the one that was asked for, else the strongest.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.protocol.errors import ErrorCode, OAuthError

PASSWORD = "urn:assent:acr:password"
"""A password, and nothing else."""

METHODS = ("pwd",)
"""Every method that a sign-in here can have."""


@dataclass(frozen=True, slots=True)
class AssuranceLevel:
    """One level. `max_age` is how long after the sign-in it is reached, None: as long as the session goes on."""

    name: str
    methods: frozenset[str]
    max_age: timedelta | None = None

    def is_reached(self, methods: Collection[str], age: timedelta) -> bool:
        """Tell whether a sign-in of these methods, so long ago, is worth this level."""
        return self.methods.issubset(methods) and (self.max_age is None or age < self.max_age)

    def implies(self, other: "AssuranceLevel") -> bool:
        """Tell whether whoever reaches this level reaches the other one."""
        as_recent = other.max_age is None or (self.max_age is not None and self.max_age <= other.max_age)
        return as_recent and other.methods.issubset(self.methods)


@dataclass(frozen=True, slots=True)
class Required:
    """What a sign-in has to be worth: one of the levels `one_of`, where it names any (OC-11), and each of those that
    the permissions demand."""

    one_of: tuple[str, ...] = ()
    of_scopes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.one_of or self.of_scopes)


NOTHING = Required()


@dataclass(frozen=True, slots=True)
class Assurance:
    """The levels of a server, the strongest first. Each can be reached: who signs in anew has every method there is."""

    levels: tuple[AssuranceLevel, ...] = field(default=(AssuranceLevel(PASSWORD, frozenset(METHODS)),))

    @property
    def names(self) -> tuple[str, ...]:
        """What applications can ask for: `acr_values_supported` (RFC 9470 §7)."""
        return tuple(level.name for level in self.levels)

    def get(self, name: str) -> AssuranceLevel | None:
        """Return a level, None for a name that is none here."""
        return next((level for level in self.levels if level.name == name), None)

    def known(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return those of some names that are levels here, in their order."""
        return tuple(name for name in names if name in self.names)

    def is_possible(self, required: Required) -> bool:
        """Tell whether a sign-in can meet this: each level can be reached, so that there has to be a level for it."""
        return not required or bool(self._fitting(required))

    def require_possible(self, required: Required) -> None:
        """OC-11: refuse at once what nobody's sign-in can meet; raises `unmet_authentication_requirements`."""
        if self.is_possible(required):
            return
        if required.one_of and not self.known(required.one_of):
            raise _unmet(f"an acr is demanded that this server does not have; it has {', '.join(self.names)}")
        raise _unmet(f"no acr that may be used is enough for the scopes, which need {', '.join(required.of_scopes)}")

    def reached(
        self, methods: Collection[str], age: timedelta, required: Required = NOTHING, preferred: Iterable[str] = ()
    ) -> str | None:
        """Return what a sign-in is called for a request: the first of the preferred levels that it reaches and that
        meets what is required, else the strongest (OC-10). None when it does not meet that; empty for a sign-in that
        reaches no level, where nothing is required.
        """
        fitting = [level.name for level in self._fitting(required) if level.is_reached(methods, age)]
        wanted = next((name for name in preferred if name in fitting), None)
        return wanted or next(iter(fitting), None if required else "")

    def is_met(self, name: str, acr: str, auth_time: datetime | None, now: datetime) -> bool:
        """Tell whether a token counts for what demands a level (RFC 9470 §3): by the class and the moment of its
        sign-in, neither of which a refresh moves (AT-5)."""
        demanded, shown = self.get(name), self.get(acr)
        if demanded is None or shown is None or auth_time is None:
            return False
        return demanded.is_reached(shown.methods, now - auth_time)

    def _fitting(self, required: Required) -> tuple[AssuranceLevel, ...]:
        """Return the levels each of which meets all that is required."""
        demanded = [self.get(name) for name in required.of_scopes]
        return tuple(
            level
            for level in self.levels
            if (not required.one_of or level.name in required.one_of)
            and all(one is not None and level.implies(one) for one in demanded)
        )


STANDARD = Assurance()
"""What a server has whose operator has defined none."""


def _unmet(description: str) -> OAuthError:
    return OAuthError(ErrorCode.UNMET_AUTHENTICATION_REQUIREMENTS, description)
