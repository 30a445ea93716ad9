"""What `/api/v1/organizations/{slug}/api-keys` takes and tells; a secret only in the answer that made it."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from app.protocol.names import MAX_NAME_LENGTH
from app.protocol.origins import MAX_ENTRIES as MAX_ORIGINS
from app.protocol.origins import MAX_LENGTH as MAX_ORIGIN_LENGTH
from app.protocol.scopes import MAX_SCOPE_LENGTH, MAX_SCOPES
from app.routers.api.shapes import shown_as, taken_as
from app.services.api_keys import DEFAULT_LABEL, DEFAULT_SCOPES, ShownKey, Wanted
from app.store.api_keys import StoredKey

_KEY: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "version": 1,
    "label": "Nightly build",
    "status": "active",
    "scopes": ["project:read", "project:releases"],
    "allowed_origins": ["https://status.northquay.example"],
    "last_four": "x9Qg",
    "retiring_last_four": "k2Rw",
    "created_at": "2026-03-02T09:15:00Z",
    "updated_at": "2026-05-20T17:40:12Z",
    "last_used_at": "2026-05-21T06:00:03Z",
    "retiring_last_used_at": "2026-05-20T22:14:41Z",
}
_SECRET = "asak_AYkKXayWd0u8zrMCCZqAV…"

Label = Annotated[str, Field(max_length=MAX_NAME_LENGTH, description=f"What people call it; blank: `{DEFAULT_LABEL}`.")]
ScopeList = Annotated[
    list[Annotated[str, Field(max_length=MAX_SCOPE_LENGTH)]],
    Field(max_length=MAX_SCOPES, description="Scopes of the registry that you hold in the organization yourself."),
]
OriginList = Annotated[
    list[Annotated[str, Field(max_length=MAX_ORIGIN_LENGTH)]],
    Field(
        max_length=MAX_ORIGINS,
        description="Websites that may use it: `*`, `example.com`, `*.example.com` or `https://example.com`; no port.",
    ),
]
Status = Literal["active", "inactive"]


class NewApiKey(BaseModel):
    """A key to be made. What is left out or null is as usual."""

    model_config = taken_as({name: _KEY[name] for name in ("label", "scopes", "allowed_origins")})

    label: Label | None = None
    scopes: ScopeList | None = Field(
        None, description=f"Left out: {', '.join(f'`{scope}`' for scope in DEFAULT_SCOPES)}, as far as you hold them."
    )
    allowed_origins: OriginList | None = None

    def wanted(self) -> Wanted:
        """Return what the service is asked for."""
        return Wanted(self.label, _tuple(self.scopes), _tuple(self.allowed_origins))


class ApiKeyChanges(BaseModel):
    """What becomes different about a key. What is left out or null stays."""

    model_config = taken_as({"label": "Nightly build", "scopes": ["project:read"], "status": "inactive"})

    label: Label | None = None
    scopes: ScopeList | None = None
    allowed_origins: OriginList | None = None
    status: Status | None = Field(None, description="An `inactive` key is refused everywhere.")

    def wanted(self) -> Wanted:
        """Return what the service is asked for."""
        return Wanted(self.label, _tuple(self.scopes), _tuple(self.allowed_origins), self.status)


class ApiKeyAnswer(BaseModel):
    """One key, without its secret."""

    model_config = shown_as(_KEY)

    id: UUID
    version: int = Field(description="Grows with each change; the `ETag` for `If-Match`.")
    label: str
    status: Status
    scopes: list[str] = Field(description="What it may do, in this organization and nowhere else.")
    allowed_origins: list[str] = Field(description="Websites that may use it; none: it does not work in browsers.")
    last_four: str = Field(description="The last characters of its secret.")
    retiring_last_four: str | None = Field(
        description="Those of the secret before, which is good until it is retired; null when there is none."
    )
    created_at: AwareDatetime
    updated_at: AwareDatetime
    last_used_at: AwareDatetime | None = Field(description="Within about ten seconds; null until it was used.")
    retiring_last_used_at: AwareDatetime | None = Field(description="The same of the secret before.")


class ShownApiKeyAnswer(ApiKeyAnswer):
    """One key with its new secret, which is told this once."""

    model_config = shown_as(_KEY | {"key": _SECRET})

    key: str = Field(description="The secret, as a Bearer token or as the user name of HTTP Basic. Never told again.")


class ApiKeyList(BaseModel):
    """One page of the list, by label."""

    model_config = shown_as({"items": [_KEY]})

    items: list[ApiKeyAnswer]


def answer_of(key: StoredKey) -> ApiKeyAnswer:
    """Return a key as the API tells it."""
    return ApiKeyAnswer(**_members(key))


def shown_answer_of(shown: ShownKey) -> ShownApiKeyAnswer:
    """Return a key as the API tells it once, with its secret."""
    return ShownApiKeyAnswer(**_members(shown.key), key=shown.secret)


def _members(key: StoredKey) -> dict[str, Any]:
    description = key.description
    return {
        "id": key.id,
        "version": key.version,
        "label": description.label,
        "status": description.status,
        "scopes": list(description.scopes),
        "allowed_origins": list(description.allowed_origins),
        "last_four": key.last_four,
        "retiring_last_four": key.retiring_last_four,
        "created_at": key.created_at,
        "updated_at": key.updated_at,
        "last_used_at": key.last_used_at,
        "retiring_last_used_at": key.retiring_last_used_at,
    }


def _tuple(items: list[str] | None) -> tuple[str, ...] | None:
    return None if items is None else tuple(items)
