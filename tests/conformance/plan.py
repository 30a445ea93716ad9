"""What a certification plan of the OpenID Foundation is to the tests: modules, each with the variants it runs in."""

from dataclasses import dataclass
from typing import Protocol


class Runs(Protocol):
    """A variant: how a module is run."""

    @property
    def label(self) -> str:
        """What tells it from the other variants of its plan; empty where there is nothing to tell."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A certification profile: its name, its modules in their order, each with the variant it runs in, and in words
    which variants those are."""

    name: str
    profile: str
    runs: tuple[tuple[str, Runs | None], ...]
    how: str = ""

    @property
    def modules(self) -> tuple[str, ...]:
        """Its modules, each once."""
        return tuple(dict.fromkeys(module for module, _ in self.runs))
