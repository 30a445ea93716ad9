"""What the API tells of the audit trail: its entries, as objects, as JSON lines and as a table for spreadsheets."""

import csv
import io
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import orjson
from pydantic import AwareDatetime, BaseModel, Field

from app.protocol.events import Event
from app.routers.api.shapes import shown_as
from app.routers.pages.log import words_of
from app.services.trail import Told

ENTRY: dict[str, Any] = {
    "id": "019aac11-3c5e-7d21-9b54-0c3f8d2a7e10",
    "at": "2026-11-22T11:58:03Z",
    "event": Event.API_KEY_CREATED,
    "summary": "Made API key “Nightly export” …4f2a",
    "actor": {"kind": "user", "id": "01890a5d-ac96-774b-bcce-b302099a8057", "label": "Robin Ashdown"},
    "target": "019aac11-3c5d-7f00-8000-8c1f6f0a9b21",
    "organization_id": "01890a5d-ac96-774b-bcce-b30209900000",
    "request_id": "req_2f1c9d04b7a85e63d1f0",
    "address": "203.0.113.24",
    "user_agent": "Mozilla/5.0",
    "after": {"label": "Nightly export", "scopes": ["project:read"], "last_four": "4f2a"},
    "details": {},
}
"""An example."""

CSV_COLUMNS = (
    *("at", "event", "summary", "actor_kind", "actor_id", "actor_label", "target"),
    *("request_id", "address", "user_agent", "before", "after", "details"),
)

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - spreadsheets take them as well


class ActorAnswer(BaseModel):
    """Who did it: a person, an application, a key, the server."""

    kind: str = Field(
        description="`user`, `application`, `personal_token`, `api_key`, `system_key`, `operator`, `server` "
        "or `anonymous` (nobody has proved who he is)."
    )
    id: str
    label: str = Field(description="What he is called; empty when nobody knows it any more.")


class AuditEntryAnswer(BaseModel):
    """One deed. Nothing of it is a secret: credentials are named by their id and their last four characters."""

    model_config = shown_as(ENTRY)

    id: UUID
    at: AwareDatetime
    event: str = Field(description="The name of the event, for programs.")
    summary: str = Field(description="What was done in one sentence, for people; its wording may change.")
    actor: ActorAnswer
    target: str = Field(description="The id of what it was done to.")
    user_id: UUID | None = Field(default=None, description="The person whom it concerns.")
    application_id: UUID | None = None
    organization_id: UUID | None = None
    request_id: str = Field(description="The id of the request that did it; empty for deeds of the server itself.")
    address: str | None = Field(default=None, description="From where; null when you may not know.")
    user_agent: str | None = Field(default=None, description="By which program; null when you may not know.")
    before: Any = Field(default=None, description="As it was; null where nothing was changed.")
    after: Any = Field(default=None, description="As it became; null where nothing was changed.")
    details: dict[str, Any] = Field(description="What else belongs to the event.")


class AuditList(BaseModel):
    """One page of the trail, newest first."""

    model_config = shown_as({"items": [ENTRY]})

    items: list[AuditEntryAnswer]


MayKnowWhence = Callable[[Told], bool]
"""Tells whether the reader may know from which address, and by which program, a deed was done."""


def entry_of(told: Told, may_know_whence: MayKnowWhence) -> AuditEntryAnswer:
    """Return one entry as its reader may see it."""
    entry = told.entry
    open_to_him = may_know_whence(told)
    return AuditEntryAnswer(
        id=entry.id,
        at=entry.at,
        event=entry.event,
        summary=words_of(told),
        actor=ActorAnswer(kind=entry.actor_kind, id=entry.actor_id, label=told.actor),
        target=entry.subject_id,
        user_id=entry.user_id,
        application_id=entry.application_id,
        organization_id=entry.organization_id,
        request_id=entry.request_id,
        address=entry.address if open_to_him else None,
        user_agent=entry.user_agent if open_to_him else None,
        before=entry.data.get("before"),
        after=entry.data.get("after"),
        details={name: value for name, value in entry.data.items() if name not in {"before", "after"}},
    )


def json_lines(entries: Iterable[AuditEntryAnswer]) -> bytes:
    """Return each entry as one line of JSON."""
    return b"".join(orjson.dumps(entry.model_dump(mode="json")) + b"\n" for entry in entries)


def csv_head() -> bytes:
    """Return the first line of the table."""
    return _table([CSV_COLUMNS])


def csv_rows(entries: Iterable[AuditEntryAnswer]) -> bytes:
    """Return each entry as one row (RFC 4180); nothing in it is taken for a formula."""
    return _table(_cells(entry) for entry in entries)


def shown_lines() -> dict[str, Any]:
    """Return how the API document shows JSON lines."""
    return {"schema": {"type": "string"}, "example": json_lines([AuditEntryAnswer(**ENTRY)]).decode("utf-8")}


def shown_table() -> dict[str, Any]:
    """Return how the API document shows the table."""
    example = (csv_head() + csv_rows([AuditEntryAnswer(**ENTRY)])).decode("utf-8")
    return {"schema": {"type": "string"}, "example": example}


def _cells(entry: AuditEntryAnswer) -> Iterable[str]:
    flat = entry.model_dump(mode="json")
    actor = flat.pop("actor")
    flat |= {f"actor_{name}": value for name, value in actor.items()}
    return [_harmless(_text(flat[name])) for name in CSV_COLUMNS]


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode("utf-8")


def _harmless(text: str) -> str:
    """Return the text so that no spreadsheet computes it: names in the trail were chosen by strangers."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _table(rows: Iterable[Iterable[str]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows(rows)
    return buffer.getvalue().encode("utf-8")
