"""Invitations: a link makes whoever follows it a member of an organization, once.

The inviter answers for the role that he offers as long as the link is open: when he could not give it any more, the
link does not either.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from app.crypto.hashing import digest
from app.crypto.secrets import new_id, random_bytes
from app.protocol import permissions
from app.protocol.events import Event
from app.protocol.facts import OrganizationFact
from app.protocol.token_format import Credential, Prefix, format_credential, parse_credential
from app.services.acting import Acting
from app.services.members import require_givable
from app.store import idempotency, invitations, members, organizations
from app.store.database import Database
from app.store.idempotency import Claim
from app.store.invitations import Invitation, Inviter, NewInvitation, Offer
from app.store.transaction import Transaction

__all__ = [
    "MAX_OPEN",
    "Invitation",
    "Invited",
    "Joined",
    "LinkOver",
    "NotOffered",
    "Offer",
    "TooManyOpen",
    "accept",
    "invite",
    "look",
    "revoke",
]

MAX_NOTE = 200
MAX_OPEN = 200
"""Open invitations of one organization."""


class TooManyOpen(Exception):
    """The organization has as many open invitations as it may have."""


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation just made; `link` is the credential, which is nowhere else."""

    invitation: Invitation
    link: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Joined:
    """The person is a member; `anew` is False when he was one before, and then nothing was used up."""

    organization: OrganizationFact
    role: str
    anew: bool


@dataclass(frozen=True, slots=True)
class LinkOver:
    """The link is used, revoked, too old or not ours."""


@dataclass(frozen=True, slots=True)
class NotOffered:
    """The link is open, but its inviter could not give this role any more. Nothing was used up."""


def problem_with_note(note: str) -> str:
    """Return what is wrong with the note on an invitation, as an instruction; empty when it is accepted."""
    if len(note) > MAX_NOTE:
        return f"Use {MAX_NOTE} characters or fewer"
    if not note.isprintable():
        return "Write it on one line"
    return ""


async def invite(
    database: Database,
    acting: Acting,
    organization_id: UUID,
    *,
    role: str,
    note: str,
    lifetime: timedelta,
    claim: Claim | None = None,
) -> Invited:
    """Make a link for somebody; the note has been checked.

    Raises `OrganizationGone`, `NotAllowed`, `UnknownRole`, `TooManyOpen` and `idempotency.Repeated`.
    """
    now = acting.occasion.now
    credential = Credential(new_id(now), random_bytes())
    made = NewInvitation(
        id=credential.id,
        digest=digest(credential.secret),
        organization_id=organization_id,
        role=role,
        note=note,
        invited_by=acting.user_id,
        inviting_key_id=acting.key_id,
        created_at=now,
        expires_at=now + lifetime,
    )
    async with database.transaction() as transaction:
        _, held = await acting.enter(transaction, organization_id, permissions.INVITATIONS, "POST")
        require_givable(acting, held, role)
        await idempotency.spend(transaction, claim, str(made.id), now)
        if await invitations.count_open(transaction, organization_id, now) >= MAX_OPEN:
            raise TooManyOpen
        await invitations.insert_invitation(transaction, made)
        await acting.write_down(
            transaction,
            Event.INVITATION_CREATED,
            organization_id,
            subject_id=made.id,
            after={"role": role, "note": note, "expires_at": made.expires_at.isoformat()},
        )
    shown = Invitation(made.id, role, note, acting.called, now, made.expires_at)
    return Invited(shown, format_credential(Prefix.INVITATION, credential))


async def list_page(
    database: Database, organization_id: UUID, now: datetime, *, after: UUID | None, limit: int
) -> list[Invitation]:
    """Return up to `limit` open invitations, the newest first; with `after`, those older than that one."""
    return await invitations.page_of_open(database, organization_id, now, after=after, limit=limit)


async def find(database: Database, organization_id: UUID, invitation_id: UUID, now: datetime) -> Invitation | None:
    """Return an open invitation into this organization."""
    async with database.transaction() as transaction:
        return await invitations.find_open(transaction, organization_id, invitation_id, now)


async def revoke(database: Database, acting: Acting, organization_id: UUID, invitation_id: UUID) -> bool:
    """Make a link void; False when there is no such open invitation. Raises `OrganizationGone` and `NotAllowed`."""
    now = acting.occasion.now
    async with database.transaction() as transaction:
        await acting.enter(transaction, organization_id, permissions.INVITATIONS, "DELETE")
        invitation = await invitations.find_open(transaction, organization_id, invitation_id, now)
        if invitation is None or not await invitations.revoke(transaction, invitation_id, now):
            return False
        await acting.write_down(
            transaction,
            Event.INVITATION_REVOKED,
            organization_id,
            subject_id=invitation_id,
            before={"role": invitation.role, "note": invitation.note},
        )
    return True


async def look(database: Database, acting: Acting, user_id: UUID, link: str) -> Offer | Joined | LinkOver | NotOffered:
    """Return what a link offers a person, without using it up."""
    async with database.transaction() as transaction:
        return await _judge(transaction, acting, user_id, link)


async def accept(database: Database, acting: Acting, user_id: UUID, link: str) -> Joined | LinkOver | NotOffered:
    """Make a person a member and use the link up, in one transaction; of many at once one succeeds."""
    now = acting.occasion.now
    async with database.transaction() as transaction:
        offer = await _judge(transaction, acting, user_id, link, hold=True)
        if not isinstance(offer, Offer):
            return offer
        if not await invitations.use(transaction, offer.id, user_id, now):
            return LinkOver()
        await members.insert_member(transaction, offer.organization.id, user_id, offer.role, now)
        for event, subject_id in ((Event.INVITATION_ACCEPTED, offer.id), (Event.MEMBER_ADDED, user_id)):
            await acting.write_down(
                transaction,
                event,
                offer.organization.id,
                subject_id=subject_id,
                user_id=user_id,
                after={"role": offer.role},
            )
    return Joined(offer.organization, offer.role, anew=True)


async def _judge(
    transaction: Transaction, acting: Acting, user_id: UUID, link: str, *, hold: bool = False
) -> Offer | Joined | LinkOver | NotOffered:
    """Return what a link is worth; with `hold`, the organization stays as it is until the transaction ends."""
    credential = parse_credential(Prefix.INVITATION, link)
    if credential is None:
        return LinkOver()
    now, secret = acting.occasion.now, digest(credential.secret)
    offer = await invitations.find_offer(transaction, credential.id, secret, now)
    if offer is not None and hold:
        if await organizations.lock(transaction, offer.organization.id) is None:
            return LinkOver()
        offer = await invitations.find_offer(transaction, credential.id, secret, now)
    if offer is None:
        return LinkOver()
    role = await members.role_of(transaction, offer.organization.id, user_id)
    if role is not None:
        return Joined(offer.organization, role, anew=False)
    if not offer.open:
        return LinkOver()
    held = _held_by(await invitations.inviter_of(transaction, offer.id), acting)
    if (
        offer.role not in acting.roles
        or not permissions.INVITATIONS.allows("POST", held)
        or not acting.roles.may_give(held, offer.role)
    ):
        return NotOffered()
    return offer


def _held_by(inviter: Inviter, acting: Acting) -> frozenset[str]:
    if inviter.by_system or inviter.operator:
        return acting.registry.for_apis()
    if inviter.key_scopes is not None:
        return frozenset(inviter.key_scopes)
    return acting.roles.scopes_of(inviter.role)
