"""A person's own tokens: what they may hold, how long they last, and that nobody but he sees or ends them.

The secret is told once, when the token is made; kept are its digest and the last characters of the text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from app.crypto.hashing import digest
from app.crypto.secrets import new_id, random_bytes
from app.protocol.events import Event
from app.protocol.facts import SessionFact
from app.protocol.roles import Roles
from app.protocol.scopes import ABOUT_PEOPLE, ScopeDefinition, ScopeRegistry
from app.protocol.token_format import Credential, Prefix, format_credential
from app.services import names
from app.services.occasion import Occasion
from app.store import organizations, personal_tokens
from app.store.database import Database
from app.store.idempotency import Claim
from app.store.personal_tokens import OwnToken

MAX_LIVE = 100
"""Live tokens that one person can have at a time."""

MIN_LIFETIME = timedelta(minutes=1)
MAX_LIFETIME = timedelta(days=3650)
"""Whoever wants it longer says "never", and means it."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a person's tokens can reach: the scopes that there are, and the roles that he has somewhere."""

    registry: ScopeRegistry
    roles: Roles
    held: tuple[str, ...]

    @property
    def scopes(self) -> tuple[ScopeDefinition, ...]:
        """Everything that a token of his may hold, in registry order."""
        return tuple(definition for definition in self.registry if not self.problem_with(definition.name))

    def problem_with(self, scope: str) -> str:
        """Return why a token of his may not hold a scope; empty when it may."""
        if scope in ABOUT_PEOPLE:
            return "is for signing in to applications, and no personal token holds it"
        if scope not in self.registry:
            return "is no scope of this server"
        if not self.roles.may_hold(scope, self.held):
            return "is more than your roles allow you in any of your organizations"
        return ""

    def problems_with(self, scopes: Sequence[str]) -> Mapping[str, str]:
        """Return for each scope that a token of his may not hold, why."""
        return {scope: problem for scope in scopes if (problem := self.problem_with(scope))}


class BeyondReach(Exception):
    """Some scopes are refused; `problems` says by scope why."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = problems
        super().__init__("scopes beyond reach")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A token that a person wants to have: a name that has no problem, and when it ends (None: never)."""

    name: str
    scopes: tuple[str, ...]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Made:
    """A new token; `text` is the credential itself, to be told now and never again."""

    token: OwnToken
    text: str = field(repr=False)


def problem_with_name(name: str) -> str:
    """Return what is wrong with a tidy name, as an instruction; empty when it is accepted."""
    return names.problem_with_tidy(name, missing="Give the token a name")


def problem_with_end(expires_at: datetime, now: datetime) -> str:
    """Return what is wrong with the moment at which a new token ends, as an instruction; empty when it is accepted."""
    if expires_at < now + MIN_LIFETIME:
        return "Let it end a minute from now, or later"
    if expires_at > now + MAX_LIFETIME:
        return "Let it end within ten years, or say that it never does"
    return ""


async def reach_of(database: Database, user_id: UUID, registry: ScopeRegistry, roles: Roles) -> Reach:
    """Return how far a person's tokens can reach at present."""
    return Reach(registry, roles, await organizations.roles_of(database, user_id))


async def make(
    database: Database,
    session: SessionFact,
    wanted: Wanted,
    reach: Reach,
    occasion: Occasion,
    claim: Claim | None = None,
) -> Made:
    """Make a token for the person of a session.

    Raises `BeyondReach`; from the store `TooManyTokens`, `PersonGone` and, for a claim that was spent, `Repeated`.
    """
    scopes = tuple(dict.fromkeys(wanted.scopes))
    if problems := reach.problems_with(scopes):
        raise BeyondReach(problems)
    credential = Credential(new_id(occasion.now), random_bytes())
    text = format_credential(Prefix.PERSONAL_TOKEN, credential)
    token = OwnToken(
        id=credential.id,
        name=wanted.name,
        last_four=text[-4:],
        scopes=scopes,
        version=1,
        user_epoch=session.user_epoch,
        created_at=occasion.now,
        expires_at=wanted.expires_at,
        last_used_at=None,
    )
    entry = occasion.entry(Event.PERSONAL_TOKEN_CREATED, user_id=session.user_id, subject_id=str(token.id))
    await personal_tokens.create(
        database, session.user_id, token, digest(credential.secret), entry, claim=claim, most=MAX_LIVE
    )
    return Made(token, text)


async def list_page(database: Database, user_id: UUID, *, after: UUID | None, limit: int) -> list[OwnToken]:
    """Return up to `limit` of the person's tokens, the newest first; with `after`, those older than that one."""
    return await personal_tokens.page_for_user(database, user_id, after=after, limit=limit)


async def find(database: Database, user_id: UUID, token_id: UUID) -> OwnToken | None:
    """Return one token; None when it was revoked, never was, or is somebody else's: nobody can tell which."""
    return await personal_tokens.find(database, user_id, token_id)


async def rename(
    database: Database, user_id: UUID, token_id: UUID, name: str, occasion: Occasion, *, version: int | None = None
) -> OwnToken | None:
    """Give a token another tidy name and return it so; None as in `find`.

    With a `version`, raises `TokenChanged` when the token is at another one.
    """
    entry = occasion.entry(Event.PERSONAL_TOKEN_RENAMED, user_id=user_id, subject_id=str(token_id))
    return await personal_tokens.rename(database, user_id, token_id, name, entry, version=version)


async def revoke(
    database: Database, user_id: UUID, token_id: UUID, occasion: Occasion, *, version: int | None = None
) -> OwnToken | None:
    """End a token at once and return what it was; None as in `find`, and when somebody was faster.

    With a `version`, raises `TokenChanged` when the token is at another one.
    """
    entry = occasion.entry(Event.PERSONAL_TOKEN_REVOKED, user_id=user_id, subject_id=str(token_id))
    return await personal_tokens.revoke(database, user_id, token_id, occasion.now, entry, version=version)


async def name_of_revoked(database: Database, user_id: UUID, token_id: UUID) -> str:
    """Return what a token that the person ended was called; empty for anything else."""
    return await personal_tokens.name_of_revoked(database, user_id, token_id)
