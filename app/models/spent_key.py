"""Idempotency keys that have done their work."""

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from app.models.columns import BYTES, Bytes, Moment, Text


class SpentKey(SQLModel, table=True):
    """One `Idempotency-Key`, hashed with whose it is and what it asked for; `resource_id` is what came of it.

    Written in the transaction of the deed, so that a deed and its key are both there or neither.
    """

    __tablename__ = "spent_key"
    __table_args__ = (Index("spent_key_created", "created_at"),)

    digest: Bytes = Field(sa_type=BYTES, primary_key=True)
    request_digest: Bytes = Field(sa_type=BYTES)
    resource_id: Text
    created_at: Moment
