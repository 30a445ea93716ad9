"""What people are called towards applications that must not know them as others do."""

from uuid import UUID

from sqlmodel import Field, SQLModel

from app.models.columns import TEXT, Moment, Text


class PairwiseSubject(SQLModel, table=True):
    """The subject of a person in a sector; once given out it never changes (OpenID Connect Core §8.1, ID-7)."""

    __tablename__ = "pairwise_subject"

    sector: Text = Field(primary_key=True, sa_type=TEXT)
    user_id: UUID = Field(primary_key=True)
    sub: Text = Field(sa_type=TEXT, unique=True)
    created_at: Moment
