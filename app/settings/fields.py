"""What settings are made of: sections, lists of words, numbers and spans of time within bounds."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_settings import NoDecode

from app.settings import values

DAY = 86_400
YEAR = 365 * DAY


def number(default: int | None, low: int, high: int, description: str, *, unit: str = "") -> Any:
    """Return a field for a whole number."""
    return Field(default, ge=low, le=high, description=description, json_schema_extra={"unit": unit} if unit else {})


def span(default: int, low: int, high: int, description: str) -> Any:
    """Return a field for a time in seconds."""
    return number(default, low, high, description, unit="seconds")


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(values.split_words)]
"""A list of strings; in the environment also written with commas or spaces between them."""


class Section(BaseModel):
    """A table of the settings file."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
