"""Signing in with a password: one answer in one time for every way to fail (ASVS 6.3.8), within the limits."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from app.protocol.configuration import SignInLimits
from app.protocol.errors import seconds_until
from app.protocol.events import Event
from app.protocol.policy import Lifetimes
from app.protocol.token_format import Credential
from app.services import limits, sessions
from app.services.limits import Keys
from app.services.names import MAX_LOGIN_LENGTH, name_key
from app.services.occasion import Occasion
from app.services.passwords import MAX_LENGTH, PasswordPlace, PasswordQueue
from app.store import audit, failures, interactions, users
from app.store.database import Database
from app.store.orders import Actor
from app.store.users import SignInAccount

PASSWORD_AMR = ("pwd",)
"""RFC 8176 §2."""


@dataclass(frozen=True, slots=True)
class SignInService:
    """What signing in works with. `key` hides login names and addresses in the table of failures."""

    database: Database
    passwords: PasswordQueue
    lifetimes: Lifetimes
    key: bytes = field(repr=False)
    limits: SignInLimits = field(default_factory=SignInLimits)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to sign in.

    `only_user_id` is set when this very person must confirm that it is he. `held` are the sessions of the browser so
    far, the present one first; `interaction_id` is the authorization request that waits for the login.
    """

    name: str = field(repr=False)
    password: str = field(repr=False)
    occasion: Occasion
    only_user_id: UUID | None = None
    held: tuple[Credential, ...] = ()
    interaction_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The person is who he says; `session` is the new session's credential.

    `others` are those of the other people who were signed in on the browser, which it keeps.
    """

    user_id: UUID
    session: Credential
    others: tuple[Credential, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """Unknown, wrong or disabled: nobody is told which."""


@dataclass(frozen=True, slots=True)
class SlowedDown:
    """Too many failures: to be tried again after `retry_after` seconds."""

    retry_after: int


async def sign_in(service: SignInService, attempt: Attempt) -> SignedIn | Failed | SlowedDown:
    """Judge one try. Raises `PasswordQueueFull` before anything is counted.

    Known or not, active or not: the same statements run and one hash is computed.
    """
    now = attempt.occasion.now
    folded = name_key(attempt.name[:MAX_LOGIN_LENGTH])
    keys = limits.keys_of(service.key, name=folded, address=attempt.occasion.address)
    async with service.passwords.place() as place:
        waits_until = await limits.admit(service.database, keys, now, service.limits)
        if waits_until is not None:
            return SlowedDown(seconds_until(waits_until, now))
        found = await users.find_for_sign_in(service.database, folded)
        account = await _proven(place, found, attempt)
        if account is None:
            waits_until = await _record_failure(service, keys, found, attempt)
            return SlowedDown(seconds_until(waits_until, now)) if waits_until else Failed()
        better_hash = await place.rehash_if_weak(account.password_hash or "", attempt.password)
    return await _begin(service, keys, account, attempt, better_hash)


async def _proven(place: PasswordPlace, found: SignInAccount | None, attempt: Attempt) -> SignInAccount | None:
    """Return the account when the password is its own and it may sign in here and now."""
    fits = len(attempt.password) <= MAX_LENGTH
    verified = await place.verify(found.password_hash if found and fits else None, attempt.password[:MAX_LENGTH])
    if found is None or not verified or not found.active:
        return None
    return found if attempt.only_user_id in (None, found.id) else None


async def _begin(
    service: SignInService, keys: Keys, account: SignInAccount, attempt: Attempt, better_hash: str | None
) -> SignedIn | Failed:
    """Everything a success changes, in one transaction: counters, session, interaction, audit."""
    occasion = attempt.occasion
    begun = sessions.begin(account.id, account.epoch, PASSWORD_AMR, occasion, service.lifetimes)
    async with service.database.transaction() as transaction:
        if keys.address is not None:
            await failures.forgive(transaction, keys.address)
        await failures.clear(transaction, keys.account)
        others = await sessions.settle_in(transaction, begun, attempt.held, occasion)
        if others is None:
            return Failed()
        if better_hash is not None:
            await users.replace_hash(transaction, account.id, account.password_hash, better_hash)
        if attempt.interaction_id is not None:
            await interactions.mark_login(transaction, attempt.interaction_id, begun.row.id, occasion.now)
        await audit.record(
            transaction,
            occasion.entry(Event.LOGIN_SUCCEEDED, user_id=account.id, subject_id=str(begun.row.id), amr="pwd"),
        )
    return SignedIn(account.id, begun.credential, others)


async def _record_failure(
    service: SignInService, keys: Keys, found: SignInAccount | None, attempt: Attempt
) -> datetime | None:
    """Return until when the account waits now.

    The audit row names an account that exists, never what was typed: people type passwords into the wrong field.
    """
    occasion = attempt.occasion
    entry = replace(occasion, actor=Actor("anonymous", "")).entry(
        Event.LOGIN_FAILED, user_id=found.id if found else None, subject_id=str(found.id) if found else ""
    )
    async with service.database.transaction() as transaction:
        waits_until = await limits.failed(transaction, keys, occasion.now, service.limits)
        await audit.record(transaction, entry)
    return waits_until
