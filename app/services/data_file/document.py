"""The shape of a data file: which members its tables have, and what each must look like (architecture §6 Data).

Nulls count as absent. Members of later versions are checked for their shape only.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from pydantic_core import ErrorDetails

from app.protocol.client_auth import client_secret_jwt
from app.protocol.client_members import AllowedOrigins, Name
from app.protocol.resources import Resource
from app.protocol.resources import problem_with as problem_with_resource
from app.protocol.roles import Roles
from app.protocol.scopes import BUILTIN, ScopeNames, ScopeRegistry
from app.protocol.validation_words import sentence
from app.services.api_keys import DEFAULT_LABEL
from app.services.data_file import user_claims
from app.services.data_file.application_entry import ApplicationEntry, ApplicationLifetimes
from app.services.data_file.entry import DAY, Entry, refused, seconds
from app.services.data_file.key_members import GivenKey, KeyScopes, Label
from app.services.names import problem_with_email, problem_with_username
from app.services.organizations import problem_with_name as problem_with_organization
from app.services.organizations import problem_with_slug

_SUBJECT = re.compile(r"[\x21-\x7e]{1,255}")
_NO_SLUG = re.compile(r"[^a-z0-9]+")


def _instruction(problem: str) -> None:
    if problem:
        raise refused(f"cannot be: {problem[0].lower()}{problem[1:]}".rstrip("."))


def _username(value: str) -> str:
    _instruction(problem_with_username(value))
    return value


def _email(value: str) -> str:
    _instruction(problem_with_email(value))
    return value


def _subject(value: str) -> str:
    if not _SUBJECT.fullmatch(value):
        raise refused("must be 1 to 255 printable ASCII characters without spaces")
    return value


def _slug(value: str) -> str:
    _instruction(problem_with_slug(value))
    return value


def _organization_name(value: str) -> str:
    _instruction(problem_with_organization(value))
    return value


def _resource(value: str) -> str:
    if problem := problem_with_resource(value):
        raise refused(problem)
    return value


def _role(value: str, info: ValidationInfo) -> str:
    roles: Roles = (info.context or {})["roles"]
    if value not in roles:
        raise refused(f"is no role of this server; there are: {', '.join(roles.names)}")
    return value


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
    claims: Annotated[dict[str, Any], AfterValidator(user_claims.checked)] | None = Field(
        None, description="Standard claims of OpenID Connect, such as `given_name`, and claims of your own."
    )

    @model_validator(mode="before")
    @classmethod
    def _says_what_was_checked(cls, given: Any) -> Any:
        return user_claims.of_the_account(given)


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
            raise refused(f"needs a slug: the name makes none ({problem[0].lower()}{problem[1:]})")
        return self

    @property
    def identifier(self) -> str:
        """The slug, given or made of the name."""
        return self.slug or _NO_SLUG.sub("-", (self.name or "").lower()).strip("-")


class ResourceEntry(Entry):
    """An API that accepts tokens. An entry describes it whole: members that are left out have their defaults."""

    identifier: Annotated[str, AfterValidator(_resource)] = Field(
        description="Its URI (RFC 8707), as clients name it; applying again finds it by this."
    )
    name: Name | None = Field(None, description="What people call it.")
    scopes: ScopeNames | None = Field(None, description="The scopes that it understands. Without it: every one.")
    token_format: Literal["opaque", "jwt"] = Field(
        "opaque", description="`opaque`: it asks this server about tokens. `jwt`: it checks them itself (RFC 9068)."
    )
    access_token: int | None = Field(
        None, ge=1, le=DAY, description="An access token for it, in seconds, if shorter than elsewhere."
    )
    signing_alg: Literal["ES256", "RS256", "PS256", "EdDSA"] | None = Field(
        None, description="Algorithm of its JWTs. Without it: the first of the setting `signing.algorithms`."
    )
    introspection_clients: tuple[Name, ...] = Field(
        (), description="Client IDs of the applications that may introspect tokens for it: its own servers."
    )

    def resource(self) -> Resource:
        """Return the resource that the entry declares."""
        return Resource(
            identifier=self.identifier,
            name=self.name or "",
            scopes=None if self.scopes is None else frozenset(self.scopes),
            token_format=self.token_format,
            access_token=seconds(self.access_token),
            signing_alg=self.signing_alg or "",
            introspection_clients=frozenset(self.introspection_clients),
        )


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

    @property
    def needs_vault(self) -> bool:
        """Whether it declares an application whose secret has to be sealed."""
        return any(entry.token_endpoint_auth_method == client_secret_jwt.NAME for entry in self.applications)


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


def parse(
    document: Mapping[str, Any], scopes: ScopeRegistry, roles: Roles | None = None, signing: Sequence[str] = ()
) -> DataFile:
    """Return the checked file; raises `DataFileError` with every problem found. No roles: the default ones.

    `signing` are the algorithms that the server signs with, empty: not known. Applications may be declared with the
    scopes of OpenID Connect also where that is switched off: it is the same file for every server.
    """
    offered = {scope.name for scope in scopes}
    declarable = ScopeRegistry(
        (*scopes, *(scope for scope in BUILTIN if scope.name not in offered)), for_applications=scopes.for_applications
    )
    context = {"scopes": declarable, "roles": roles or Roles.chosen({}, scopes), "signing": signing}
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
        return sentence(error["msg"])
    location = error["loc"]
    model: type[BaseModel] = DataFile
    if len(location) > 1:
        model = TABLES[str(location[0])]
        if location[2:3] == ("lifetimes",) and len(location) > 3:
            model = ApplicationLifetimes
    known = sorted(model.model_fields.keys() - {"localized"})
    near = get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
    return f"is unknown; the nearest member is {near[0]}" if near else f"is unknown; there are: {', '.join(known)}"
