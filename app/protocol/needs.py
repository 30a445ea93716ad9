"""What a grant type must know before it can decide: one need, one round trip."""

from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True)
class CodeNeed:
    """The authorization code with this id; None for a string that no server of ours made."""

    code_id: UUID | None


@dataclass(frozen=True, slots=True)
class FamilyNeed:
    """The token family with this id; None for a string that no server of ours made."""

    family_id: UUID | None


@dataclass(frozen=True, slots=True)
class ClientNeed:
    """Nothing but the application that asks."""


@dataclass(frozen=True, slots=True)
class DeviceNeed:
    """The device grant with this id; None for a string that no server of ours made."""

    device_id: UUID | None


@dataclass(frozen=True, slots=True)
class BackchannelNeed:
    """The backchannel request with this id; None for a string that no server of ours made."""

    request_id: UUID | None


@dataclass(frozen=True, slots=True)
class AssertionNeed:
    """Who signed this JWT, and whom of our users it means."""

    assertion: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ShownToken:
    """A token that came as a parameter; `foreign`: it is said to be a JWT of somebody else."""

    text: str = field(repr=False)
    foreign: bool


@dataclass(frozen=True, slots=True)
class ExchangeNeed:
    """The token that is to be exchanged, and that of who is to act."""

    subject: ShownToken
    actor: ShownToken | None


Need = CodeNeed | FamilyNeed | ClientNeed | DeviceNeed | BackchannelNeed | AssertionNeed | ExchangeNeed
