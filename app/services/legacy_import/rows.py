"""The rows of the old system, checked one by one: what is wrong with one of them does not stop the others.

References may be the old numbers or natural names: a user by number or username, an application by number or
client_id, an organization by number or slug. Times without a zone are UTC, as that system wrote them.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, StringConstraints

from app.protocol.legacy import may_be_legacy

MAX_MASK = 2**63 - 1


def _text_of_number(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _nothing_is_empty(value: object) -> object:
    return "" if value is None else value


def _lines(value: object) -> object:
    """A list, or text with one entry a line; blank lines are nothing (BUG 8)."""
    if value is None:
        return []
    if isinstance(value, str):
        value = value.splitlines()
    if isinstance(value, list):
        return [line.strip() for line in value if not isinstance(line, str) or line.strip()]
    return value


def _scopes(value: object) -> object:
    """A list; databases without arrays kept it as JSON text, and an empty one as null."""
    if value is None or value == "":
        return []
    if isinstance(value, str):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value


def _long_enough(value: SecretStr) -> SecretStr:
    if not 16 <= len(value.get_secret_value()) <= 200:
        raise ValueError("must have 16 to 200 characters")
    return value


def _recognisable(value: SecretStr) -> SecretStr:
    """The door looks for no other strings: any other would be imported, and never let in."""
    if not may_be_legacy(value.get_secret_value()):
        raise ValueError("must be 32 or 64 hexadecimal digits, in lower case")
    return value


def _aware(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Ref = Annotated[str, BeforeValidator(_text_of_number), StringConstraints(min_length=1, max_length=200)]
Words = Annotated[str, BeforeValidator(_nothing_is_empty), StringConstraints(max_length=500)]
Lines = Annotated[list[str], BeforeValidator(_lines)]
ScopeList = Annotated[list[Annotated[str, StringConstraints(max_length=200)]], BeforeValidator(_scopes)]
Mask = Annotated[int, BeforeValidator(lambda value: 0 if value is None else value), Field(ge=0, le=MAX_MASK)]
Moment = Annotated[datetime, AfterValidator(_aware)]
Secret = Annotated[SecretStr, AfterValidator(_long_enough)]
Credential = Annotated[SecretStr, AfterValidator(_recognisable)]


class Row(BaseModel):
    """One row; members that nobody needs here are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class UserRow(Row):
    """A person."""

    id: Ref | None = None
    username: Ref
    email: Words = ""
    is_active: bool = True


class OrganizationRow(Row):
    """An organization."""

    id: Ref | None = None
    slug: Ref
    name: Words = ""


class MemberRow(Row):
    """A person in an organization."""

    organization: Ref
    user: Ref
    role: Ref


class ApplicationRow(Row):
    """A client; `status` 0 is active, 1 is off, 2 and 3 were being deleted."""

    id: Ref | None = None
    client_id: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    client_secret: Secret
    owner: Ref | None = None
    name: Words = ""
    status: int = 0
    redirect_uris: Lines = []
    allowed_origins: Lines = []
    homepage_url: Words = ""
    privacy_url: Words = ""
    terms_url: Words = ""
    date_added: Moment | None = None


class ScopedRow(Row):
    """What holds scopes: a mask, or a list that hides it."""

    scopes: Mask = 0
    scope_list: ScopeList = []
    date_added: Moment | None = None


class AuthorizationRow(ScopedRow):
    """A standing consent."""

    application: Ref
    user: Ref


class TokenRow(ScopedRow):
    """An access token of an application, maybe with a refresh token; without an application a personal token."""

    application: Ref | None = None
    user: Ref
    token: Credential
    refresh_token: Credential | None = None
    expires_at: Moment | None = None


class KeyRow(ScopedRow):
    """An API key of an organization; `status` 0 is active, 1 is off."""

    organization: Ref
    label: Words = ""
    key: Credential
    status: int = 0
    allowed_origins: Lines = []


KINDS: Mapping[str, type[Row]] = {
    "users": UserRow,
    "organizations": OrganizationRow,
    "members": MemberRow,
    "applications": ApplicationRow,
    "authorizations": AuthorizationRow,
    "tokens": TokenRow,
    "keys": KeyRow,
}
"""Every kind of row, in the order in which they are imported: each needs only those before it."""

MODELS = {
    "auth.user": "users",
    "sentry.user": "users",
    "sentry.organization": "organizations",
    "sentry.organizationmember": "members",
    "sentry.apiapplication": "applications",
    "sentry.apiauthorization": "authorizations",
    "sentry.apitoken": "tokens",
    "sentry.apikey": "keys",
}
"""The kinds by the names of a serialised dump, whose entries are `{"model": …, "pk": …, "fields": {…}}`."""


def name_of(kind: str, raw: Mapping[str, Any], position: int) -> str:
    """Return how a report names a row: what identifies it and is no secret, else its place, counted from 1."""
    for member in {"keys": ("label",), "tokens": ()}.get(kind, ("client_id", "username", "slug")):
        value = raw.get(member)
        if isinstance(value, str) and value.isprintable() and value:
            return f"{value[:60]} (row {position})" if kind == "keys" else value[:80]
    return f"row {position}"
