"""What an import did, and what it refused."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row that was not imported, or not whole; `why` is the second half of a sentence, without secrets."""

    kind: str
    name: str
    why: str


@dataclass(slots=True)
class Report:
    """Counts by kind. `notes` are about rows that were imported otherwise than they stood there."""

    imported: Counter[str] = field(default_factory=Counter)
    present: Counter[str] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)
    notes: list[Refusal] = field(default_factory=list)

    def refuse(self, kind: str, name: str, why: str) -> None:
        """Note a row that stays out."""
        self.refusals.append(Refusal(kind, name, why))

    def note(self, kind: str, name: str, what: str) -> None:
        """Note what is different now about a row that comes in."""
        self.notes.append(Refusal(kind, name, what))

    def refused(self, kind: str) -> int:
        """Return how many rows of a kind stayed out."""
        return sum(refusal.kind == kind for refusal in self.refusals)

    def entries(self) -> Iterator[tuple[str, Refusal]]:
        """Yield every refusal and note with the word for it."""
        yield from (("refused", refusal) for refusal in self.refusals)
        yield from (("changed", note) for note in self.notes)
