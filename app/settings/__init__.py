"""Settings: `assent.toml`, `ASSENT_*` variables and secret files become one checked, frozen object.

Only `app.cli` and `app.migrations` import this package. Workers are given a `Configuration`, which is made here.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import SettingsError as UnreadableVariable

from app.settings.consistency import contradictions
from app.settings.errors import Problem, SettingsError
from app.settings.model import Settings
from app.settings.problems import message_of
from app.settings.sources import Sources, read

__all__ = ["Problem", "Settings", "SettingsError", "load"]


def load(
    config: Path | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Return the settings; precedence: `overrides`, environment, settings file, defaults.

    `config` is the settings file, else `ASSENT_CONFIG` names it, else `assent.toml` in the working directory is taken
    when there is one. `overrides` are top-level keys from the command line, where None means not given. `environment`
    is the process's own unless given. Raises `SettingsError` with every problem found, in sentences without values.
    """
    sources = read(config, overrides, environment)
    try:
        settings = Settings(_build_sources=(sources.pydantic_sources(), {}))
    except ValidationError as refused:
        raise SettingsError(_problems(refused, sources)) from None
    except UnreadableVariable as unreadable:
        raise SettingsError([_unreadable(unreadable, sources)]) from None
    if found := list(contradictions(settings)):
        raise SettingsError([Problem(".".join(path), sources.origin(path), message) for path, message in found])
    return settings


def _problems(refused: ValidationError, sources: Sources) -> list[Problem]:
    problems = []
    for error in refused.errors(include_input=False, include_url=False):
        path = [part for part in error["loc"] if isinstance(part, str)]
        problems.append(Problem(".".join(path), sources.origin(path), message_of(error)))
    return problems


def _unreadable(unreadable: UnreadableVariable, sources: Sources) -> Problem:
    """A variable that stands for a whole table and is no JSON. The library's text names the field in quotes."""
    key = str(unreadable).split('"')[1] if '"' in str(unreadable) else "environment"
    return Problem(
        key, sources.origin([key]), "must be a JSON object; write its keys with __ instead, one variable each"
    )
