"""The shape of a data file: which members its tables have, and what each must look like (architecture §6 Data).

Nulls count as absent. Members of later versions are checked for their shape only.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from app.protocol.client_members import AllowedOrigins, Name, Text
from app.protocol.client_metadata import ClientMetadata, sentence
from app.protocol.policy import ApplicationPolicy
from app.protocol.roles import Roles
from app.protocol.scopes import BUILTIN, ScopeNames, ScopeRegistry
from app.services.api_keys import DEFAULT_LABEL
from app.services.data_file.key_members import GivenKey, KeyScopes, Label
from app.services.names import problem_with_email, problem_with_username
from app.services.organizations import problem_with_name as problem_with_organization
from app.services.organizations import problem_with_slug

DEFAULT_PROFILE = "oauth2.1"

_DAY = 86_400
_CLIENT_ID = re.compile(r"[\x21-\x7e]{1,200}")
_SECRET = re.compile(r"[\x20-\x7e]{1,500}")
_SUBJECT = re.compile(r"[\x21-\x7e]{1,255}")
_NO_SLUG = re.compile(r"[^a-z0-9]+")
_RESERVED_CLAIMS = frozenset({"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "sid"})


def _refused(rule: str) -> PydanticCustomError:
    return PydanticCustomError("refused", "{rule}", {"rule": rule})


def _instruction(problem: str) -> None:
    if problem:
        raise _refused(f"cannot be: {problem[0].lower()}{problem[1:]}".rstrip("."))


def _username(value: str) -> str:
    _instruction(problem_with_username(value))
    return value


def _email(value: str) -> str:
    _instruction(problem_with_email(value))
    return value


def _subject(value: str) -> str:
    if not _SUBJECT.fullmatch(value):
        raise _refused("must be 1 to 255 printable ASCII characters without spaces")
    return value


def _claims(value: dict[str, Any]) -> dict[str, Any]:
    if reserved := sorted(_RESERVED_CLAIMS & value.keys()):
        raise _refused(f"must not have {reserved[0]}, which the server itself decides")
    return {name: claim for name, claim in value.items() if claim is not None}


def _client_id(value: str) -> str:
    if not _CLIENT_ID.fullmatch(value):
        raise _refused("must be 1 to 200 printable ASCII characters without spaces")
    if value.startswith("https://"):
        raise _refused("must not start with https://, which is how clients that introduce themselves are named")
    return value


def _client_secret(value: SecretStr) -> SecretStr:
    if not _SECRET.fullmatch(value.get_secret_value()):
        raise _refused("must be 1 to 500 printable ASCII characters")
    return value


def _slug(value: str) -> str:
    _instruction(problem_with_slug(value))
    return value


def _organization_name(value: str) -> str:
    _instruction(problem_with_organization(value))
    return value


def _role(value: str, info: ValidationInfo) -> str:
    roles: Roles = (info.context or {})["roles"]
    if value not in roles:
        raise _refused(f"is no role of this server; there are: {', '.join(roles.names)}")
    return value


class Entry(BaseModel):
    """A table of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        if isinstance(given, Mapping):
            return {name: value for name, value in given.items() if value is not None}
        return given


class UserEntry(Entry):
    """A person who signs in."""

    username: Annotated[str, AfterValidator(_username)] = Field(description="The name to sign in with.")
    email: Annotated[str, AfterValidator(_email)] | None = Field(
        None, description="Email address, with which the person can sign in too."
    )
    password: SecretStr | None = Field(
        None, min_length=1, max_length=1024, description="Generated and printed once if a new user has none."
    )
    sub: Annotated[str, AfterValidator(_subject)] | None = Field(
        None, description="Subject identifier; generated if a new user has none. It never changes."
    )
    claims: Annotated[dict[str, Any], AfterValidator(_claims)] | None = Field(
        None, description="Standard claims of OpenID Connect, such as `given_name`, and claims of your own."
    )


class ApplicationLifetimes(Entry):
    """Lifetimes in seconds; the stricter of these and the server's wins."""

    access_token: int | None = Field(None, ge=1, le=_DAY, description="An access token.")
    refresh_token_idle: int | None = Field(None, ge=1, le=3650 * _DAY, description="A refresh token nobody uses.")
    refresh_token_absolute: int | None = Field(
        None, ge=1, le=3650 * _DAY, description="All refresh tokens that follow from one consent."
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
        description="Legacy: lets it ask for `response_type=token`, which puts tokens into addresses. "
        "Needs `features.implicit`.",
    )
    lifetimes: ApplicationLifetimes = Field(
        default_factory=ApplicationLifetimes, description="In seconds; the stricter of these and the server’s wins."
    )
    profile: Name = Field(DEFAULT_PROFILE, description="Set of rules to hold it to; this version has `oauth2.1`.")
    allowed_origins: AllowedOrigins = Field(
        (), description="Websites whose scripts may call the server with its tokens, such as `*.example.com`; no port."
    )

    @model_validator(mode="after")
    def _secret_has_a_use(self) -> "ApplicationEntry":
        if self.client_secret is not None and not self.confidential:
            raise _refused("has a client_secret but token_endpoint_auth_method none; remove one of them")
        return self

    def policy(self) -> ApplicationPolicy:
        """Return what the application asks for itself."""
        lifetimes = self.lifetimes
        return ApplicationPolicy(
            access_token=_seconds(lifetimes.access_token),
            refresh_token_idle=_seconds(lifetimes.refresh_token_idle),
            refresh_token_absolute=_seconds(lifetimes.refresh_token_absolute),
            rotate_refresh_tokens=self.rotate_refresh_tokens,
            require_pkce=self.require_pkce,
            allow_implicit=self.allow_implicit,
        )

    def further(self) -> dict[str, Any]:
        """Return the members of ours to keep beside the registered ones."""
        kept: dict[str, Any] = {}
        if self.profile != DEFAULT_PROFILE:
            kept["profile"] = self.profile
        return kept

    def unmet_further(self) -> tuple[str, ...]:
        """A profile that is not built yet may demand anything; one that is named legacy only permits more."""
        relaxes = self.profile == DEFAULT_PROFILE or self.profile.startswith("legacy")
        return () if relaxes else ("profile",)

    def waiting(self) -> tuple[str, ...]:
        """Return what is stored without being acted on."""
        acted_on = {"grant_types implicit", "response_types token"} if self.allow_implicit else set()
        stored = [member for member in self.not_in_effect() if member not in acted_on]
        builtin = {scope.name for scope in BUILTIN}
        scopes = [f"scope {name}" for name in self.scope or () if name in builtin]
        return (*stored, *self.further(), *scopes)


class MemberEntry(Entry):
    """A member of an organization."""

    user: Name = Field(description="Username, email address or subject of a user; `username` means the same.")
    role: Annotated[str, AfterValidator(_role)] = Field(description="One of the server’s roles.")

    @model_validator(mode="before")
    @classmethod
    def _called_username(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and "username" in given and "user" not in given:
            return {"user" if name == "username" else name: value for name, value in given.items()}
        return given


class OrganizationEntry(Entry):
    """An organization. Members whom the file does not name stay."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    slug: Annotated[str, AfterValidator(_slug)] | None = Field(
        None, description="Its name in addresses, which never changes; made of the name when it is left out."
    )
    name: Annotated[str, AfterValidator(_organization_name)] | None = Field(None, description="What people call it.")
    members: tuple[MemberEntry, ...] = Field((), description="Who belongs to it, each with `user` and `role`.")

    @model_validator(mode="after")
    def _can_be_addressed(self) -> "OrganizationEntry":
        if problem := problem_with_slug(self.identifier):
            raise _refused(f"needs a slug: the name makes none ({problem[0].lower()}{problem[1:]})")
        return self

    @property
    def identifier(self) -> str:
        """The slug, given or made of the name."""
        return self.slug or _NO_SLUG.sub("-", (self.name or "").lower()).strip("-")


class ResourceEntry(Entry):
    """An API that accepts tokens, for a later version."""

    identifier: Text = Field(description="Its URI (RFC 8707).")
    name: Name | None = Field(None, description="What people call it.")
    scopes: ScopeNames = Field((), description="The scopes that it understands.")
    token_format: Literal["opaque", "jwt"] | None = Field(None, description="`opaque` or `jwt`.")
    introspection_clients: tuple[Name, ...] = Field((), description="Applications that may introspect its tokens.")


class ApiKeyEntry(Entry):
    """A machine credential of an organization."""

    organization: Name = Field(description="Slug of the organization whose key it is.")
    label: Label = Field(DEFAULT_LABEL, description="What people call it; applying again finds it by this.")
    scopes: KeyScopes = Field(
        default_factory=lambda: None,
        validate_default=True,
        description="What it may do. Without it the usual scopes: reading projects, events, teams, the organization "
        "and its members.",
    )
    allowed_origins: AllowedOrigins = Field(
        (), description="Websites that may use it, such as `*.example.com`; no port. Without it: none."
    )
    key: GivenKey | None = Field(
        None, description="As it was shown when it was made. Generated and printed once if a new key has none."
    )


class DataFile(Entry):
    """A whole file."""

    users: tuple[UserEntry, ...] = ()
    organizations: tuple[OrganizationEntry, ...] = ()
    applications: tuple[ApplicationEntry, ...] = ()
    resources: tuple[ResourceEntry, ...] = ()
    api_keys: tuple[ApiKeyEntry, ...] = ()


TABLES: Mapping[str, type[BaseModel]] = {
    "users": UserEntry,
    "organizations": OrganizationEntry,
    "applications": ApplicationEntry,
    "resources": ResourceEntry,
    "api_keys": ApiKeyEntry,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to repair; `path` leads to it, such as `applications[shop].redirect_uris[0]`."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path} {self.message}."


class DataFileError(Exception):
    """Nothing was written; `str()` has one line for each problem, without values."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, problems)))


def parse(document: Mapping[str, Any], scopes: ScopeRegistry, roles: Roles | None = None) -> DataFile:
    """Return the checked file; raises `DataFileError` with every problem found. No roles: the default ones.

    Applications may be declared with the scopes of OpenID Connect: they can be asked for once that is built.
    """
    offered = {scope.name for scope in scopes}
    declarable = ScopeRegistry((*scopes, *(scope for scope in BUILTIN if scope.name not in offered)))
    context = {"scopes": declarable, "roles": roles or Roles.chosen({}, scopes)}
    try:
        return DataFile.model_validate(document, context=context)
    except ValidationError as refused:
        errors = refused.errors(include_input=False, include_url=False)
        raise DataFileError([Problem(path_of(error["loc"], document), _message(error)) for error in errors]) from None


def path_of(location: Sequence[str | int], document: Mapping[str, Any]) -> str:
    """Return a location in words: entries are named by what identifies them where they say so."""
    path: str = ""
    here: Any = document
    for part in location:
        here = _inside(here, part)
        if isinstance(part, int):
            path += f"[{_identity(here) or part}]"
        else:
            path += f".{part}" if path else part
    return path or "the file"


def _inside(here: Any, part: str | int) -> Any:
    if isinstance(here, Mapping):
        return here.get(part)
    return here[part] if isinstance(here, list | tuple) and isinstance(part, int) and part < len(here) else None


def _identity(entry: Any) -> str:
    if isinstance(entry, Mapping):
        for name in ("client_id", "username", "identifier", "slug", "name", "label"):
            value = entry.get(name)
            if isinstance(value, str) and value.isprintable():
                return value[:60]
    return ""


def _message(error: ErrorDetails) -> str:
    if error["type"] != "extra_forbidden":
        return sentence(error["msg"]).removeprefix("Value error, ")
    location = error["loc"]
    model: type[BaseModel] = DataFile
    if len(location) > 1:
        model = TABLES[str(location[0])]
        if location[2:3] == ("lifetimes",) and len(location) > 3:
            model = ApplicationLifetimes
    known = sorted(model.model_fields.keys() - {"localized"})
    near = get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
    return f"is unknown; the nearest member is {near[0]}" if near else f"is unknown; there are: {', '.join(known)}"


def _seconds(value: int | None) -> timedelta | None:
    return None if value is None else timedelta(seconds=value)
