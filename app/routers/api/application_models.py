"""What `/api/v1/applications` takes and tells: an application as its owner sees it, and its secrets."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from app.protocol.client_auth import tls_client_auth
from app.protocol.facts import ApplicationKind
from app.protocol.profiles import DEFAULT
from app.routers.api import openid_models, request_models
from app.routers.api.openid_models import OpenIdAnswer
from app.routers.api.request_models import RequestAnswer
from app.routers.api.shapes import shown_as, taken_as
from app.services.application_settings import ApplicationSettings
from app.services.own_applications import Made, MadeSecret, OwnApplication
from app.store.application_secrets import StoredSecret

_MOMENT = "2026-03-02T09:15:00Z"
_SECRET: dict[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "last_four": "W9eQ",
    "created_at": _MOMENT,
    "created_by": "robin",
    "last_used_at": "2026-05-21T06:00:03Z",
}
_SETTINGS: dict[str, Any] = {
    "client_name": "Deploy Diary",
    "token_endpoint_auth_method": "client_secret_basic",
    "redirect_uris": ["https://diary.example/callback"],
    "grant_types": ["authorization_code", "refresh_token"],
    "scopes": ["project:read", "event:read"],
    "optional_scopes": ["event:read"],
    "client_uri": "https://diary.example",
    "policy_uri": "https://diary.example/privacy",
    "tos_uri": "https://diary.example/terms",
    "allowed_origins": ["https://diary.example"],
}
_APPLICATION: dict[str, Any] = _SETTINGS | {
    "client_id": "0f7a41c2b98d4e5fa3c6d7e8f9012a3b",
    "version": 3,
    "kind": "web",
    "profile": DEFAULT,
    "application_type": "web",
    "token_endpoint_auth_signing_alg": None,
    "jwks": None,
    "jwks_uri": None,
    **dict.fromkeys(tls_client_auth.SUBJECTS),
    "dpop_bound_access_tokens": False,
    "tls_client_certificate_bound_access_tokens": False,
    **openid_models.SHOWN,
    **request_models.SHOWN,
    "status": "active",
    "not_served_because_of": [],
    "organization": "saltbarn",
    "response_types": ["code"],
    "secrets": [_SECRET],
    "created_at": _MOMENT,
    "updated_at": "2026-05-20T17:40:12Z",
}
_KEYS = ("token_endpoint_auth_signing_alg", "jwks", "jwks_uri")
_BOUND = ("dpop_bound_access_tokens", "tls_client_certificate_bound_access_tokens")
_CLIENT_SECRET = "ascs_AZ1kX0yWd0u8zrMCCZqAV…"

Status = Literal["active", "inactive", "pending_deletion"]
SwitchedOff = Literal["owner", "operator"]
OwningSlug = Annotated[
    str | None, Field(description="The slug of one of your organizations, which shall own it; null: yourself.")
]


class NewApplication(ApplicationSettings):
    """A new application; every member may be left out."""

    model_config = taken_as(_SETTINGS | {"organization": "saltbarn"})

    organization: OwningSlug = None


class ApplicationChanges(ApplicationSettings):
    """The members to change; those that are left out stay."""

    model_config = taken_as({"client_name": "Deploy Diary", "redirect_uris": ["https://diary.example/callback"]})

    organization: OwningSlug = None


class SecretAnswer(BaseModel):
    """A valid secret; it was shown once, when it was made, and is kept as a digest."""

    model_config = shown_as(_SECRET)

    id: UUID
    last_four: str = Field(description="Its last four characters; empty for one that was not generated here.")
    created_at: AwareDatetime
    created_by: str | None = Field(description="The username of who made it; null: the operator.")
    last_used_at: AwareDatetime | None = Field(description="Exact to the minute or so; null: not yet.")


class SecretList(BaseModel):
    """The valid secrets, the oldest first: two at most."""

    model_config = shown_as({"items": [_SECRET]})

    items: list[SecretAnswer]


class MadeSecretAnswer(SecretAnswer):
    """A new secret. It is told this once."""

    model_config = shown_as(_SECRET | {"client_secret": _CLIENT_SECRET})

    client_secret: str


class OwnApplicationAnswer(OpenIdAnswer, RequestAnswer):
    """An application as its owner sees it."""

    model_config = shown_as(_APPLICATION)

    client_id: str
    version: int = Field(description="Grows with each change; the `ETag` for `If-Match`.")
    client_name: str
    kind: ApplicationKind = Field(description="What it is, which follows from the rest.")
    profile: str = Field(description="The set of rules that the operator holds it to.")
    status: Status = Field(description="Only `active` ones are known to anybody else.")
    switched_off_by: SwitchedOff | None = Field(
        None, description="Who switched it off; what the operator switched off he alone can switch on."
    )
    deletes_at: AwareDatetime | None = Field(None, description="Until then it can be restored; null: it stays.")
    not_served_because_of: list[str] = Field(
        description="Members that demand more security than this server has; with any, it is refused."
    )
    organization: str | None = Field(description="The slug of the organization that owns it; null: yourself.")
    application_type: Literal["web", "native"] | None
    token_endpoint_auth_method: str
    token_endpoint_auth_signing_alg: str | None
    jwks: dict[str, Any] | None
    jwks_uri: str | None
    tls_client_auth_subject_dn: str | None
    tls_client_auth_san_dns: str | None
    tls_client_auth_san_uri: str | None
    tls_client_auth_san_ip: str | None
    tls_client_auth_san_email: str | None
    dpop_bound_access_tokens: bool
    tls_client_certificate_bound_access_tokens: bool
    redirect_uris: list[str]
    grant_types: list[str]
    response_types: list[str]
    scopes: list[str] | None = Field(description="What it may ask for; null: everything.")
    optional_scopes: list[str]
    client_uri: str | None
    policy_uri: str | None
    tos_uri: str | None
    allowed_origins: list[str]
    secrets: list[SecretAnswer] = Field(description="Its valid secrets, the oldest first: two at most.")
    created_at: AwareDatetime
    updated_at: AwareDatetime


class OwnApplicationList(BaseModel):
    """One page of the list, by name."""

    model_config = shown_as({"items": [_APPLICATION]})

    items: list[OwnApplicationAnswer]


class MadeApplication(OwnApplicationAnswer):
    """A new application. Its secret is told this once."""

    model_config = shown_as(_APPLICATION | {"client_secret": _CLIENT_SECRET})

    client_secret: str | None = Field(description="Null for one that cannot keep a secret.")


def answer_of(own: OwnApplication) -> OwnApplicationAnswer:
    """Return an application as its owner sees it."""
    return OwnApplicationAnswer(**_application(own))


def made_answer_of(made: Made) -> MadeApplication:
    """Return a new application together with its secret."""
    return MadeApplication(**_application(made.application), client_secret=made.client_secret)


def secrets_of(secrets: Iterable[StoredSecret]) -> list[SecretAnswer]:
    """Return secrets as their owner sees them."""
    return [SecretAnswer(**_secret(secret)) for secret in secrets]


def made_secret_answer_of(made: MadeSecret) -> MadeSecretAnswer:
    """Return a new secret, this once."""
    secret = next(one for one in made.application.secrets if one.id == made.id)
    return MadeSecretAnswer(**_secret(secret), client_secret=made.client_secret)


def _application(own: OwnApplication) -> dict[str, Any]:
    stored, described = own.stored, own.stored.description
    registration = described.registration
    return {
        "client_id": stored.client_id,
        "version": stored.version,
        "client_name": described.name,
        "kind": described.kind,
        "profile": registration.get("profile", DEFAULT),
        "status": stored.status,
        "switched_off_by": stored.off_by or None,
        "deletes_at": stored.delete_after,
        "not_served_because_of": described.unmet,
        "organization": own.organization.slug if own.organization else None,
        "application_type": registration.get("application_type"),
        "token_endpoint_auth_method": described.auth_method,
        **{name: registration.get(name) for name in (*_KEYS, *tls_client_auth.SUBJECTS)},
        **{name: registration.get(name, False) for name in _BOUND},
        **openid_models.openid_members(registration),
        **request_models.request_members(registration),
        "redirect_uris": described.redirect_uris,
        "grant_types": described.grant_types,
        "response_types": described.response_types,
        "scopes": described.scopes,
        "optional_scopes": described.optional_scopes,
        "client_uri": registration.get("client_uri"),
        "policy_uri": registration.get("policy_uri"),
        "tos_uri": registration.get("tos_uri"),
        "allowed_origins": described.allowed_origins,
        "secrets": secrets_of(own.secrets),
        "created_at": stored.created_at,
        "updated_at": stored.updated_at,
    }


def _secret(secret: StoredSecret) -> dict[str, Any]:
    return {
        "id": secret.id,
        "last_four": secret.last_four,
        "created_at": secret.created_at,
        "created_by": secret.created_by_name or None,
        "last_used_at": secret.last_used_at,
    }
