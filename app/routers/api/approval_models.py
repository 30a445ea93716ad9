"""What `/api/v1/approvals` tells of a request to a person, and how he answers it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from app.protocol import consent
from app.protocol.facts import ClientFact
from app.protocol.scopes import ScopeRegistry
from app.routers.api.authorization_models import ApplicationAnswer
from app.routers.api.shapes import shown_as, taken_as
from app.routers.pages.approvals import shown
from app.store.hot_backchannel import BackchannelQuestion

ApprovalStatus = Literal["pending", "approved", "denied", "expired"]

MAX_SCOPES = 500
MAX_SCOPE_LENGTH = 200

_SCOPE: dict[str, Any] = {"scope": "project:read", "title": "See projects", "kind": "see", "optional": False}
_APPROVAL: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "status": "pending",
    "application": {
        "client_id": "till",
        "name": "Till",
        "host": "till.example",
        "owner": "Saltbarn",
        "verified": True,
    },
    "binding_message": "W4SCT",
    "scopes": [_SCOPE],
    "resources": ["https://api.example"],
    "authorization_details": [{"type": "payment", "instructedAmount": {"currency": "EUR", "amount": "12.50"}}],
    "grant_management_action": "merge",
    "address": "203.0.113.24",
    "asked_at": "2026-05-20T17:40:12Z",
    "expires_at": "2026-05-20T17:45:12Z",
}


class AskedScope(BaseModel):
    """One scope that is asked for, with its words."""

    model_config = shown_as(_SCOPE)

    scope: str
    title: str = Field(description="Empty when the scope has left the registry.")
    kind: Literal["see", "change", "manage"]
    optional: bool = Field(description="It is granted only when `scopes` of the decision names it.")


class Approval(BaseModel):
    """What an application asks the person."""

    model_config = shown_as(_APPROVAL)

    id: UUID
    status: ApprovalStatus
    application: ApplicationAnswer
    binding_message: str = Field(description="What the other device shows too; empty when there is nothing to compare.")
    scopes: list[AskedScope]
    resources: list[str] = Field(description="The APIs that the scopes are for.")
    authorization_details: list[dict[str, Any]] = Field(
        description="Objects that say more than a scope (RFC 9396); they are granted whole."
    )
    grant_management_action: str | None = Field(
        description="What becomes of what it was allowed before: `replace` takes its place, `create` stands beside it, "
        "`merge` joins one grant of it; null: joins all of it."
    )
    address: str = Field(description="From where the application asked.")
    asked_at: AwareDatetime
    expires_at: AwareDatetime


class ApprovalList(BaseModel):
    """What waits for the person, the newest first."""

    model_config = shown_as({"items": [_APPROVAL]})

    items: list[Approval]


class ApprovalDecision(BaseModel):
    """How the person decides."""

    model_config = taken_as({"decision": "approve", "scopes": []})

    decision: Literal["approve", "deny"]
    scopes: list[Annotated[str, Field(max_length=MAX_SCOPE_LENGTH)]] = Field(
        default_factory=list, max_length=MAX_SCOPES, description="The optional scopes that are granted as well."
    )


def answer_of(question: BackchannelQuestion, client: ClientFact, registry: ScopeRegistry, now: datetime) -> Approval:
    """Return a request as its person sees it, asked by this application."""
    asked, application = question.request, shown(client)
    return Approval(
        id=asked.id,
        status=_status(question, now),
        application=ApplicationAnswer(
            client_id=client.client_id,
            name=client.name,
            host=application.host,
            owner=client.owner_name,
            verified=application.verified,
        ),
        binding_message=asked.binding_message,
        scopes=list(_scopes(asked.scopes, client, registry)),
        resources=list(asked.resources),
        authorization_details=[dict(detail.content) for detail in asked.details],
        grant_management_action=None if asked.target is None else asked.target.action,
        address=asked.address,
        asked_at=asked.created_at,
        expires_at=asked.expires_at,
    )


def _status(question: BackchannelQuestion, now: datetime) -> ApprovalStatus:
    match question.request.status:
        case "pending":
            return "pending" if now < question.request.expires_at else "expired"
        case "denied":
            return "denied"
        case "approved" | "used":
            return "approved"


def _scopes(names: tuple[str, ...], client: ClientFact, registry: ScopeRegistry) -> Iterable[AskedScope]:
    optional = consent.optional_scopes(names, client, registry)
    for name in names:
        known = registry.get(name)
        yield AskedScope(
            scope=name,
            title=known.title if known else "",
            kind=known.kind if known else "see",
            optional=name in optional,
        )
