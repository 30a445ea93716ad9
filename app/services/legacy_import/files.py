"""A file with the rows of the old system: one object with a list for each kind, or a serialised dump."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from app.services.legacy_import.rows import KINDS, MODELS
from app.services.legacy_import.source import BATCH, RawRow


class LegacyFileError(Exception):
    """The file cannot be read at all; `str()` is a sentence for the operator, without values of the file."""


@dataclass(frozen=True, slots=True)
class FileSource:
    """The rows of a file, by kind."""

    rows: Mapping[str, Sequence[RawRow]] = field(repr=False)

    async def batches(self, kind: str) -> AsyncIterator[Sequence[RawRow]]:
        """Yield the rows in the order of the file."""
        found = self.rows.get(kind, ())
        for start in range(0, len(found), BATCH):
            yield found[start : start + BATCH]


def read_file(file: Path) -> FileSource:
    """Return the rows of a JSON file; raises `LegacyFileError`."""
    try:
        document = orjson.loads(file.read_bytes())
    except OSError as unreadable:
        raise LegacyFileError(f"{file} cannot be read: {unreadable.strerror}.") from None
    except orjson.JSONDecodeError as broken:
        raise LegacyFileError(f"{file} is not JSON: {broken.msg} at line {broken.lineno}.") from None
    rows = _from_dump(document) if isinstance(document, list) else _from_object(file, document)
    if broken_kind := next((kind for kind, found in rows.items() for row in found if not isinstance(row, dict)), None):
        raise LegacyFileError(f"{file} has {broken_kind} that are no objects.")
    return FileSource(rows)


def _from_object(file: Path, document: Any) -> dict[str, list[Any]]:
    if not isinstance(document, dict):
        raise LegacyFileError(f"{file} must hold an object with lists, or the list of a serialised dump.")
    if unknown := [name for name in document if name not in KINDS]:
        raise LegacyFileError(f"{file} has {unknown[0][:60]!r}; there are: {', '.join(KINDS)}.")
    for kind, rows in document.items():
        if rows is not None and not isinstance(rows, list):
            raise LegacyFileError(f"{file} has {kind} that are no list.")
    return {kind: rows or [] for kind, rows in document.items()}


def _from_dump(document: list[Any]) -> dict[str, list[Any]]:
    """Entries of other models are passed over: a dump has everything that the old system was."""
    rows: dict[str, list[Any]] = {}
    for entry in document:
        if not isinstance(entry, dict) or not isinstance(entry.get("fields"), dict):
            continue
        kind = MODELS.get(str(entry.get("model", "")).lower())
        if kind is not None:
            rows.setdefault(kind, []).append({"id": entry.get("pk"), **entry["fields"]})
    return rows
