"""What `/api/v1/sessions` tells of a session."""

from typing import Any, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from app.protocol.facts import SessionFact
from app.routers.api.shapes import shown_as
from app.services.own_sessions import OwnSession

_INTO: dict[str, Any] = {"client_id": "deploy-diary", "name": "Deploy Diary"}
_SESSION: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "present": True,
    "signed_in_at": "2026-05-20T17:40:12Z",
    "amr": ["pwd"],
    "last_used_at": "2026-05-21T06:00:03Z",
    "ends_at": "2026-05-21T18:00:03Z",
    "address": "203.0.113.24",
    "user_agent": "Mozilla/5.0",
    "applications": [_INTO],
}


class SignedIntoAnswer(BaseModel):
    """An application that a session has signed its person in to."""

    model_config = shown_as(_INTO)

    client_id: str
    name: str


class SessionSummary(BaseModel):
    """A browser on which the person is signed in."""

    model_config = shown_as(_SESSION)

    id: UUID
    present: bool = Field(description="It is the session of the request itself.")
    signed_in_at: AwareDatetime
    amr: list[str] = Field(description="How the person signed in (RFC 8176).")
    last_used_at: AwareDatetime
    ends_at: AwareDatetime = Field(description="When it ends by itself if nobody uses it any more.")
    address: str = Field(description="From where the person signed in.")
    user_agent: str = Field(description="What the browser said about itself.")
    applications: list[SignedIntoAnswer] = Field(description="What it signed the person in to, by name.")

    @classmethod
    def of(cls, found: OwnSession, caller: SessionFact) -> Self:
        """Return what is told of a session to somebody in his own one."""
        session = found.session
        return cls(
            id=session.id,
            present=session.id == caller.id,
            signed_in_at=session.signed_in_at,
            amr=list(session.amr),
            last_used_at=session.last_used_at,
            ends_at=session.ends_at,
            address=session.address,
            user_agent=session.user_agent,
            applications=[SignedIntoAnswer(client_id=one.client_id, name=one.name) for one in found.into],
        )


class SessionSummaryList(BaseModel):
    """A page of sessions."""

    model_config = shown_as({"items": [_SESSION]})

    items: list[SessionSummary]
