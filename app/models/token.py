"""Token families and access tokens; a refresh token is its family's generation and digest (RTK-1, RTK-2)."""

from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from app.models.columns import (
    BYTES,
    JSON,
    NUMBERS,
    TEXTS,
    Bytes,
    JsonObject,
    MaybeBytes,
    MaybeMoment,
    MaybeText,
    Moment,
    Numbers,
    Text,
    Texts,
)


class TokenFamily(SQLModel, table=True):
    """Everything that descends from one authorization event (storage.md §5).

    `digest` is that of the current refresh secret, null when none was issued. `key_since` is flat: key version,
    first generation made with it, next version, … No index on anything that a rotation writes: updates stay HOT.
    """

    __tablename__ = "token_family"
    __table_args__ = (
        Index("token_family_user", "user_id", postgresql_where=text("revoked_at is null")),
        Index("token_family_sid", "sid", postgresql_where=text("revoked_at is null and sid is not null")),
        {"postgresql_with": {"fillfactor": 80}},
    )

    id: UUID = Field(primary_key=True)
    authorization_id: UUID
    user_id: UUID
    application_id: UUID
    record_version: int
    user_epoch: int
    application_epoch: int
    scopes: Texts = Field(sa_type=TEXTS)
    resources: Texts = Field(sa_type=TEXTS)
    digest: MaybeBytes = Field(default=None, sa_type=BYTES, repr=False)
    generation: int = 0
    key_since: Numbers = Field(sa_type=NUMBERS)
    rotated_at: Moment
    idle_expires_at: Moment
    expires_at: Moment
    revoked_at: MaybeMoment = None
    revoked_reason: MaybeText = None
    auth_time: Moment
    acr: Text
    amr: Texts = Field(sa_type=TEXTS)
    sid: UUID | None = None
    nonce: MaybeText = None
    cnf: MaybeText = None
    claims: MaybeText = None
    details: MaybeText = None


class AccessToken(SQLModel, table=True):
    """An access token; the moment in its id names the partition. Machine tokens have no user and no family.

    `digest` is that of an opaque token's secret, or of the whole text of a JWT. `cnf` names the key that it is bound to
    (`protocol.sender.Binding`), `act` who acts for its person (RFC 8693 §4.1), `basis` what an exchanged one rests on
    (`protocol.facts.Basis`).
    """

    __tablename__ = "access_token"
    __table_args__ = {"postgresql_partition_by": "RANGE (id)"}

    id: UUID = Field(primary_key=True)
    digest: Bytes = Field(sa_type=BYTES, repr=False)
    family_id: UUID | None = None
    authorization_id: UUID | None = None
    user_id: UUID | None = None
    application_id: UUID
    record_version: int
    user_epoch: int
    application_epoch: int
    scopes: Texts = Field(sa_type=TEXTS)
    resources: Texts = Field(sa_type=TEXTS)
    issued_at: Moment
    expires_at: Moment
    revoked_at: MaybeMoment = None
    cnf: MaybeText = None
    act: JsonObject | None = Field(default=None, sa_type=JSON)
    basis: JsonObject | None = Field(default=None, sa_type=JSON)
    details: MaybeText = None
