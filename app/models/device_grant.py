"""Device codes: grants that a person approves on another device (RFC 8628)."""

from uuid import UUID

from sqlmodel import Field, SQLModel

from app.models.columns import BYTES, TEXTS, Bytes, MaybeMoment, MaybeText, Moment, Text, Texts


class DeviceGrant(SQLModel, table=True):
    """A device code and the user code that belongs to it.

    `user_code_digest` is keyed: a user code is too short for a plain digest. Whoever decides first decides. The device
    waits `poll_seconds` between two questions, the longer the more often it did not.
    """

    __tablename__ = "device_grant"

    id: UUID = Field(primary_key=True)
    digest: Bytes = Field(sa_type=BYTES, repr=False)
    user_code_digest: Bytes = Field(sa_type=BYTES, unique=True, repr=False)
    application_id: UUID
    application_epoch: int
    scopes: Texts = Field(sa_type=TEXTS)
    resources: Texts = Field(sa_type=TEXTS)
    cnf: MaybeText = None
    details: MaybeText = None
    grant_action: MaybeText = None
    grant_id: UUID | None = None
    status: Text = "pending"
    user_id: UUID | None = None
    user_epoch: int | None = None
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
