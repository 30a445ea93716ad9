"""When applications that introduced themselves were first and last given a token."""

from uuid import UUID

from sqlmodel import Field, SQLModel

from app.models.columns import Moment


class ApplicationUse(SQLModel, table=True):
    """Of an application that nobody's record names, too. Written in batches."""

    __tablename__ = "application_use"

    application_id: UUID = Field(primary_key=True)
    first_at: Moment
    last_at: Moment
