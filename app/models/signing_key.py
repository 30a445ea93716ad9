"""Signing keys of the server."""

from uuid import UUID

from sqlmodel import Field, SQLModel

from app.models.columns import BYTES, JSON, TEXT, Bytes, JsonObject, MaybeMoment, Moment, Text


class SigningKey(SQLModel, table=True):
    """A key pair that signs what the server says.

    `sealed` is the private key, encrypted at rest. It is published from its making on, signs from `active_from` until
    the next one takes over, and is published until `retired_at`, or longer than anything it signed.
    """

    __tablename__ = "signing_key"

    id: UUID = Field(primary_key=True)
    kid: Text = Field(sa_type=TEXT, unique=True)
    alg: Text
    public_jwk: JsonObject = Field(sa_type=JSON)
    sealed: Bytes = Field(sa_type=BYTES, repr=False)
    created_at: Moment
    active_from: Moment
    retired_at: MaybeMoment = None
