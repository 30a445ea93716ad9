"""What every table of a data file has in common."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

DAY = 86_400
"""Seconds."""


class Entry(BaseModel):
    """A table of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        if isinstance(given, Mapping):
            return {name: value for name, value in given.items() if value is not None}
        return given


def refused(rule: str) -> PydanticCustomError:
    """Return the refusal of a value: half a sentence, which may hold braces."""
    return PydanticCustomError("refused", "{rule}", {"rule": rule})


def seconds(value: int | None) -> timedelta | None:
    """Return a lifetime as a file has it."""
    return None if value is None else timedelta(seconds=value)
