"""What `/api/v1/admin` takes and tells: people, applications, and why a request was answered as it was."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import PydanticCustomError

from app.protocol.trace import TraceEntry
from app.routers.api.shapes import shown_as, taken_as
from app.services.administration import MAX_NOTE_LENGTH, problem_with_note
from app.store.administration import Holdings, Listed, Person

_USER: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "username": "robin",
    "email": "robin@example.org",
    "name": "Robin Ashdown",
    "operator": False,
    "status": "active",
    "disabled_at": None,
    "created_at": "2026-05-20T17:40:12Z",
}
_HOLDINGS: dict[str, Any] = {
    "sessions": 2,
    "authorizations": 5,
    "personal_tokens": 1,
    "organizations": 1,
    "applications": 3,
}
_APPLICATION: dict[str, Any] = {
    "client_id": "5f0c1b9d2e8a47c3b6d0e1f2a3b4c5d6",
    "name": "Deploy Diary",
    "kind": "web",
    "status": "active",
    "off_by": None,
    "owner_user_id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "owner_organization_id": None,
    "owner_name": "robin",
    "redirect_uris": ["https://deploydiary.example/callback"],
    "self_registered": False,
    "checked": True,
    "checked_at": "2026-05-21T08:00:00Z",
    "checked_by": "ada",
    "checked_note": "Known to us; the domain is theirs.",
    "created_at": "2026-05-20T17:40:12Z",
}
_DECISION: dict[str, Any] = {
    "at": "2026-05-21T09:41:07Z",
    "client_id": "5f0c1b9d2e8a47c3b6d0e1f2a3b4c5d6",
    "endpoint": "authorize",
    "outcome": "refused: invalid_scope",
    "checks": [
        {"check": "return path", "outcome": "passed", "detail": "deploydiary.example", "section": "RFC 9700 §4.1.3"},
        {
            "check": "scope",
            "outcome": "refused",
            "detail": "invalid_scope: org:fly is not a scope of this server",
            "section": "RFC 6749 §3.3",
        },
    ],
}


class UserSummary(BaseModel):
    """A person, as operators see him."""

    model_config = shown_as(_USER)

    id: UUID
    username: str
    email: str | None
    name: str = Field(description="What he is called in full; empty when that is not known.")
    operator: bool = Field(description="He may operate the server.")
    status: Literal["active", "disabled"]
    disabled_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, person: Person) -> Self:
        """Return what is told of a person."""
        return cls(**_user_members(person))


class UserList(BaseModel):
    """A page of people."""

    model_config = shown_as({"items": [_USER]})

    items: list[UserSummary]


class UserAnswer(UserSummary):
    """A person, and how much he has."""

    model_config = shown_as(_USER | _HOLDINGS)

    sessions: int = Field(description="Browsers on which he is signed in.")
    authorizations: int = Field(description="Applications that he has connected.")
    personal_tokens: int = Field(description="Those that work.")
    organizations: int = Field(description="Organizations that he belongs to.")
    applications: int = Field(description="Applications that he owns.")

    @classmethod
    def with_holdings(cls, person: Person, holdings: Holdings) -> Self:
        """Return what is told of a person when he is looked at alone."""
        return cls(
            **_user_members(person),
            sessions=holdings.sessions,
            authorizations=holdings.authorizations,
            personal_tokens=holdings.personal_tokens,
            organizations=holdings.organizations,
            applications=holdings.applications,
        )


class ApplicationSummary(BaseModel):
    """An application, as operators see it."""

    model_config = shown_as(_APPLICATION)

    client_id: str
    name: str
    kind: str
    status: Literal["active", "inactive", "pending_deletion", "deletion_in_progress"]
    off_by: Literal["owner", "operator"] | None = Field(description="Who switched it off.")
    owner_user_id: UUID | None
    owner_organization_id: UUID | None
    owner_name: str = Field(description="What the consent page calls its owner; empty for the operator’s own.")
    redirect_uris: list[str]
    self_registered: bool
    checked: bool = Field(description="An operator has looked at what it says about itself.")
    checked_at: datetime | None
    checked_by: str | None = Field(description="The username of who checked it.")
    checked_note: str
    created_at: datetime

    @classmethod
    def of(cls, listed: Listed) -> Self:
        """Return what is told of an application."""
        return cls(
            client_id=listed.client_id,
            name=listed.name,
            kind=listed.kind,
            status=listed.status,
            off_by=listed.off_by or None,
            owner_user_id=listed.owner_user_id,
            owner_organization_id=listed.owner_organization_id,
            owner_name=listed.owner_name,
            redirect_uris=list(listed.redirect_uris),
            self_registered=listed.self_registered,
            checked=listed.verified,
            checked_at=listed.checked_at,
            checked_by=listed.checked_by or None,
            checked_note=listed.checked_note,
            created_at=listed.created_at,
        )


class ApplicationList(BaseModel):
    """A page of applications."""

    model_config = shown_as({"items": [_APPLICATION]})

    items: list[ApplicationSummary]


def _read_note(note: str) -> str:
    if problem := problem_with_note(note):
        raise PydanticCustomError("note", "{problem}", {"problem": problem})
    return note


class Check(BaseModel):
    """The outcome of looking at an application."""

    model_config = taken_as({"checked": True, "note": "Known to us; the domain is theirs."})

    checked: bool = Field(strict=True, description="Whether consent pages shall say that it was checked.")
    note: Annotated[str, AfterValidator(_read_note)] = Field(
        default="", max_length=MAX_NOTE_LENGTH, description="For other operators: what you looked at."
    )


class CheckLine(BaseModel):
    """One check of a decision."""

    check: str
    outcome: str = Field(description="Such as `passed`, `refused` or `asked`.")
    detail: str
    section: str = Field(description="Where the rule stands.")


class Decision(BaseModel):
    """One decision about a request: what was checked in which order, and what came of it."""

    at: datetime
    client_id: str
    endpoint: str
    outcome: str
    checks: list[CheckLine]

    @classmethod
    def of(cls, entry: TraceEntry) -> Self:
        """Return what is told of a trace."""
        return cls(
            at=entry.at,
            client_id=entry.client_id,
            endpoint=entry.endpoint,
            outcome=entry.outcome,
            checks=[
                CheckLine(check=step.check, outcome=step.outcome, detail=step.detail, section=step.section)
                for step in entry.steps
            ],
        )


class RequestAnswer(BaseModel):
    """What is recorded under a request id."""

    model_config = shown_as({"request_id": "req_2f1c9d04b7a85e63d1f0", "decisions": [_DECISION]})

    request_id: str
    decisions: list[Decision] = Field(description="The oldest first.")


def _user_members(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "username": person.username,
        "email": person.email,
        "name": person.name,
        "operator": person.operator,
        "status": "disabled" if person.disabled_at else "active",
        "disabled_at": person.disabled_at,
        "created_at": person.created_at,
    }
