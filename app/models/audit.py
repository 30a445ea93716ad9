"""The audit trail, and the decision traces beside it."""

from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from app.models.columns import JSON, JsonArray, JsonObject, Moment, Text

RARE = "event not in ('code.exchanged', 'token.refreshed')"
"""What the hot path writes with every token would make these indexes large, and their pages unreadable.

Whoever wants to use the indexes repeats it word by word: the planner must see that it holds.
"""


class Audit(SQLModel, table=True):
    """One deed: who did what to whom. Append-only for the runtime role; the moment in the id names the partition.

    `authorization_id` is set where the deed changed that record: its history is found by it. `actor_label` is what
    the actor was called then, such as the label of an API key; `data` may hold `before` and `after`.
    """

    __tablename__ = "audit"
    __table_args__ = (
        Index("audit_authorization", "authorization_id", "id", postgresql_where=text("authorization_id is not null")),
        Index("audit_organization", "organization_id", "id", postgresql_where=text("organization_id is not null")),
        Index("audit_user", "user_id", "id", postgresql_where=text(f"user_id is not null and {RARE}")),
        Index(
            "audit_application",
            "application_id",
            "id",
            postgresql_where=text(f"application_id is not null and {RARE}"),
        ),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: UUID = Field(primary_key=True)
    at: Moment
    event: Text
    request_id: Text
    actor_kind: Text
    actor_id: Text
    user_id: UUID | None = None
    application_id: UUID | None = None
    authorization_id: UUID | None = None
    organization_id: UUID | None = None
    actor_label: Text = ""
    subject_id: Text = ""
    address: Text = ""
    user_agent: Text = ""
    data: JsonObject = Field(default_factory=dict, sa_type=JSON)


class DecisionTrace(SQLModel, table=True):
    """Why one request was answered as it was; the moment in the id names the partition."""

    __tablename__ = "decision_trace"
    __table_args__ = (
        Index("decision_trace_request", "request_id"),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: UUID = Field(primary_key=True)
    request_id: Text
    at: Moment
    client_id: Text
    endpoint: Text
    outcome: Text
    steps: JsonArray = Field(sa_type=JSON)
