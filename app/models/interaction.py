"""Interactions: authorization requests that wait for a person."""

from uuid import UUID

from sqlmodel import Field, SQLModel

from app.models.columns import BYTES, JSON, Bytes, JsonArray, MaybeBytes, MaybeJsonObject, MaybeMoment, Moment, Text


class Interaction(SQLModel, table=True):
    """A saved request. `params` is a list of [name, value]; `browser_digest` binds it to one browser (SE-7).

    `pushed_id` is the pushed request that it came from, if any; `signed`: it came as a request object.
    `document` is what its client was known by at that moment, if by a metadata document (`protocol.client_documents`):
    so page, code and every worker agree.
    """

    __tablename__ = "interaction"

    id: UUID = Field(primary_key=True)
    digest: Bytes = Field(sa_type=BYTES, repr=False)
    application_id: UUID
    client_id: Text
    params: JsonArray = Field(sa_type=JSON)
    browser_digest: MaybeBytes = Field(default=None, sa_type=BYTES, repr=False)
    session_id: UUID | None = None
    login_at: MaybeMoment = None
    account_at: MaybeMoment = None
    pushed_id: UUID | None = None
    signed: bool = False
    request_id: Text
    created_at: Moment
    expires_at: Moment
    closed_at: MaybeMoment = None
    document: MaybeJsonObject = None
