"""What `/api/v1/organizations` takes and tells: organizations, their members, and invitations."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field
from pydantic_core import PydanticCustomError

from app.protocol.facts import OrganizationFact
from app.protocol.names import MAX_NAME_LENGTH
from app.protocol.scopes import ScopeRegistry
from app.routers.api.gate import Granted
from app.routers.api.shapes import shown_as, taken_as
from app.services.invitations import MAX_NOTE, Invitation, problem_with_note
from app.services.members import Member
from app.services.names import MAX_LOGIN_LENGTH
from app.services.organizations import MAX_SLUG, MIN_SLUG, problem_with_name, problem_with_slug
from app.store.organizations import Membership

_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
_MOMENT = "2026-03-02T09:15:00Z"
_ORGANIZATION: dict[str, Any] = {
    "id": _ID,
    "slug": "saltbarn",
    "name": "Saltbarn",
    "version": 1,
    "created_at": _MOMENT,
}
_SUMMARY = _ORGANIZATION | {"role": "owner", "joined_at": _MOMENT}
_ACCESS: dict[str, Any] = {"role": "member", "scopes": ["org:read", "member:read"]}
_MEMBER: dict[str, Any] = {
    "id": _ID,
    "username": "robin",
    "name": "Robin Ashdown",
    "email": "robin@saltbarn.example",
    "role": "manager",
    "version": 2,
    "joined_at": _MOMENT,
}
_INVITATION: dict[str, Any] = {
    "id": _ID,
    "role": "member",
    "note": "Jun, from design",
    "invited_by": "robin",
    "created_at": _MOMENT,
    "expires_at": "2026-03-09T09:15:00Z",
}
_LINK = "https://id.example/invitations/asiv_AYkKXayWd0u8zrMCCZqAV…"

_MAX_ROLE = 64


def _without(problem_with: Callable[[str], str]) -> AfterValidator:
    """Return the validator that refuses what a rule finds a problem with."""

    def read(value: str) -> str:
        if problem := problem_with(value):
            raise PydanticCustomError("refused", "{problem}", {"problem": problem})
        return value

    return AfterValidator(read)


Slug = Annotated[
    str,
    _without(problem_with_slug),
    Field(
        description=f"Its name in addresses: {MIN_SLUG} to {MAX_SLUG} of a-z, 0-9 and single hyphens. Never changes, "
        "and is never given out again."
    ),
]
Name = Annotated[
    str,
    _without(problem_with_name),
    Field(description=f"What people call it: 1 to {MAX_NAME_LENGTH} visible characters."),
]
RoleName = Annotated[str, Field(min_length=1, max_length=_MAX_ROLE, description="One of the server’s roles.")]
Note = Annotated[
    str,
    _without(problem_with_note),
    Field(description=f"For whom it is, up to {MAX_NOTE} characters; only those who manage members see it."),
]


class NewOrganization(BaseModel):
    """An organization to be founded; whoever founds it gets the role that holds every scope."""

    model_config = taken_as({"slug": "saltbarn", "name": "Saltbarn"})

    slug: Slug
    name: Name


class OrganizationChanges(BaseModel):
    """What can be changed of an organization."""

    model_config = taken_as({"name": "Saltbarn Works"})

    name: Name


class OrganizationSummary(BaseModel):
    """An organization; `role` and `joined_at` are the caller’s, null for keys."""

    model_config = shown_as(_SUMMARY)

    id: UUID
    slug: str
    name: str
    version: int = Field(description="Grows with each change; the `ETag` for `If-Match`.")
    created_at: AwareDatetime
    role: str | None
    joined_at: AwareDatetime | None


class OrganizationList(BaseModel):
    """One page of the list, the newest organization first."""

    model_config = shown_as({"items": [_SUMMARY]})

    items: list[OrganizationSummary]


class Access(BaseModel):
    """What the caller may do in the organization: a token’s scopes cut down to its person’s role."""

    model_config = shown_as(_ACCESS)

    role: str | None = Field(description="The role of the caller’s person there; null for keys, and for operators.")
    scopes: list[str] = Field(description="What is left of the credential’s scopes there, in the registry’s order.")


class OrganizationAnswer(BaseModel):
    """An organization, and what the caller may do in it."""

    model_config = shown_as(_ORGANIZATION | {"access": _ACCESS})

    id: UUID
    slug: str
    name: str
    version: int = Field(description="Grows with each change; the `ETag` for `If-Match`.")
    created_at: AwareDatetime
    access: Access


class NewMember(BaseModel):
    """A person to be made a member without asking him."""

    model_config = taken_as({"username": "robin", "role": "member"})

    username: Annotated[str, Field(min_length=1, max_length=MAX_LOGIN_LENGTH, description="Somebody who can sign in.")]
    role: RoleName


class MemberChanges(BaseModel):
    """What can be changed of a member."""

    model_config = taken_as({"role": "manager"})

    role: RoleName


class MemberAnswer(BaseModel):
    """A person in an organization; `id` is the person’s."""

    model_config = shown_as(_MEMBER)

    id: UUID
    username: str
    name: str = Field(description="Empty when nobody has said what to call him.")
    email: str
    role: str
    version: int = Field(description="Grows with each change; the `ETag` for `If-Match`.")
    joined_at: AwareDatetime


class MemberList(BaseModel):
    """One page of the list, by username."""

    model_config = shown_as({"items": [_MEMBER]})

    items: list[MemberAnswer]


class NewInvitation(BaseModel):
    """A link to be made; whoever follows it first becomes a member with this role."""

    model_config = taken_as({"role": "member", "note": "Jun, from design"})

    role: RoleName
    note: Note = ""


class InvitationAnswer(BaseModel):
    """An invitation that can be accepted; nothing of it is a secret."""

    model_config = shown_as(_INVITATION)

    id: UUID
    role: str
    note: str
    invited_by: str = Field(description="A username, or the label of an API key; empty for the system key.")
    created_at: AwareDatetime
    expires_at: AwareDatetime


class InvitationList(BaseModel):
    """One page of the list, the newest invitation first."""

    model_config = shown_as({"items": [_INVITATION]})

    items: list[InvitationAnswer]


class MadeInvitation(InvitationAnswer):
    """An invitation with its link, which is shown this once."""

    model_config = shown_as(_INVITATION | {"url": _LINK})

    url: str = Field(repr=False, description="The link to hand over, and a credential: it works for whoever has it.")


def summary_of(organization: OrganizationFact, membership: Membership | None) -> OrganizationSummary:
    """Return one item of the list."""
    return OrganizationSummary(
        id=organization.id,
        slug=organization.slug,
        name=organization.name,
        version=organization.version,
        created_at=organization.created_at,
        role=membership.role if membership else None,
        joined_at=membership.joined_at if membership else None,
    )


def organization_answer(
    organization: OrganizationFact, granted: Granted, registry: ScopeRegistry
) -> OrganizationAnswer:
    """Return an organization as a caller sees it."""
    return answer_with(organization, granted.role, granted.scopes, registry)


def answer_with(
    organization: OrganizationFact, role: str | None, scopes: frozenset[str], registry: ScopeRegistry
) -> OrganizationAnswer:
    """Return an organization with what somebody may do in it."""
    return OrganizationAnswer(
        id=organization.id,
        slug=organization.slug,
        name=organization.name,
        version=organization.version,
        created_at=organization.created_at,
        access=Access(role=role, scopes=[scope.name for scope in registry if scope.name in scopes]),
    )


def member_answer(member: Member) -> MemberAnswer:
    """Return one item of the list."""
    return MemberAnswer(
        id=member.user_id,
        username=member.username,
        name=member.display_name,
        email=member.email,
        role=member.role,
        version=member.version,
        joined_at=member.joined_at,
    )


def invitation_answer(invitation: Invitation) -> InvitationAnswer:
    """Return one item of the list."""
    return InvitationAnswer(**_invitation(invitation))


def made_invitation(invitation: Invitation, url: str) -> MadeInvitation:
    """Return an invitation with its link."""
    return MadeInvitation(**_invitation(invitation), url=url)


def _invitation(invitation: Invitation) -> dict[str, Any]:
    return {
        "id": invitation.id,
        "role": invitation.role,
        "note": invitation.note,
        "invited_by": invitation.inviter,
        "created_at": invitation.created_at,
        "expires_at": invitation.expires_at,
    }
