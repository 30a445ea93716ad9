"""What `/api/v1/tokens` takes and tells: a personal token with its permissions and its end."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Protocol
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field, StrictBool, StrictInt
from pydantic_core import PydanticCustomError

from app.protocol.facts import SessionFact
from app.protocol.names import MAX_NAME_LENGTH
from app.protocol.scopes import MAX_SCOPE_LENGTH, MAX_SCOPES
from app.routers.api.problems import FieldError, Kind, Refused
from app.routers.api.shapes import shown_as, taken_as
from app.services import names
from app.services.personal_tokens import (
    MAX_LIFETIME,
    MIN_LIFETIME,
    Made,
    problem_with_end,
    problem_with_name,
)
from app.store.personal_tokens import OwnToken

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)

_TOKEN: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "version": 1,
    "name": "Nightly export",
    "scopes": ["event:read", "org:read"],
    "last_four": "fkGQ",
    "active": True,
    "created_at": "2026-05-20T17:40:12Z",
    "expires_at": "2026-08-18T17:40:12Z",
    "last_used_at": "2026-05-21T06:00:03Z",
}
_NEW: dict[str, Any] = {"name": "Nightly export", "scopes": ["event:read", "org:read"], "expires_in": 7_776_000}


def _read_name(name: str) -> str:
    name = names.tidy(name)
    if problem := problem_with_name(name):
        raise PydanticCustomError("name", "{problem}", {"problem": problem})
    return name


def _read_moment(value: object) -> object:
    """Let nothing but RFC 3339 through: Pydantic would take numbers as well."""
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise PydanticCustomError("moment", "Write it as RFC 3339 does, such as 2026-08-18T17:40:12Z")
    return value


Name = Annotated[
    str,
    AfterValidator(_read_name),
    Field(description=f"Where it is used: 1 to {MAX_NAME_LENGTH} visible characters."),
]
Moment = Annotated[AwareDatetime, BeforeValidator(_read_moment)]


class Ending(Protocol):
    """What somebody says of the end of a token."""

    expires_in: int | None
    expires_at: datetime | None
    never_expires: bool


def end_of(asked: Ending, now: datetime, usual: timedelta) -> datetime | None:
    """Return when a token ends (aware UTC), None for never; after the usual time if nothing is said of it.

    Raises `Refused`.
    """
    said = [name for name in ("expires_in", "expires_at", "never_expires") if getattr(asked, name)]
    if len(said) > 1:
        raise _wrong(said[-1], f"say either this or {said[0]}")
    if asked.never_expires:
        return None
    if asked.expires_at is None:
        return now + (usual if asked.expires_in is None else timedelta(seconds=asked.expires_in))
    if problem := problem_with_end(asked.expires_at, now):
        raise _wrong("expires_at", problem)
    return asked.expires_at.astimezone(UTC)


class NewToken(BaseModel):
    """A token to be made. It ends after the server’s usual time unless one of the last three members says otherwise."""

    model_config = taken_as(_NEW)

    name: Name
    scopes: list[Annotated[str, Field(max_length=MAX_SCOPE_LENGTH)]] = Field(
        min_length=1,
        max_length=MAX_SCOPES,
        description="What it may do: scopes of this server that your roles allow you. The order is kept.",
    )
    expires_in: StrictInt | None = Field(
        None,
        ge=int(MIN_LIFETIME.total_seconds()),
        le=int(MAX_LIFETIME.total_seconds()),
        description="Seconds until it ends.",
    )
    expires_at: Moment | None = Field(None, description="The moment at which it ends.")
    never_expires: StrictBool = Field(False, description="Whether it lives until you revoke it.")

    def end(self, now: datetime, usual: timedelta) -> datetime | None:
        """Return when it ends (aware UTC), None for never; raises `Refused`."""
        return end_of(self, now, usual)


class TokenChanges(BaseModel):
    """What can be changed of a token; everything else it keeps until it ends."""

    model_config = taken_as({"name": "Nightly export, new server"})

    name: Name


class TokenAnswer(BaseModel):
    """A token; nothing of it is a secret."""

    model_config = shown_as(_TOKEN)

    id: UUID
    version: int = Field(description="Grows with each change; the `ETag` for `If-Match`.")
    name: str
    scopes: list[str] = Field(description="What it was made for; at each use it is cut down to what your roles allow.")
    last_four: str = Field(description="The last characters of the token, to know it by.")
    active: bool = Field(description="False when it has ended, or when your account was disabled since it was made.")
    created_at: AwareDatetime
    expires_at: AwareDatetime | None = Field(description="When it ends; null when it never does.")
    last_used_at: AwareDatetime | None = Field(description="When it was last used, give or take; null until then.")


class MadeToken(TokenAnswer):
    """A new token with its secret."""

    model_config = shown_as(
        _TOKEN
        | {
            "token": "aspt_AYkKXayWd0u8zrMCCZqAV7yVxVIpAuKJfDq5zDYnpWq1T8nWb0kHgY3mQ2eRz7uLpA1xdw",
            "expires_in": 7_776_000,
            "last_used_at": None,
        }
    )

    token: str = Field(description="The token itself. It is told here and never again: keep it.")
    expires_in: int | None = Field(description="Seconds until it ends; null when it never does.")


class TokenList(BaseModel):
    """One page of the list, the newest token first."""

    model_config = shown_as({"items": [_TOKEN]})

    items: list[TokenAnswer]


def answer_of(token: OwnToken, session: SessionFact, now: datetime) -> TokenAnswer:
    """Return a token as its maker, whose session it is, sees it."""
    return TokenAnswer(**_told(token, session, now))


def made_answer_of(made: Made, session: SessionFact, now: datetime) -> MadeToken:
    """Return a new token with its secret."""
    end = made.token.expires_at
    return MadeToken(
        **_told(made.token, session, now),
        token=made.text,
        expires_in=None if end is None else int((end - now).total_seconds()),
    )


def _told(token: OwnToken, session: SessionFact, now: datetime) -> dict[str, Any]:
    return {
        "id": token.id,
        "version": token.version,
        "name": token.name,
        "scopes": list(token.scopes),
        "last_four": token.last_four,
        "active": token.is_live(session.user_epoch, now),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
    }


def _wrong(member: str, detail: str) -> Refused:
    return Refused(Kind.INVALID_REQUEST, "see errors", errors=[FieldError(field=member, detail=detail)])
