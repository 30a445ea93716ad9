"""Proofs and assertions that count once."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from app.models.columns import BYTES, MOMENT, Bytes


class Proof(SQLModel, table=True):
    """A DPoP proof or an assertion that was used; a second one like it meets its twin.

    `at` is a moment out of the proof itself (its `iat`, an assertion's `exp`), which names the partition: by the hour.
    """

    __tablename__ = "proof"
    __table_args__ = {"postgresql_partition_by": "RANGE (at)"}

    at: datetime = Field(sa_type=MOMENT, primary_key=True)
    digest: Bytes = Field(sa_type=BYTES, primary_key=True)
