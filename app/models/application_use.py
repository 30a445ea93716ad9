"""When applications that introduced themselves were last given a token that no record stands behind."""

from uuid import UUID

from sqlmodel import Field, SQLModel

from app.models.columns import Moment


class ApplicationUse(SQLModel, table=True):
    """A row of each application that was ever given such a token. Written in batches."""

    __tablename__ = "application_use"

    application_id: UUID = Field(primary_key=True)
    last_at: Moment
