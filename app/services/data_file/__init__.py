"""The data file: users, organizations and applications declared in TOML or JSON (architecture §6 Data)."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from app.protocol.roles import Roles
from app.protocol.scopes import ScopeRegistry
from app.services.data_file.apply import apply
from app.services.data_file.document import DataFile, DataFileError, Problem, parse
from app.services.data_file.report import Change, GeneratedSecret, Report

__all__ = ["Change", "DataFile", "DataFileError", "GeneratedSecret", "Problem", "Report", "apply", "parse", "read"]


def read(file: Path, scopes: ScopeRegistry, roles: Roles | None = None, signing: Sequence[str] = ()) -> DataFile:
    """Read and check a file: JSON when its name ends so, else TOML. Raises `DataFileError`. The rest as in `parse`."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as unreadable:
        raise DataFileError([Problem(str(file), f"cannot be read: {unreadable.strerror}")]) from None
    except UnicodeDecodeError:
        raise DataFileError([Problem(str(file), "is not UTF-8; save it as UTF-8")]) from None
    return parse(_document(file, text), scopes, roles, signing)


def _document(file: Path, text: str) -> Mapping[str, Any]:
    json = file.suffix.lower() == ".json"
    try:
        document = orjson.loads(text) if json else tomllib.loads(text)
    except (orjson.JSONDecodeError, tomllib.TOMLDecodeError) as broken:
        raise DataFileError([Problem(str(file), f"is not {'JSON' if json else 'TOML'}: {broken}")]) from None
    if not isinstance(document, dict):
        raise DataFileError([Problem(str(file), "must be an object with lists such as users and applications")])
    return document
