"""Authorization records: what users have allowed applications."""

from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from app.models.columns import (
    JSON,
    NUMBERS,
    TEXT,
    TEXTS,
    JsonObject,
    MaybeMoment,
    MaybeText,
    Moment,
    Numbers,
    Text,
    Texts,
)


class Authorization(SQLModel, table=True):
    """The record of (user, application); at most one of them is not revoked.

    `pairs` and `since` are parallel: the version that brought each pair. `version` grows with every change, and
    `last_change` is the audit row that tells the latest one. `subject` is what the application knows the person by,
    null: by the person's own `sub`. `details` has the objects behind its pairs `detail:…`, by pair. Refresh tokens of
    grants from before the version `refresh_since` count no more. `identity` is what the person last judged an
    application by that is known by its metadata document (`Introduction.identity`).

    A record that Grant Management made beside the implicit one is revoked at infinity: it is live, and the index of
    one implicit record does not count it.
    """

    __tablename__ = "authorization"
    __table_args__ = (
        Index(
            "authorization_live", "user_id", "application_id", unique=True, postgresql_where=text("revoked_at is null")
        ),
        Index("authorization_application", "application_id"),
        Index("authorization_beside", "user_id", "application_id", postgresql_where=text("revoked_at = 'infinity'")),
        {"postgresql_with": {"fillfactor": 80}},
    )

    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="user_account.id")
    application_id: UUID = Field(foreign_key="application.id")
    pairs: Texts = Field(sa_type=TEXTS)
    since: Numbers = Field(sa_type=NUMBERS)
    version: int = 1
    last_change: UUID
    subject: MaybeText = None
    details: JsonObject = Field(default_factory=dict, sa_type=JSON)
    refresh_since: int = 0
    identity: Text = ""
    revoked_at: MaybeMoment = None
    created_at: Moment
    updated_at: Moment


class AuthorizationScope(SQLModel, table=True):
    """When a pair was first and last granted, for the pages; no token is judged by it."""

    __tablename__ = "authorization_scope"

    authorization_id: UUID = Field(primary_key=True, foreign_key="authorization.id")
    pair: Text = Field(primary_key=True, sa_type=TEXT)
    first_granted: Moment
    last_granted: Moment
