"""Counters of failures, for the limits."""

from sqlmodel import Field, SQLModel

from app.models.columns import BYTES, Bytes, MaybeMoment, Moment


class Failure(SQLModel, table=True):
    """How often something failed under one key; the key is a keyed hash, so that the table names nobody."""

    __tablename__ = "failure"

    key: Bytes = Field(primary_key=True, sa_type=BYTES)
    count: int
    first_at: Moment
    last_at: Moment
    blocked_until: MaybeMoment = None
