"""Backchannel authentication requests: grants that a person decides about wherever he is (CIBA)."""

from typing import Literal
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from app.models.columns import (
    BYTE_STRINGS,
    BYTES,
    TEXT,
    TEXTS,
    Bytes,
    ByteStrings,
    MaybeBytes,
    MaybeMoment,
    MaybeText,
    Moment,
    Text,
    Texts,
)

BackchannelCall = Literal["person", "client"]


class BackchannelRequest(SQLModel, table=True):
    """A request and what becomes of it; `digest` is that of the `auth_req_id`'s secret.

    Without a `user_id` nobody is asked, and it waits in vain. `details` are those that were asked for, and from the
    approval on those that it gives. `notification` is what a client that wants to be pinged is told, and what it knows
    us by, sealed. `call` says who has to be told at `call_at`: the person that he is asked, or the client that he has
    decided. A worker that tells holds it until `call_claimed_until`. `counted` are the counters that it counts in until
    somebody approves it.
    """

    __tablename__ = "backchannel_request"
    __table_args__ = (
        Index("backchannel_request_waiting", "user_id", "expires_at", postgresql_where=text("status = 'pending'")),
        Index("backchannel_request_call", "call_at", postgresql_where=text("call is not null")),
    )

    id: UUID = Field(primary_key=True)
    digest: Bytes = Field(sa_type=BYTES, repr=False)
    application_id: UUID
    application_epoch: int
    user_id: UUID | None = None
    user_epoch: int | None = None
    scopes: Texts = Field(sa_type=TEXTS)
    resources: Texts = Field(sa_type=TEXTS)
    acr_values: Texts = Field(default_factory=list, sa_type=TEXTS)
    details: MaybeText = None
    grant_action: MaybeText = None
    grant_id: UUID | None = None
    binding_message: Text = ""
    cnf: MaybeText = None
    notification: MaybeBytes = Field(default=None, sa_type=BYTES, repr=False)
    counted: ByteStrings = Field(default_factory=list, sa_type=BYTE_STRINGS, repr=False)
    status: Text = "pending"
    authorization_id: UUID | None = None
    record_version: int | None = None
    auth_time: MaybeMoment = None
    acr: Text = ""
    amr: Texts = Field(default_factory=list, sa_type=TEXTS)
    sid: UUID | None = None
    poll_seconds: int
    polled_at: MaybeMoment = None
    address: Text = ""
    request_id: Text = ""
    created_at: Moment
    expires_at: Moment
    decided_at: MaybeMoment = None
    family_id: UUID | None = None
    used_at: MaybeMoment = None
    call: MaybeText = Field(default=None, sa_type=TEXT)
    call_at: MaybeMoment = None
    call_attempts: int = 0
    call_claimed_until: MaybeMoment = None
