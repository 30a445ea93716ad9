"""Where the rows come from: a file, or the old database itself."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol

BATCH = 500
"""Rows that are read, judged and written together."""

RawRow = Mapping[str, Any]


class Source(Protocol):
    """Hands out rows kind by kind, as they were stored."""

    def batches(self, kind: str) -> AsyncIterator[Sequence[RawRow]]:
        """Yield the rows of a kind of `rows.KINDS`, at most `BATCH` at a time, always in the same order."""
        ...
