"""Resources: APIs that accept tokens."""

from sqlmodel import Field, SQLModel

from app.models.columns import TEXT, TEXTS, MaybeTexts, Moment, Text, Texts


class Resource(SQLModel, table=True):
    """An API that accepts tokens (RFC 8707), declared as data; others stand in the settings.

    `scopes` is null when it understands every scope. `access_token` is its lifetime in seconds, null: as the server
    says. `introspection_clients` are client_ids.
    """

    __tablename__ = "resource"

    identifier: Text = Field(sa_type=TEXT, primary_key=True)
    name: Text = ""
    scopes: MaybeTexts = None
    token_format: Text = "opaque"
    access_token: int | None = None
    signing_alg: Text = ""
    introspection_clients: Texts = Field(default_factory=list, sa_type=TEXTS)
    version: int = 1
    created_at: Moment
    updated_at: Moment
