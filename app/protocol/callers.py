"""Who calls the server's own API, by which credential."""

from dataclasses import dataclass

from app.protocol.facts import KeyFact, MachineTokenFact, PersonalTokenFact, SessionFact, TokenFact


@dataclass(frozen=True, slots=True)
class PersonCaller:
    """A person in his browser's session: his roles decide, nothing narrows them."""

    session: SessionFact


@dataclass(frozen=True, slots=True)
class TokenCaller:
    """An application with an access token that a person allowed it; `scopes` are those still in force.

    Those that are `waiting` count only after he has signed in again (RFC 9470).
    """

    token: TokenFact
    scopes: tuple[str, ...]
    waiting: tuple[str, ...] = ()

    @property
    def counting(self) -> frozenset[str]:
        """The scopes by which something can be done now."""
        return frozenset(self.scopes).difference(self.waiting)


@dataclass(frozen=True, slots=True)
class MachineCaller:
    """An application with an access token that it got for itself: it speaks for nobody."""

    token: MachineTokenFact
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PersonalCaller:
    """A script with a person's own token."""

    token: PersonalTokenFact
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyCaller:
    """A machine with an organization's API key."""

    key: KeyFact
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SystemCaller:
    """The operator's root credential: every scope of the registry."""

    scopes: tuple[str, ...]


Caller = PersonCaller | TokenCaller | MachineCaller | PersonalCaller | KeyCaller | SystemCaller
