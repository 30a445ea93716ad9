"""Applications: registered OAuth clients, and their secrets."""

from typing import Literal
from uuid import UUID

from sqlalchemy import Index, literal_column, text
from sqlmodel import Field, SQLModel

from app.models.columns import (
    BYTE_STRINGS,
    BYTES,
    JSON,
    TEXT,
    TEXTS,
    Bytes,
    ByteStrings,
    JsonObject,
    MaybeBytes,
    MaybeMoment,
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
    `key_material` holds what it proves itself with besides secrets, as `protocol.client_keys` has it; `openid` what it
    registered for signing people in, as `protocol.openid_settings` has it, and `requests` for demanding requests and
    answers, as `protocol.request_settings` has it.
    `introduction` is what it said of itself besides, as `protocol.introductions` has it; `name_skeleton` is what its
    name looks like to people, empty: not made yet; `registration_digest` is that of the secret of its registration
    access token, for one that registered itself (RFC 7592).
    Of the owners at most one is set; none: the operator's. `off_by` is who switched it off, `owner` or `operator`,
    also while it waits for its deletion; what the operator switched off its owner cannot switch on. A deleted one
    becomes a tombstone (`deleted_at`): no secret, no word of anybody's, and a client_id that is never given out again.
    """

    __tablename__ = "application"
    __table_args__ = (
        Index(
            "application_owner_organization",
            "owner_organization_id",
            postgresql_where=text("owner_organization_id is not null"),
        ),
        Index(
            "application_unchecked",
            "id",
            postgresql_where=text("not verified and (self_registered or owner_name <> '')"),
        ),
        Index(
            "application_name_beginning",
            literal_column("lower(name)").label("beginning"),
            postgresql_ops={"beginning": "text_pattern_ops"},
        ),
        Index("application_client_id_beginning", "client_id", postgresql_ops={"client_id": "text_pattern_ops"}),
        Index(
            "application_leaving",
            "delete_after",
            postgresql_where=text("status in ('pending_deletion', 'deletion_in_progress') and deleted_at is null"),
        ),
        # Of those whose name counts: many that registered themselves may go by the same one.
        Index(
            "application_name_skeleton",
            "name_skeleton",
            postgresql_where=text("name_skeleton <> '' and (verified or not (self_registered or owner_name <> ''))"),
        ),
        Index(
            "application_without_skeleton",
            "id",
            postgresql_where=text("name_skeleton = '' and deleted_at is null"),
        ),
        Index("application_self_registered", "created_at", postgresql_where=text("self_registered")),
    )

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
    key_material: JsonObject = Field(default_factory=dict, sa_type=JSON, repr=False)
    openid: JsonObject = Field(default_factory=dict, sa_type=JSON)
    requests: JsonObject = Field(default_factory=dict, sa_type=JSON)
    introduction: JsonObject = Field(default_factory=dict, sa_type=JSON)
    name_skeleton: Text = ""
    registration_digest: MaybeBytes = Field(default=None, sa_type=BYTES, repr=False)
    self_registered: bool = False
    verified: bool = False
    owner_organization_id: UUID | None = Field(default=None, foreign_key="organization.id")
    allowed_origins: Texts = Field(default_factory=list, sa_type=TEXTS)
    off_by: Text = ""
    delete_after: MaybeMoment = None
    deleted_at: MaybeMoment = None
    checked_at: MaybeMoment = None
    checked_by: UUID | None = None
    checked_note: Text = ""
    created_at: Moment
    updated_at: Moment


class ApplicationSecret(SQLModel, table=True):
    """A valid secret as its owner sees it. `Application.secret_digests` repeats the digests for the hot path.

    `last_four` is empty for a secret that was registered before this table. `last_used_at` is written in batches.
    `sealed` is the secret itself, encrypted at rest, where it serves as a MAC key and its digest is not enough.
    """

    __tablename__ = "application_secret"
    __table_args__ = (
        Index("application_secret_application", "application_id", "id"),
        Index("application_secret_digest", "digest"),
    )

    id: UUID = Field(primary_key=True)
    application_id: UUID = Field(foreign_key="application.id")
    digest: Bytes = Field(sa_type=BYTES, repr=False)
    last_four: Text
    sealed: MaybeBytes = Field(default=None, sa_type=BYTES, repr=False)
    created_by: UUID | None = None
    last_used_at: MaybeMoment = None
    created_at: Moment
