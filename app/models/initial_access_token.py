"""Initial access tokens: what whoever registers an application has to show, where not everybody may (RFC 7591 §3)."""

from uuid import UUID

from sqlmodel import Field, SQLModel

from app.models.columns import BYTES, Bytes, MaybeMoment, Moment, Text


class InitialAccessToken(SQLModel, table=True):
    """A permission to register. `uses_left` is null: as often as one likes. `created_by` names who made it."""

    __tablename__ = "initial_access_token"

    id: UUID = Field(primary_key=True)
    digest: Bytes = Field(sa_type=BYTES, repr=False)
    label: Text
    uses_left: int | None = None
    created_by: Text
    created_at: Moment
    expires_at: MaybeMoment = None
    last_used_at: MaybeMoment = None
    revoked_at: MaybeMoment = None
