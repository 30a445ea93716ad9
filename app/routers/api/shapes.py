"""What bodies of the JSON API have in common: an example in the API document, and no members that nobody knows."""

from typing import Any

from pydantic import ConfigDict


def shown_as(example: dict[str, Any]) -> ConfigDict:
    """Return the configuration of a model that answers."""
    return ConfigDict(json_schema_extra={"examples": [example]})


def taken_as(*examples: dict[str, Any]) -> ConfigDict:
    """Return the configuration of a model of what callers send; errors about it never repeat what was sent."""
    return ConfigDict(
        json_schema_extra={"examples": [*examples]}, extra="forbid", frozen=True, hide_input_in_errors=True
    )
