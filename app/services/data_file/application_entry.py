"""What a data file says of an application: registered metadata (RFC 7591), and members of ours."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, SecretStr, model_validator

from app.protocol import client_documents, profiles
from app.protocol.client_auth import client_secret_jwt
from app.protocol.client_members import AllowedOrigins, Name
from app.protocol.client_metadata import ClientMetadata
from app.protocol.policy import ApplicationPolicy
from app.protocol.scopes import ScopeNames
from app.services.client_secrets import problem_with_mac_key
from app.services.data_file.entry import DAY, Entry, refused, seconds

_CLIENT_ID = re.compile(r"[\x21-\x7e]{1,200}")
_SECRET = re.compile(r"[\x20-\x7e]{1,500}")
_UNSEEN = "sector_identifier_uri is believed: whether it lists the redirect_uris is not looked up for a data file"


def _client_id(value: str) -> str:
    """CI-2: an application whose client_id is an address is like any other once it is registered."""
    if client_documents.looks_like(value):
        if problem := client_documents.problem_with(value):
            raise refused(problem)
        return value
    if not _CLIENT_ID.fullmatch(value):
        raise refused("must be 1 to 200 printable ASCII characters without spaces")
    return value


def _client_secret(value: SecretStr) -> SecretStr:
    if not _SECRET.fullmatch(value.get_secret_value()):
        raise refused("must be 1 to 500 printable ASCII characters")
    return value


class ApplicationLifetimes(Entry):
    """Lifetimes in seconds; the stricter of these and the server's wins."""

    access_token: int | None = Field(None, ge=1, le=DAY, description="An access token.")
    refresh_token_idle: int | None = Field(None, ge=1, le=3650 * DAY, description="A refresh token nobody uses.")
    refresh_token_absolute: int | None = Field(
        None, ge=1, le=3650 * DAY, description="All refresh tokens that follow from one consent."
    )


class ApplicationEntry(ClientMetadata):
    """An application: registered metadata, and members of ours."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    client_id: Annotated[str, AfterValidator(_client_id)] = Field(
        description="Identifier of the application; applying again finds it by this."
    )
    client_secret: Annotated[SecretStr, AfterValidator(_client_secret)] | None = Field(
        None, description="Generated and printed once if a new confidential application has none."
    )
    owner: Name | None = Field(None, description="Username or email address of a user, or an organization.")
    optional_scopes: ScopeNames = Field((), description="Scopes that a person may untick on the consent page.")
    require_pkce: bool = Field(True, description="Only a confidential application may be exempted.")
    rotate_refresh_tokens: bool = Field(True, description="Only a confidential application may be exempted.")
    allow_implicit: bool = Field(
        False,
        description="Legacy: lets it ask for response types with `token`, which put tokens into addresses. "
        "Needs `features.implicit`.",
    )
    lifetimes: ApplicationLifetimes = Field(
        default_factory=ApplicationLifetimes, description="In seconds; the stricter of these and the server’s wins."
    )
    profile: Name = Field(
        profiles.DEFAULT,
        description="Set of rules to hold it to: `oauth2.1`, `fapi2` for those of the FAPI 2.0 Security Profile, or "
        "`fapi2-message-signing` for signed messages besides.",
    )
    allowed_origins: AllowedOrigins = Field(
        (), description="Websites whose scripts may call the server with its tokens, such as `*.example.com`; no port."
    )

    @model_validator(mode="after")
    def _secret_has_a_use(self) -> "ApplicationEntry":
        if self.client_secret is None:
            return self
        if not self.confidential:
            raise refused("has a client_secret but token_endpoint_auth_method none; remove one of them")
        if self.token_endpoint_auth_method == client_secret_jwt.NAME:
            secret, alg = self.client_secret.get_secret_value(), self.token_endpoint_auth_signing_alg or ""
            if (problem := problem_with_mac_key(secret, alg)) is not None:
                raise refused(f"has a client_secret that {problem}")
        return self

    @model_validator(mode="after")
    def _keeps_its_profile(self) -> "ApplicationEntry":
        asked = ApplicationPolicy(require_pkce=self.require_pkce, allow_implicit=self.allow_implicit)
        problem = profiles.problem_with(self.profile, self) or profiles.problem_with_policy(self.profile, asked)
        if problem is not None:
            raise refused(f"contradicts itself: {problem}")
        return self

    def policy(self) -> ApplicationPolicy:
        """Return what the application asks for itself, or is held to by its profile (F-8, F-9)."""
        lifetimes, strict = self.lifetimes, profiles.is_fapi(self.profile)
        return ApplicationPolicy(
            access_token=seconds(lifetimes.access_token),
            refresh_token_idle=seconds(lifetimes.refresh_token_idle),
            refresh_token_absolute=seconds(lifetimes.refresh_token_absolute),
            rotate_refresh_tokens=self.rotate_refresh_tokens and not strict,
            require_pkce=self.require_pkce,
            allow_implicit=self.allow_implicit,
            strict_assertions=strict,
            fapi=strict,
            signs_messages=self.profile == profiles.FAPI_SIGNED,
        )

    def further(self) -> dict[str, Any]:
        """Return the members of ours to keep beside the registered ones."""
        kept: dict[str, Any] = {}
        if self.profile != profiles.DEFAULT:
            kept["profile"] = self.profile
        return kept

    def unmet_further(self) -> tuple[str, ...]:
        """Return those of them that demand what this version does not have."""
        return ("profile",) if profiles.is_unmet(self.profile) else ()

    def waiting(self) -> tuple[str, ...]:
        """Return what is stored without being acted on, or was not looked at."""
        legacy = {"grant_types implicit", *(f"response_types {name}" for name in self.response_types)}
        acted_on = legacy if self.allow_implicit else set()
        stored = [member for member in self.not_in_effect() if member not in acted_on]
        unseen = [_UNSEEN] if self.sector_identifier_uri is not None else []
        profile = ("profile",) if profiles.is_relaxing(self.profile) else self.unmet_further()
        return (*stored, *profile, *unseen)
