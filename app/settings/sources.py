"""Where settings come from, strongest first: command line, environment, secret files, settings file.

Empty environment variables count as absent, because container files cannot leave one out.
"""

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, InitSettingsSource, PydanticBaseSettingsSource
from pydantic_settings.sources.utils import parse_env_vars

from app.settings.errors import Problem, SettingsError
from app.settings.model import Settings, is_mapping, section_of
from app.settings.problems import unknown

PREFIX = "ASSENT_"
CONFIG_VARIABLE = "ASSENT_CONFIG"
DEFAULT_FILE = "assent.toml"
_FILE_SUFFIX = "_FILE"
_NESTED = "__"


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything that is read. `variables` are the `ASSENT_*` ones that are not empty, by upper-case name."""

    overrides: Mapping[str, Any] = field(repr=False)
    variables: Mapping[str, str] = field(repr=False)
    file: Path | None
    table: Mapping[str, Any] = field(repr=False)
    secrets: Mapping[str, str] = field(repr=False)

    def pydantic_sources(self) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return them in the order of precedence."""
        return (
            InitSettingsSource(Settings, dict(self.overrides)),
            _Environment(Settings, self.variables),
            InitSettingsSource(Settings, _tables_of(self.secrets)),
            InitSettingsSource(Settings, dict(self.table)),
        )

    def origin(self, path: Sequence[str]) -> str:
        """Return where the value at `path` was written; empty when it is a default."""
        if path and path[0] in self.overrides:
            return "command line"
        for length in range(len(path), 0, -1):
            name = PREFIX + _NESTED.join(path[:length]).upper()
            if name in self.variables:
                return name
        if ".".join(path) in self.secrets:
            return _file_variable(".".join(path))
        return self.file.name if self.file is not None and path and path[0] in self.table else ""


class _Environment(EnvSettingsSource):
    """pydantic-settings' reading of environment variables, of a given mapping instead of the process's own."""

    def __init__(self, settings: type[BaseSettings], variables: Mapping[str, str]) -> None:
        self._variables = variables
        super().__init__(settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return parse_env_vars(self._variables, self.case_sensitive, ignore_empty=True)


def variable_of(key: str) -> str:
    """Return the environment variable of a key written with dots."""
    return PREFIX + key.replace(".", _NESTED).upper()


def read(
    config: Path | None, overrides: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
) -> Sources:
    """Read all sources; raises `SettingsError` for what cannot be read and for variables that mean nothing."""
    environment = os.environ if environment is None else environment
    variables = {
        name.upper(): value for name, value in environment.items() if value and name.upper().startswith(PREFIX)
    }
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    file = _file(config, variables.pop(CONFIG_VARIABLE, ""))
    table = _table(file) if file is not None else {}
    secrets = _secret_files(variables)
    own = {name: value for name, value in variables.items() if not _is_secret_file(name)}
    if problems := [problem for name in own if (problem := _unknown_variable(name)) is not None]:
        raise SettingsError(problems)
    return Sources(given, own, file, table, secrets)


def known_variables() -> list[str]:
    """Return every environment variable with a fixed name."""
    return sorted(_leaves(Settings.model_fields, PREFIX))


def _leaves(table: Mapping[str, FieldInfo], prefix: str) -> list[str]:
    names: list[str] = []
    for name, info in table.items():
        inner = section_of(info)
        if inner is None or is_mapping(info):
            names.append(f"{prefix}{name.upper()}")
        else:
            names += _leaves(inner.model_fields, f"{prefix}{name.upper()}{_NESTED}")
    return names


def _unknown_variable(name: str) -> Problem | None:
    """What is below a table is judged with the table; here only what no table would ever see."""
    head, *below = name.removeprefix(PREFIX).lower().split(_NESTED)
    info = Settings.model_fields.get(head)
    if info is not None and (not below or is_mapping(info) or section_of(info) is not None):
        return None
    return Problem(name, "environment", unknown(name, [*known_variables(), *map(_file_variable, Settings.SECRETS)]))


def _file(config: Path | None, variable: str) -> Path | None:
    named = config or (Path(variable) if variable else None)
    if named is None:
        return Path(DEFAULT_FILE) if Path(DEFAULT_FILE).is_file() else None
    if not named.is_file():
        source = "--config" if config else CONFIG_VARIABLE
        raise SettingsError([Problem("config", source, f"names {named}, which is no file; correct the path")])
    return named


def _table(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as unreadable:
        reason = unreadable.strerror or "it cannot be read"
        raise SettingsError([Problem("config", str(file), f"cannot be read: {reason}")]) from unreadable
    except UnicodeDecodeError as undecodable:
        raise SettingsError([Problem("config", str(file), "is not UTF-8; save it as UTF-8")]) from undecodable
    except tomllib.TOMLDecodeError as broken:
        raise SettingsError([Problem("config", str(file), f"is not TOML: {broken}")]) from broken


def _file_variable(key: str) -> str:
    return variable_of(key) + _FILE_SUFFIX


def _tables_of(secrets: Mapping[str, str]) -> dict[str, Any]:
    """Return secrets by their keys as tables hold them: a key with a dot is in a table."""
    tables: dict[str, Any] = {}
    for key, secret in secrets.items():
        *above, name = key.split(".")
        table = tables
        for one in above:
            table = table.setdefault(one, {})
        table[name] = secret
    return tables


def _is_secret_file(name: str) -> bool:
    return name in map(_file_variable, Settings.SECRETS)


def _secret_files(variables: Mapping[str, str]) -> dict[str, str]:
    """Read the files that `ASSENT_X_FILE` names; a final line break is not part of a secret."""
    secrets: dict[str, str] = {}
    for key in Settings.SECRETS:
        name = _file_variable(key)
        if name not in variables:
            continue
        if variable_of(key) in variables:
            raise SettingsError([Problem(key, name, f"is given twice; remove {name} or {variable_of(key)}")])
        try:
            secrets[key] = Path(variables[name]).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as unreadable:
            message = f"names {variables[name]}, which cannot be read as text; correct the path or its mode"
            raise SettingsError([Problem(key, name, message)]) from unreadable
    return secrets
