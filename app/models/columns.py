"""The column types of the tables, so that every file says `Text`, `Moment` and `Texts` and means the same.

A field with further settings names the type again: `sub: Text = Field(sa_type=TEXT, unique=True)`.
"""

from datetime import datetime
from typing import Annotated, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

TEXT = sa.Text()
MOMENT = sa.DateTime(timezone=True)
BYTES = sa.LargeBinary()
TEXTS = sa.ARRAY(sa.Text())
NUMBERS = sa.ARRAY(sa.Integer())
BYTE_STRINGS = sa.ARRAY(sa.LargeBinary())
JSON = JSONB()
MAYBE_JSON = JSONB(none_as_null=True)

Text = Annotated[str, Field(sa_type=TEXT)]
MaybeText = Annotated[str | None, Field(sa_type=TEXT)]
Moment = Annotated[datetime, Field(sa_type=MOMENT)]
"""An aware UTC moment."""

MaybeMoment = Annotated[datetime | None, Field(sa_type=MOMENT)]
Bytes = Annotated[bytes, Field(sa_type=BYTES)]
MaybeBytes = Annotated[bytes | None, Field(sa_type=BYTES)]
Texts = Annotated[list[str], Field(sa_type=TEXTS)]
MaybeTexts = Annotated[list[str] | None, Field(sa_type=TEXTS)]
Numbers = Annotated[list[int], Field(sa_type=NUMBERS)]
ByteStrings = Annotated[list[bytes], Field(sa_type=BYTE_STRINGS)]
JsonObject = Annotated[dict[str, Any], Field(sa_type=JSON)]
MaybeJsonObject = Annotated[dict[str, Any] | None, Field(sa_type=MAYBE_JSON)]
JsonArray = Annotated[list[Any], Field(sa_type=JSON)]
