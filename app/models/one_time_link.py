"""One-time links, such as the one on which the first operator sets himself up."""

from uuid import UUID

from sqlmodel import Field, SQLModel

from app.models.columns import BYTES, Bytes, MaybeMoment, Moment, Text


class OneTimeLink(SQLModel, table=True):
    """A link that works once, until it expires; `digest` is that of its secret."""

    __tablename__ = "one_time_link"

    id: UUID = Field(primary_key=True)
    digest: Bytes = Field(sa_type=BYTES, repr=False)
    purpose: Text
    created_at: Moment
    expires_at: Moment
    used_at: MaybeMoment = None
