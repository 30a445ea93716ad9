"""Versions as entity tags: whoever has read something can have it changed only while it still is what he read."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Header

from app.routers.api.problems import Kind, Refused

ETAG = {"ETag": {"description": "The version, for `If-Match`.", "schema": {"type": "string"}}}
"""How the API document describes the header of what can be changed."""

IfMatch = Annotated[list[str] | None, Header(description="Change it only while it has this `ETag` (RFC 9110 §13.1.1).")]


def etag(version: int) -> str:
    """Return the entity tag of a version."""
    return f'"{version}"'


def expected_version(version: int, if_match: Sequence[str] | None) -> int | None:
    """Return the version that the change has to meet, None when any will do.

    Raises `Refused` (412) when the header names other versions only; what is no entity tag names none.
    """
    if if_match is None:
        return None
    tags = {tag.strip(" \t") for line in if_match for tag in line.split(",")}
    if tags == {"*"}:
        return None
    if etag(version) not in tags:
        raise changed()
    return version


def changed() -> Refused:
    """Return the refusal of a change that was meant for another version."""
    return Refused(Kind.VERSION_CHANGED, "read it again, and decide again")
