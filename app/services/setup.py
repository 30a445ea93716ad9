"""The first operator: a one-time link, printed at the first start, on which he chooses name and password."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.crypto.hashing import digest
from app.crypto.secrets import new_id, random_bytes
from app.protocol.events import Event
from app.protocol.policy import Lifetimes
from app.protocol.token_format import Credential, Prefix, format_credential, parse_credential
from app.services import names, sessions
from app.services.login import PASSWORD_AMR
from app.services.newcomers import NAME_TAKEN, Newcomer, Problem
from app.services.occasion import Occasion
from app.services.passwords import PasswordQueue
from app.store import audit, links, users
from app.store.database import Database
from app.store.users import NameTaken, NewUser

LINK_LIFETIME = timedelta(hours=24)
PURPOSE = "setup"


@dataclass(frozen=True, slots=True)
class Created:
    """The operator exists and is signed in. `others` are the sessions of other people that the browser keeps."""

    user_id: UUID
    session: Credential
    others: tuple[Credential, ...] = ()


@dataclass(frozen=True, slots=True)
class LinkUsed:
    """The link is used, too old or not ours, or an operator exists already."""


async def ensure_setup_link(database: Database, issuer: str, now: datetime) -> str | None:
    """Return a fresh link for the first operator, or None when there is one. For `serve` at its start.

    Earlier links that nobody has used stay good for their 24 hours: several servers may start on one database.
    """
    async with database.transaction() as transaction:
        if await users.operator_exists(transaction):
            return None
        credential = Credential(new_id(now), random_bytes())
        await links.insert_link(
            transaction, credential.id, digest(credential.secret), PURPOSE, now, now + LINK_LIFETIME
        )
    return f"{issuer.rstrip('/')}/setup/{format_credential(Prefix.ONE_TIME_LINK, credential)}"


async def link_is_good(database: Database, token: str, now: datetime) -> bool:
    """Tell whether the link would work now: genuine, unused, in time, and no operator exists."""
    credential = parse_credential(Prefix.ONE_TIME_LINK, token)
    if credential is None:
        return False
    async with database.transaction() as transaction:
        return await links.is_open(
            transaction, credential.id, digest(credential.secret), PURPOSE, now
        ) and not await users.operator_exists(transaction)


async def create_operator(
    database: Database,
    passwords: PasswordQueue,
    lifetimes: Lifetimes,
    token: str,
    chosen: Newcomer,
    occasion: Occasion,
    held: tuple[Credential, ...] = (),
) -> Created | LinkUsed | Problem:
    """Use the link up and make the operator, in one transaction; `chosen` has passed `problems_of`. `held` are the
    sessions of the browser so far.

    However many try at once, with one link or with several, one operator comes of it. Raises `PasswordQueueFull`.
    """
    credential = parse_credential(Prefix.ONE_TIME_LINK, token)
    if credential is None or not await link_is_good(database, token, occasion.now):
        return LinkUsed()
    async with passwords.place() as place:
        password_hash = await place.hash(chosen.password)
    user = NewUser(
        id=new_id(occasion.now),
        username=chosen.username,
        username_key=names.name_key(chosen.username),
        email=chosen.email,
        email_key=names.name_key(chosen.email),
        password_hash=password_hash,
        operator=True,
        created_at=occasion.now,
    )
    begun = sessions.begin(user.id, 0, PASSWORD_AMR, occasion, lifetimes)
    try:
        async with database.transaction() as transaction:
            await users.lock_operators(transaction)
            if await users.operator_exists(transaction) or not await links.use(
                transaction, credential.id, digest(credential.secret), PURPOSE, occasion.now
            ):
                return LinkUsed()
            await users.insert_user(transaction, user)
            others = await sessions.settle_in(transaction, begun, held, occasion)
            await audit.record(
                transaction,
                occasion.entry(
                    Event.USER_CREATED,
                    user_id=user.id,
                    subject_id=str(user.id),
                    after={"username": user.username, "email": user.email, "operator": True},
                    by="the setup link",
                ),
            )
    except NameTaken as taken:
        return Problem("email" if taken.field == "email" else "username", NAME_TAKEN)
    return Created(user.id, begun.credential, others or ())
