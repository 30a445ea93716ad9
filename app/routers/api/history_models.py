"""What `/api/v1/authorizations` tells of the history of a connected application: who did what, in which request."""

from collections.abc import Iterable
from typing import Any

from pydantic import AwareDatetime, BaseModel, Field

from app.protocol.claims_request import claim_of
from app.protocol.events import Event
from app.protocol.facts import SessionFact
from app.protocol.liveness import is_scope, split_pair
from app.routers.api.shapes import shown_as
from app.store.trail import TrailEntry

# The document’s generator drops nulls from examples; hence a resource.
PERMISSION: dict[str, Any] = {"scope": "project:read", "resource": "https://api.example"}
CHANGE: dict[str, Any] = {
    "at": "2026-05-20T17:40:12Z",
    "event": Event.AUTHORIZATION_NARROWED,
    "by": "you",
    "request_id": "req_2f1c9d04b7a85e63d1f0",
    "before": [PERMISSION, {"scope": "org:read", "resource": "https://api.example"}],
    "after": [PERMISSION],
    "claims_before": ["email"],
    "claims_after": ["email"],
    "authorization_details": [],
}


class Permission(BaseModel):
    """One scope, at one resource or (null) wherever it is accepted without one."""

    scope: str
    resource: str | None


class Change(BaseModel):
    """One entry of the history: who did what, in which request, and what was allowed before and after."""

    at: AwareDatetime
    event: str
    by: str = Field(description="`you`, or what kind of actor did it.")
    request_id: str
    before: list[Permission]
    after: list[Permission]
    claims_before: list[str] = Field(description="The claims that were given one by one.")
    claims_after: list[str]
    authorization_details: list[dict[str, Any]] = Field(description="The objects that it was about (RFC 9396).")


class ChangeList(BaseModel):
    """One page of a history, the newest change first."""

    model_config = shown_as({"items": [CHANGE]})

    items: list[Change]


def change_of(entry: TrailEntry, session: SessionFact) -> Change:
    """Return one entry of a history, as the person of the session reads it."""
    before, after = entry.data.get("before") or (), entry.data.get("after") or ()
    return Change(
        at=entry.at,
        event=entry.event,
        by="you" if entry.actor_id == str(session.user_id) else entry.actor_kind,
        request_id=entry.request_id,
        before=permissions_of(before),
        after=permissions_of(after),
        claims_before=claims_of(before),
        claims_after=claims_of(after),
        authorization_details=entry.data.get("details") or [],
    )


def permissions_of(pairs: Iterable[str]) -> list[Permission]:
    """Return the scopes among the pairs of a record."""
    parts = (split_pair(pair) for pair in pairs if is_scope(pair))
    return [Permission(scope=scope, resource=resource or None) for scope, resource in parts]


def claims_of(pairs: Iterable[str]) -> list[str]:
    """Return the claims among the pairs of a record that were given one by one."""
    return [claim for pair in pairs if (claim := claim_of(pair)) is not None]
