"""Access tokens that have no row of their own and were revoked."""

from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from app.models.columns import Moment


class RevokedToken(SQLModel, table=True):
    """The `jti` of a revoked token, kept until the token has expired."""

    __tablename__ = "revoked_token"
    __table_args__ = (Index("revoked_token_expires", "expires_at"),)

    id: UUID = Field(primary_key=True)
    expires_at: Moment
