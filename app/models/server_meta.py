"""What the database remembers about the server as a whole."""

from sqlmodel import Field, SQLModel

from app.models.columns import TEXT, Text


class ServerMeta(SQLModel, table=True):
    """One named value: the oldest code that the schema serves, the check value of the root secret, key versions."""

    __tablename__ = "server_meta"

    key: Text = Field(primary_key=True, sa_type=TEXT)
    value: Text
