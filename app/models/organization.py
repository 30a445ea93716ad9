"""Organizations, who belongs to them, and who has been invited."""

from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from app.models.columns import BYTES, TEXT, Bytes, MaybeMoment, Moment, Text


class Organization(SQLModel, table=True):
    """Owns applications and API keys. `slug` is its name in addresses, never given out again; `version` grows with
    every change. A deleted one keeps its row, and nothing of it works."""

    __tablename__ = "organization"

    id: UUID = Field(primary_key=True)
    slug: Text = Field(sa_type=TEXT, unique=True)
    name: Text
    version: int = 1
    deleted_at: MaybeMoment = None
    created_at: Moment
    updated_at: Moment


class OrganizationMember(SQLModel, table=True):
    """A person in an organization, with one role out of the settings."""

    __tablename__ = "organization_member"
    __table_args__ = (Index("organization_member_user", "user_id"),)

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    user_id: UUID = Field(primary_key=True, foreign_key="user_account.id")
    role: Text
    version: int = 1
    joined_at: Moment


class OrganizationInvitation(SQLModel, table=True):
    """A link that makes whoever follows it a member, once. The link is a credential; here is its digest.

    `note` is what the inviter wrote down about whom it is for. `invited_by` is the person who invited, or whose token
    did; `inviting_key_id` is the API key; neither: the system key.
    """

    __tablename__ = "organization_invitation"
    __table_args__ = (
        Index(
            "organization_invitation_open",
            "organization_id",
            "id",
            postgresql_where=text("used_at is null and revoked_at is null"),
        ),
    )

    id: UUID = Field(primary_key=True)
    digest: Bytes = Field(sa_type=BYTES, repr=False)
    organization_id: UUID = Field(foreign_key="organization.id")
    role: Text
    note: Text = ""
    invited_by: UUID | None = None
    inviting_key_id: UUID | None = None
    created_at: Moment
    expires_at: Moment
    revoked_at: MaybeMoment = None
    used_at: MaybeMoment = None
    used_by: UUID | None = None
