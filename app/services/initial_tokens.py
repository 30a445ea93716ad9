"""Initial access tokens: the operator's permission to register applications over the protocol (RFC 7591 §3; DR-2).

The secret is told once, when the token is made; kept is its digest. Who registers with one, and that each use counts
once, is in `registrations`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from app.crypto.hashing import digest
from app.crypto.secrets import new_id, random_bytes
from app.protocol.events import Event
from app.protocol.token_format import Credential, Prefix, format_credential
from app.services import names
from app.services.occasion import Occasion
from app.store import initial_tokens
from app.store.database import Database
from app.store.idempotency import Claim
from app.store.initial_tokens import InitialToken

MAX_USES = 100_000
"""Whoever wants more says "any number", and means it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A token that an operator wants to have: a label that has no problem, how many may register with it (None: any
    number), and when it ends (None: never)."""

    label: str
    uses: int | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Made:
    """A new token; `text` is the credential itself, to be told now and never again."""

    token: InitialToken
    text: str = field(repr=False)


def problem_with_label(label: str) -> str:
    """Return what is wrong with a tidy label, as an instruction; empty when it is accepted."""
    return names.problem_with_tidy(label, missing="Say who gets the token")


async def make(database: Database, wanted: Wanted, occasion: Occasion, claim: Claim | None = None) -> Made:
    """Make a token; the occasion's actor is the operator. Raises `Repeated` for a claim that was spent."""
    credential = Credential(new_id(occasion.now), random_bytes())
    token = InitialToken(
        id=credential.id,
        label=wanted.label,
        uses_left=wanted.uses,
        created_by=_name_of(occasion),
        created_at=occasion.now,
        expires_at=wanted.expires_at,
        last_used_at=None,
    )
    entry = occasion.entry(
        Event.INITIAL_TOKEN_CREATED, user_id=None, subject_id=str(token.id), after=_remembered(token)
    )
    await initial_tokens.create(database, token, digest(credential.secret), entry, claim)
    return Made(token, format_credential(Prefix.INITIAL_ACCESS, credential))


async def list_page(database: Database, *, after: UUID | None, limit: int) -> list[InitialToken]:
    """Return up to `limit` tokens that nobody took back, the newest first; with `after`, those older than that one."""
    return await initial_tokens.page(database, after=after, limit=limit)


async def find(database: Database, token_id: UUID) -> InitialToken | None:
    """Return one token; None when it was taken back, or never was."""
    return await initial_tokens.find(database, token_id)


async def revoke(database: Database, token_id: UUID, occasion: Occasion) -> InitialToken | None:
    """End a token at once and return what it was; None as in `find`, and when somebody was faster.

    What was registered with it stays.
    """
    token = await initial_tokens.find(database, token_id)
    if token is None:
        return None
    entry = occasion.entry(
        Event.INITIAL_TOKEN_REVOKED, user_id=None, subject_id=str(token_id), before=_remembered(token)
    )
    return token if await initial_tokens.revoke(database, token_id, occasion.now, entry) else None


async def label_of_revoked(database: Database, token_id: UUID) -> str:
    """Return what a token that was taken back was called; empty for anything else."""
    return await initial_tokens.label_of_revoked(database, token_id)


def _remembered(token: InitialToken) -> dict[str, object]:
    """Return what the audit trail keeps of it: enough to know it again, nothing to use it."""
    return {"label": token.label, "uses_left": token.uses_left, "expires_at": token.expires_at}


def _name_of(occasion: Occasion) -> str:
    return "" if occasion.actor is None else occasion.actor.label or occasion.actor.id
