"""The outbox of back-channel logout: who has to hear that a session is over."""

from typing import Literal
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from app.models.columns import TEXT, MaybeMoment, MaybeText, Moment, Text

LogoutOutcome = Literal["delivered", "refused", "gave_up"]


class LogoutDelivery(SQLModel, table=True):
    """One notice to one application (OpenID Connect Back-Channel Logout §2.5); `id` is a UUIDv7 of its making.

    Without `sid` all sessions of the person are over. Notices of one application in one `lane`, a session or a person,
    are delivered in their order. A worker that works on it holds it until `claimed_until`; it is tried again at
    `next_at`, until `expires_at`.
    """

    __tablename__ = "logout_delivery"
    __table_args__ = (
        Index("logout_delivery_due", "application_id", "next_at", "id", postgresql_where=text("done_at is null")),
        Index("logout_delivery_lane", "application_id", "lane", "id", postgresql_where=text("done_at is null")),
        Index("logout_delivery_done", "done_at", postgresql_where=text("done_at is not null")),
    )

    id: UUID = Field(primary_key=True)
    application_id: UUID
    user_id: UUID
    lane: UUID
    subject: Text
    sid: UUID | None = None
    attempts: int = 0
    next_at: Moment
    claimed_until: MaybeMoment = None
    created_at: Moment
    expires_at: Moment
    done_at: MaybeMoment = None
    outcome: MaybeText = Field(default=None, sa_type=TEXT)
    problem: Text = ""
