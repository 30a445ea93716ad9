"""What a grant type must know before it can decide: one need, one round trip."""

from dataclasses import dataclass
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


Need = CodeNeed | FamilyNeed | ClientNeed
