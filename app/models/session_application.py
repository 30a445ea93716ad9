"""Which applications a session has signed a person in to: they are told when it ends."""

from uuid import UUID

from sqlmodel import Field, SQLModel

from app.models.columns import Moment, Text


class SessionApplication(SQLModel, table=True):
    """One application of one session. `sid` is that of `BrowserSession`; `subject` what the application knows the
    person by."""

    __tablename__ = "session_application"

    sid: UUID = Field(primary_key=True)
    application_id: UUID = Field(primary_key=True)
    user_id: UUID
    subject: Text
    first_at: Moment
    last_at: Moment
