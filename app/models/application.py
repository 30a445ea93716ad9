"""Applications: registered OAuth clients."""

from typing import Literal
from uuid import UUID

from sqlmodel import Field, SQLModel

from app.models.columns import (
    BYTE_STRINGS,
    JSON,
    TEXT,
    TEXTS,
    ByteStrings,
    JsonObject,
    MaybeTexts,
    Moment,
    Text,
    Texts,
)

ApplicationStatus = Literal["active", "inactive", "pending_deletion", "deletion_in_progress"]


class Application(SQLModel, table=True):
    """A registered OAuth client.

    `version` grows with every change, `epoch` when it leaves `active`. `policy` holds the fields of
    `ApplicationPolicy`, lifetimes in seconds; `registration` all RFC 7591 members as given; `unmet` those that
    tighten security through features which this server does not have. `scopes` is null: may ask for every scope.
    """

    __tablename__ = "application"

    id: UUID = Field(primary_key=True)
    client_id: Text = Field(sa_type=TEXT, unique=True)
    name: Text
    kind: Text
    status: Text = "active"
    version: int = 1
    epoch: int = 0
    owner_user_id: UUID | None = Field(default=None, foreign_key="user_account.id", index=True)
    owner_name: Text = ""
    client_uri: Text = ""
    auth_method: Text
    secret_digests: ByteStrings = Field(default_factory=list, sa_type=BYTE_STRINGS, repr=False)
    redirect_uris: Texts = Field(default_factory=list, sa_type=TEXTS)
    grant_types: Texts = Field(default_factory=list, sa_type=TEXTS)
    response_types: Texts = Field(default_factory=list, sa_type=TEXTS)
    scopes: MaybeTexts = None
    optional_scopes: Texts = Field(default_factory=list, sa_type=TEXTS)
    policy: JsonObject = Field(default_factory=dict, sa_type=JSON)
    # SQLModel keeps the name `metadata` for itself.
    registration: JsonObject = Field(default_factory=dict, sa_type=JSON, sa_column_kwargs={"name": "metadata"})
    unmet: Texts = Field(default_factory=list, sa_type=TEXTS)
    self_registered: bool = False
    verified: bool = False
    created_at: Moment
    updated_at: Moment
