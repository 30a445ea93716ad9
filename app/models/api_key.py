"""API keys: the machine credentials of organizations."""

from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from app.models.columns import BYTES, TEXTS, Bytes, MaybeBytes, MaybeMoment, MaybeText, Moment, Text, Texts


class ApiKey(SQLModel, table=True):
    """A key that sees nothing but its organization.

    After a rotation the secret before stays valid as `retiring_digest` until somebody retires it; both go with the
    same id. the times of their last use are written in batches.
    """

    __tablename__ = "api_key"
    __table_args__ = (Index("api_key_organization", "organization_id", "id"),)

    id: UUID = Field(primary_key=True)
    digest: Bytes = Field(sa_type=BYTES, repr=False)
    last_four: Text
    retiring_digest: MaybeBytes = Field(default=None, sa_type=BYTES, repr=False)
    retiring_last_four: MaybeText = None
    retiring_last_used_at: MaybeMoment = None
    organization_id: UUID = Field(foreign_key="organization.id")
    label: Text
    scopes: Texts = Field(sa_type=TEXTS)
    allowed_origins: Texts = Field(default_factory=list, sa_type=TEXTS)
    status: Text = "active"
    version: int = 1
    created_by: UUID | None = None
    last_used_at: MaybeMoment = None
    created_at: Moment
    updated_at: Moment
