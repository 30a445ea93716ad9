"""How the log looks; apart from the log itself, because the parent decides it before it imports anything large."""

import sys
from typing import Literal, TextIO

LogStyle = Literal["json", "console"]


def suited_style(stream: TextIO | None = None) -> LogStyle:
    """Return `console` for a terminal and `json` for everything else."""
    return "console" if (stream or sys.stderr).isatty() else "json"
