"""What is wrong with the settings, in sentences: the key, where it was written, and the remedy. Never a value."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to repair. `source` is a file, an environment variable or the command line."""

    key: str
    source: str
    message: str

    def __str__(self) -> str:
        return f"{self.key} ({self.source}) {self.message}." if self.source else f"{self.key} {self.message}."


class SettingsError(Exception):
    """The settings cannot be used; `str()` has one line for each problem."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, problems)))
