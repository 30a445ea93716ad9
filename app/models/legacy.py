"""What came from a system whose credentials carried no id: found by the digest of the whole string."""

from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from app.models.columns import BYTES, JSON, TEXT, TEXTS, Bytes, JsonObject, MaybeMoment, MaybeText, Moment, Text, Texts


class LegacyCredential(SQLModel, table=True):
    """Which row an imported string belongs to; `kind` names the table."""

    __tablename__ = "legacy_credential"
    __table_args__ = (Index("legacy_credential_target", "target_id"),)

    digest: Bytes = Field(sa_type=BYTES, primary_key=True)
    kind: Text
    target_id: UUID


class LegacyImport(SQLModel, table=True):
    """What has been imported, so that an import can be repeated: `source` is what names the thing over there.

    For credentials it is their digest. What was imported once is not imported again, whatever became of it since.
    """

    __tablename__ = "legacy_import"

    kind: Text = Field(sa_type=TEXT, primary_key=True)
    source: Text = Field(sa_type=TEXT, primary_key=True)
    target_id: UUID
    at: Moment


class LegacyToken(SQLModel, table=True):
    """An imported access token: the columns of `AccessToken`, without its partitions, since it may live long."""

    __tablename__ = "legacy_token"
    __table_args__ = (Index("legacy_token_expires", "expires_at"),)

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
