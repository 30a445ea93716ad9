"""Users: people who sign in, and the operators among them."""

from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from app.models.columns import JSON, TEXT, JsonObject, MaybeMoment, MaybeText, Moment, Text


class User(SQLModel, table=True):
    """A person. The `_key` columns hold the names as they are compared (case folded in Python, storage.md §1).

    `epoch` is raised when the user is disabled: nothing that was issued before lives again when he is enabled.
    """

    __tablename__ = "user_account"
    __table_args__ = (
        Index("user_account_operator", "id", postgresql_where=text("operator")),
        # What names begin with is looked for by these, whatever the collation of the database.
        Index("user_account_username_beginning", "username_key", postgresql_ops={"username_key": "text_pattern_ops"}),
        Index("user_account_email_beginning", "email_key", postgresql_ops={"email_key": "text_pattern_ops"}),
    )

    id: UUID = Field(primary_key=True)
    sub: Text = Field(sa_type=TEXT, unique=True)
    username: Text
    username_key: Text = Field(sa_type=TEXT, unique=True)
    email: MaybeText = None
    email_key: MaybeText = Field(default=None, sa_type=TEXT, unique=True)
    password_hash: MaybeText = Field(default=None, sa_type=TEXT, repr=False)
    claims: JsonObject = Field(default_factory=dict, sa_type=JSON)
    operator: bool = False
    epoch: int = 0
    disabled_at: MaybeMoment = None
    created_at: Moment
    updated_at: Moment
