"""Personal tokens: made by a person for himself."""

from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from app.models.columns import BYTES, TEXTS, Bytes, MaybeMoment, Moment, Text, Texts


class PersonalToken(SQLModel, table=True):
    """An access token without application, family and refresh. `expires_at` is null when its maker said "never".

    May live for ever, hence not partitioned. `last_used_at` is written in batches.
    """

    __tablename__ = "personal_token"
    __table_args__ = (Index("personal_token_user", "user_id", "id", postgresql_where=text("revoked_at is null")),)

    id: UUID = Field(primary_key=True)
    digest: Bytes = Field(sa_type=BYTES, repr=False)
    last_four: Text
    user_id: UUID = Field(foreign_key="user_account.id")
    user_epoch: int
    name: Text
    scopes: Texts = Field(sa_type=TEXTS)
    version: int = 1
    expires_at: MaybeMoment = None
    revoked_at: MaybeMoment = None
    last_used_at: MaybeMoment = None
    created_at: Moment
