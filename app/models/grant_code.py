"""Authorization codes: grants on their way to a token."""

from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from app.models.columns import BYTES, TEXTS, Bytes, MaybeMoment, MaybeText, Moment, Text, Texts


class GrantCode(SQLModel, table=True):
    """An authorization code. No foreign keys: the exchange pays for each of them (storage.md §2)."""

    __tablename__ = "grant_code"
    __table_args__ = (Index("grant_code_sid", "sid", postgresql_where=text("sid is not null")),)

    id: UUID = Field(primary_key=True)
    digest: Bytes = Field(sa_type=BYTES, repr=False)
    application_id: UUID
    user_id: UUID
    authorization_id: UUID
    record_version: int
    user_epoch: int
    application_epoch: int
    scopes: Texts = Field(sa_type=TEXTS)
    resources: Texts = Field(sa_type=TEXTS)
    auth_time: Moment
    acr: Text
    amr: Texts = Field(sa_type=TEXTS)
    sid: UUID | None = None
    redirect_uri: MaybeText = None
    code_challenge: MaybeText = None
    nonce: MaybeText = None
    cnf: MaybeText = None
    claims: MaybeText = None
    details: MaybeText = None
    grant_action: MaybeText = None
    offline: bool
    failed_attempts: int = 0
    family_id: UUID | None = None
    used_at: MaybeMoment = None
    expires_at: Moment
