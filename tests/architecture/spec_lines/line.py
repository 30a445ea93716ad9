"""One line of the specifications that this server follows: its id, where it comes from, how binding it is."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["rule", "member", "test"]
"""A rule stands in a file that cites it; a member is found by its name; a test is a case and has no rule of its own."""


@dataclass(frozen=True, slots=True)
class Line:
    """One statement, in our words. `reason` says why it needs no test here, and is empty where it needs one."""

    id: str
    source: str
    level: str
    says: str
    reason: str = ""
    kind: Kind = "rule"


@dataclass(frozen=True, slots=True)
class Section:
    """The lines about one subject."""

    title: str
    lines: tuple[Line, ...]


def section(title: str, text: str, *, kind: Kind = "rule", prefix: str = "") -> Section:
    """Read a section; each row is `id | source | level | says` and, where no test is needed, `| reason`."""
    rows = (row.split(" | ") for row in text.strip().splitlines())
    return Section(title, tuple(_line(prefix, kind, *(cell.strip() for cell in row)) for row in rows))


def _line(prefix: str, kind: Kind, name: str, source: str, level: str, says: str, reason: str = "") -> Line:
    return Line(prefix + name, source, level, says, reason, kind)
