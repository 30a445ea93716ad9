"""What `/api/v1/admin/registration-tokens` takes and tells: permissions to register applications (RFC 7591 §3)."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StrictBool, StrictInt
from pydantic_core import PydanticCustomError

from app.protocol.names import MAX_NAME_LENGTH
from app.routers.api.shapes import shown_as, taken_as
from app.routers.api.token_models import Moment, end_of
from app.services import names
from app.services.initial_tokens import MAX_USES, Made, problem_with_label
from app.services.personal_tokens import MAX_LIFETIME, MIN_LIFETIME
from app.store.initial_tokens import InitialToken

USUAL_LIFETIME = timedelta(days=7)

_TOKEN: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "label": "Partner portal",
    "good": True,
    "uses_left": 10,
    "created_by": "ada",
    "created_at": "2026-05-20T17:40:12Z",
    "expires_at": "2026-05-27T17:40:12Z",
    "last_used_at": "2026-05-21T06:00:03Z",
}


def _read_label(label: str) -> str:
    label = names.tidy(label)
    if problem := problem_with_label(label):
        raise PydanticCustomError("label", "{problem}", {"problem": problem})
    return label


Label = Annotated[
    str,
    AfterValidator(_read_label),
    Field(description=f"Who gets it: 1 to {MAX_NAME_LENGTH} visible characters."),
]


class NewRegistrationToken(BaseModel):
    """A token to be made. It ends after seven days unless one of the last three members says otherwise."""

    model_config = taken_as({"label": "Partner portal", "uses": 10, "expires_in": 604_800})

    label: Label
    uses: StrictInt | None = Field(
        None, ge=1, le=MAX_USES, description="How many may register with it; any number without."
    )
    expires_in: StrictInt | None = Field(
        None,
        ge=int(MIN_LIFETIME.total_seconds()),
        le=int(MAX_LIFETIME.total_seconds()),
        description="Seconds until it ends.",
    )
    expires_at: Moment | None = Field(None, description="The moment at which it ends.")
    never_expires: StrictBool = Field(False, description="Whether it counts until you revoke it.")

    def end(self, now: datetime) -> datetime | None:
        """Return when it ends (aware UTC), None for never; raises `Refused`."""
        return end_of(self, now, USUAL_LIFETIME)


class RegistrationTokenAnswer(BaseModel):
    """A permission to register applications; nothing of it is a secret."""

    model_config = shown_as(_TOKEN)

    id: UUID
    label: str = Field(description="Who got it.")
    good: bool = Field(description="False when it has ended, or is used up.")
    uses_left: int | None = Field(description="How many may still register with it; null for any number.")
    created_by: str = Field(description="What the operator who made it was called then.")
    created_at: AwareDatetime
    expires_at: AwareDatetime | None = Field(description="When it ends; null when it never does.")
    last_used_at: AwareDatetime | None = Field(description="When somebody last registered with it; null until then.")

    @classmethod
    def of(cls, token: InitialToken, now: datetime) -> Self:
        """Return a token as operators are told of it."""
        return cls(**_members(token, now))


class MadeRegistrationToken(RegistrationTokenAnswer):
    """A new token with its secret."""

    model_config = shown_as(
        _TOKEN
        | {
            "token": "asia_AYkKXayWd0u8zrMCCZqAV7yVxVIpAuKJfDq5zDYnpWq1T8nWb0kHgY3mQ2eRz7uLpA1xdw",
            "last_used_at": None,
        }
    )

    token: str = Field(description="The token itself. It is told here and never again: keep it.", repr=False)

    @classmethod
    def with_secret(cls, made: Made, now: datetime) -> Self:
        """Return a token that was made just now."""
        return cls(token=made.text, **_members(made.token, now))


class RegistrationTokenList(BaseModel):
    """One page of the list, the newest token first."""

    model_config = shown_as({"items": [_TOKEN]})

    items: list[RegistrationTokenAnswer]


def _members(token: InitialToken, now: datetime) -> dict[str, Any]:
    return {
        "id": token.id,
        "label": token.label,
        "good": token.is_good(now),
        "uses_left": token.uses_left,
        "created_by": token.created_by,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
    }
