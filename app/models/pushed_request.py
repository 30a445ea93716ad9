"""Pushed authorization requests (RFC 9126): what a client sent ahead, under a name that it may send a browser with."""

from uuid import UUID

from sqlmodel import Field, SQLModel

from app.models.columns import BYTES, JSON, Bytes, JsonArray, MaybeJsonObject, MaybeMoment, Moment, Text


class PushedRequest(SQLModel, table=True):
    """A request that passed every check. `params` is a list of [name, value]; `signed`: they came as a request object.

    `document` as in `Interaction`.
    It can be taken up until `expires_at`, as often as a page is loaded, and is used once: by what is granted or denied.
    """

    __tablename__ = "pushed_request"

    id: UUID = Field(primary_key=True)
    digest: Bytes = Field(sa_type=BYTES, repr=False)
    application_id: UUID
    client_id: Text
    params: JsonArray = Field(sa_type=JSON)
    signed: bool
    created_at: Moment
    expires_at: Moment
    used_at: MaybeMoment = None
    document: MaybeJsonObject = None
