"""What the owner of an application may say about it: the one set of rules behind the portal's forms and the JSON API.

The names are those of RFC 7591; `scopes`, `optional_scopes` and `allowed_origins` are ours.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from app.protocol import client_openid, introductions, pairwise, profiles
from app.protocol.client_auth import METHODS, tls_client_auth
from app.protocol.client_members import (
    AllowedOrigins,
    HttpsAddress,
    ListOf,
    Name,
    PublicKeys,
    RedirectUri,
    SigningAlgorithm,
    Text,
    WebAddress,
)
from app.protocol.client_metadata import ClientMetadata, read
from app.protocol.errors import OAuthError
from app.protocol.grant_types import GRANT_TYPES
from app.protocol.names import MAX_NAME_LENGTH
from app.protocol.policy import ApplicationPolicy
from app.protocol.registration import OPEN_GRANT_TYPES
from app.protocol.scopes import ScopeRegistry, render
from app.protocol.stored_applications import kind_of, stored_keys
from app.protocol.validation_words import sentence
from app.services import applications
from app.services.applications import Owner
from app.services.openid_members import OpenIdMembers
from app.services.pet_names import pet_name
from app.services.request_members import RequestMembers
from app.services.sector_lists import SectorList
from app.store.applications import Description

_ALTERNATIVES = (("jwks", "jwks_uri"), tls_client_auth.SUBJECTS)
"""Members of which there is one: whoever gives it takes the others away."""

CREDENTIALS = frozenset(
    {"token_endpoint_auth_method", "token_endpoint_auth_signing_alg", "jwks", "jwks_uri", *tls_client_auth.SUBJECTS}
)
"""Members that decide who is taken for the application."""

_AS_GRANTED = ["code"]
"""The response types that follow from the grant types; they are worked out anew when those change."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one member; `field` is its name, with the position in a list, as in `redirect_uris.0`."""

    field: str
    detail: str


class Unacceptable(Exception):
    """The settings cannot be what is asked; nothing was changed."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{problem.field} {problem.detail}" for problem in problems))


def _offered(values: Collection[str]) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in values:
            raise PydanticCustomError("refused", "{rule}", {"rule": f"must be one of: {', '.join(values)}"})
        return value

    return check


_Method = Annotated[str, AfterValidator(_offered(METHODS)), Field(json_schema_extra={"enum": [*METHODS]})]
_Grant = Annotated[str, AfterValidator(_offered(GRANT_TYPES)), Field(json_schema_extra={"enum": [*GRANT_TYPES]})]
_ApplicationName = Annotated[Name, Field(min_length=1, max_length=MAX_NAME_LENGTH)]


class ApplicationSettings(OpenIdMembers, RequestMembers):
    """Members that are left out keep what they are; those of a new application have the defaults that stand here."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    client_name: _ApplicationName = Field(
        default_factory=pet_name, description="What people read on the consent page; two random words without."
    )
    application_type: Literal["web", "native"] | None = Field(
        None, description="`native` for one that is installed on phones and desktops; null: it follows from the rest."
    )
    token_endpoint_auth_method: _Method = Field(
        "client_secret_basic", description="How it proves who it is; `none` for one that cannot keep a secret."
    )
    token_endpoint_auth_signing_alg: SigningAlgorithm | None = Field(
        None, description="The one algorithm of its assertions; null: each that fits its keys."
    )
    jwks: PublicKeys | None = Field(
        None, description="Its public keys as a JWK set. Whoever gives them, or `jwks_uri`, replaces what was there."
    )
    jwks_uri: HttpsAddress | None = Field(None, description="Where it publishes them.")
    tls_client_auth_subject_dn: Text | None = Field(
        None, description="The one name that its certificate must have, of the five kinds of RFC 8705."
    )
    tls_client_auth_san_dns: Text | None = Field(None, description="Likewise, a DNS name.")
    tls_client_auth_san_uri: Text | None = Field(None, description="Likewise, a URI.")
    tls_client_auth_san_ip: Text | None = Field(None, description="Likewise, an IP address.")
    tls_client_auth_san_email: Text | None = Field(None, description="Likewise, an email address.")
    dpop_bound_access_tokens: bool = Field(
        False, description="Whether it gets no token without a DPoP proof, to whose key the token is bound."
    )
    tls_client_certificate_bound_access_tokens: bool = Field(
        False, description="Whether it gets no token without a client certificate, to which the token is bound."
    )
    redirect_uris: ListOf[RedirectUri] = Field(
        (), description="Where answers may go, exactly. Without one it can be registered, and not be used yet."
    )
    grant_types: ListOf[_Grant] = Field(
        ("authorization_code", "refresh_token"), description="How it gets tokens; none: it only introspects."
    )
    scopes: ListOf[Text] | None = Field(None, description="What it may ask for; null: everything.")
    optional_scopes: ListOf[Text] = Field((), description="Which of them a person may untick on the consent page.")
    client_uri: WebAddress | None = Field(None, description="Its home page.")
    policy_uri: WebAddress | None = Field(None, description="What it does with personal data.")
    tos_uri: WebAddress | None = Field(None, description="Its terms of service.")
    allowed_origins: AllowedOrigins = Field(
        (), description="Websites whose scripts may call the server with its tokens."
    )

    def given(self) -> dict[str, Any]:
        """Return the members that were given, as JSON values."""
        return self.model_dump(mode="json", exclude_unset=True, include=set(ApplicationSettings.model_fields))


def read_settings(document: Mapping[str, Any]) -> ApplicationSettings:
    """Return the settings in a document; raises `Unacceptable` with every problem found."""
    try:
        return ApplicationSettings.model_validate(document)
    except ValidationError as refused:
        errors = refused.errors(include_input=False, include_url=False)
        raise Unacceptable(
            [Problem(".".join(map(str, error["loc"])), sentence(error["msg"])) for error in errors]
        ) from None


def describe(
    settings: ApplicationSettings,
    registry: ScopeRegistry,
    owner: Owner,
    *,
    signing: Sequence[str] = (),
    listed: SectorList | None = None,
) -> Description:
    """Return a new application; raises `Unacceptable`.

    `signing` are the algorithms that the server signs with, empty: not known. `listed` is what stands at its
    `sector_identifier_uri`, if somebody has looked.
    """
    nothing = applications.describe(ClientMetadata(grant_types=()), ApplicationPolicy(), owner=owner)
    defaults = {name: getattr(settings, name) for name in ("client_name", "token_endpoint_auth_method", "grant_types")}
    defaults["id_token_signed_response_alg"] = client_openid.preferred_alg(signing)
    made = _described(replace(nothing, registration={}), defaults | settings.given(), registry, signing)
    check_sector(None, made, listed)
    return made


def describe_anew(
    existing: Description,
    settings: ApplicationSettings,
    registry: ScopeRegistry,
    *,
    signing: Sequence[str] = (),
    listed: SectorList | None = None,
) -> Description:
    """Return an application with the members that were given; raises `Unacceptable`. `signing` and `listed` as above.

    Whether it can keep a secret stays: what holds one cannot become what cannot keep one, nor the other way round. So
    does what it knows people by (ID-7).
    """
    method = settings.given().get("token_endpoint_auth_method", existing.auth_method)
    if (method == "none") != (existing.auth_method == "none"):
        rule = "cannot change between none and the others; register another application"
        raise Unacceptable([Problem("token_endpoint_auth_method", rule)])
    changed = _described(existing, settings.given(), registry, signing)
    if (problem := applications.problem_with_subjects(existing, changed)) is not None:
        raise Unacceptable([Problem("subject_type", problem)])
    check_sector(existing, changed, listed)
    return changed


def belonging_to(owner: Owner, description: Description) -> Description:
    """Return an application in other hands."""
    return replace(
        description, owner_user_id=owner.user_id, owner_organization_id=owner.organization_id, owner_name=owner.name
    )


def presents_itself_anew(before: Description, after: Description) -> bool:
    """Tell whether people would take it for another application: by name, logo or addresses, or by whose it is."""
    seen = ("name", "client_uri", "redirect_uris", "owner_user_id", "owner_organization_id")
    if before.registration.get("logo_uri") != after.registration.get("logo_uri"):
        return True
    return any(getattr(before, name) != getattr(after, name) for name in seen)


def acts_for_more(before: Description, after: Description) -> bool:
    """Tell whether it may do something more of which no person is asked: whoever has checked it has not seen that, and
    nobody gives himself permissions (DR-13)."""
    alone = set(after.grant_types) - set(OPEN_GRANT_TYPES)
    if not alone:
        return False
    narrow = before.scopes is None or (after.scopes is not None and set(after.scopes) <= set(before.scopes))
    return not (narrow and alone <= set(before.grant_types))


def _described(
    existing: Description, given: dict[str, Any], registry: ScopeRegistry, signing: Sequence[str]
) -> Description:
    scopes, optional = _scopes(existing, given, registry)
    origins_given = given.pop("allowed_origins", existing.allowed_origins)
    members = {**existing.registration, "client_name": existing.name}
    if "grant_types" in given and members.get("response_types") == _AS_GRANTED:
        del members["response_types"]
    for alternatives in _ALTERNATIVES:
        if any(given.get(name) is not None for name in alternatives):
            members = {name: value for name, value in members.items() if name not in alternatives}
    members |= given
    members.pop("scope", None)
    metadata = _read(members, registry, signing)
    if (contradiction := profiles.problem_with(_profile(existing), metadata)) is not None:
        member, _, rule = contradiction.partition(" ")
        raise Unacceptable([Problem(member, rule)])
    further = {
        name: value
        for name, value in existing.registration.items()
        if name not in ClientMetadata.model_fields and "#" not in name
    }
    limit = {} if scopes is None else {"scope": render(scopes)}
    return replace(
        existing,
        name=metadata.client_name,
        kind=kind_of(metadata),
        client_uri=metadata.client_uri or "",
        auth_method=metadata.token_endpoint_auth_method,
        redirect_uris=metadata.redirect_uris,
        grant_types=metadata.grant_types,
        response_types=metadata.response_types,
        scopes=scopes,
        optional_scopes=optional,
        allowed_origins=tuple(origins_given),
        registration={**metadata.document(), **limit, **further},
        unmet=tuple(name for name in existing.unmet if name in further),
        policy=_policy(existing, metadata),
        key_material=stored_keys(metadata.key_material()),
        openid=metadata.openid(sector=existing.openid.get("sector", "")).stored,
        requests=metadata.requests().stored,
        introduction=introductions.of(metadata.document()).stored,
    )


def _policy(existing: Description, metadata: ClientMetadata) -> dict[str, Any]:
    """Return what the operator decided about it, and what it demands of its tokens itself."""
    bound = profiles.bindings(_profile(existing), metadata)
    kept = {name: value for name, value in existing.policy.items() if name not in bound}
    return kept | {name: True for name, value in bound.items() if value}


def _profile(existing: Description) -> str:
    return str(existing.registration.get("profile", profiles.DEFAULT))


def _scopes(
    existing: Description, given: dict[str, Any], registry: ScopeRegistry
) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """Return both lists. What it has already may stay, also when it has left the registry meanwhile."""
    asked = given.pop("scopes", existing.scopes)
    scopes = None if asked is None else tuple(asked)
    optional = tuple(given.pop("optional_scopes", existing.optional_scopes))
    known = {*(existing.scopes or ()), *existing.optional_scopes}
    problems = [
        Problem(field, f"has {name[:100]}, which is unknown here; there are: {render(one.name for one in registry)}")
        for field, names in (("scopes", scopes or ()), ("optional_scopes", optional))
        for name in names
        if name not in registry and name not in known
    ]
    problems += [
        Problem("optional_scopes", f"has {name[:100]}, which is not in scopes; add it there")
        for name in optional
        if scopes is not None and name not in scopes
    ]
    if problems:
        raise Unacceptable(problems)
    return scopes, optional


def check_sector(before: Description | None, after: Description, listed: SectorList | None) -> None:
    """DR-10: what stands at a `sector_identifier_uri` lists every redirect URI, whenever either of them is given.

    An application that leaves the host of its sector shows so that the host has not lost it (ID-7): else anybody could
    register with somebody else's address, move to his own, and know people as that one does.
    """
    uri = after.registration.get("sector_identifier_uri")
    if before is not None and _where(before) == _where(after) and not applications.lacks_its_sector(before):
        return
    sector = after.openid.get("sector")
    if sector and pairwise.sector_of(uri, after.redirect_uris) != sector:
        rule = (
            f"has to be an address at {sector}, by which this application knows people, that lists all redirect_uris; "
            "or register another application"
        )
        raise Unacceptable([Problem("sector_identifier_uri", rule)])
    if uri is None:
        return
    if listed is None or listed.uri != uri:
        raise Unacceptable([Problem("sector_identifier_uri", "has to be fetched, which cannot be done here")])
    if (problem := listed.problem_with(after.redirect_uris)) is not None:
        raise Unacceptable([Problem("sector_identifier_uri", problem)])


def _where(description: Description) -> tuple[Any, tuple[str, ...]]:
    return description.registration.get("sector_identifier_uri"), description.redirect_uris


def _read(members: Mapping[str, Any], registry: ScopeRegistry, signing: Sequence[str]) -> ClientMetadata:
    """Return the metadata as a whole; what single members may be has been checked before."""
    try:
        return read(members, registry, unfinished=True, signing=signing)
    except OAuthError as refused:
        member, _, rule = refused.description.partition(" ")
        if member.partition(".")[0] not in ApplicationSettings.model_fields:
            member, rule = "grant_types", refused.description
        raise Unacceptable([Problem(member, rule)]) from None
