"""Browser sessions: what a session cookie stands for."""

from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from app.models.columns import BYTES, TEXTS, Bytes, MaybeMoment, Moment, Text, Texts


class BrowserSession(SQLModel, table=True):
    """A sign-in on one browser. `digest` is that of the cookie's secret; the user's epoch at sign-in is copied.

    `sid` outlives signing in again: it is that of the session before it on that browser, null: its own id.
    """

    __tablename__ = "browser_session"
    __table_args__ = (Index("browser_session_user", "user_id", postgresql_where=text("ended_at is null")),)

    id: UUID = Field(primary_key=True)
    digest: Bytes = Field(sa_type=BYTES, repr=False)
    user_id: UUID = Field(foreign_key="user_account.id")
    user_epoch: int
    auth_time: Moment
    amr: Texts = Field(default_factory=list, sa_type=TEXTS)
    acr: Text = ""
    sid: UUID | None = None
    user_agent: Text = ""
    address: Text = ""
    created_at: Moment
    last_used_at: Moment
    idle_expires_at: Moment
    expires_at: Moment
    ended_at: MaybeMoment = None
