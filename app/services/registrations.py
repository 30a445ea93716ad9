"""Applications that register themselves, and manage what they registered (RFC 7591, RFC 7592).

What they may be has been judged by `protocol.registration`. Each deed is done in one transaction, with its audit row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.crypto.envelope import Vault
from app.crypto.hashing import digest, matches
from app.crypto.secrets import new_id, random_bytes
from app.protocol import profiles
from app.protocol.authorization_header import Challenged
from app.protocol.client_auth import SECRET_METHODS, client_secret_jwt
from app.protocol.client_metadata import ClientMetadata
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.events import Event
from app.protocol.policy import ApplicationPolicy
from app.protocol.registration import PERMITTED_BY, STATEMENT, is_own
from app.protocol.token_format import Credential, Prefix, format_credential
from app.services import application_history as history
from app.services import applications, client_secrets
from app.services.application_settings import Unacceptable, acts_for_more, check_sector, presents_itself_anew
from app.services.applications import NotPossible
from app.services.occasion import Occasion
from app.services.sector_lists import SectorList
from app.store import application_states, audit, registrations
from app.store import applications as store
from app.store.applications import Description, StoredApplication
from app.store.database import Database
from app.store.orders import Actor
from app.store.registrations import StoredPermission
from app.store.transaction import Transaction

_BINDINGS = ("dpop_bound", "tls_bound")
"""Members of the policy that an application says itself."""


class NotPermitted(OAuthError):
    """The token counts, and its application may not use it now: 403 (DM-3)."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.ACCESS_DENIED, "the application is switched off; ask the operator of this server")


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants an application to be: its metadata as it was judged, the software statement that was part of
    it, and what stands at its `sector_identifier_uri`, if anybody has looked."""

    metadata: ClientMetadata
    statement: str | None = field(default=None, repr=False)
    listed: SectorList | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """An application as it is now, and the secret that it has got by this, if any: shown this once."""

    application: StoredApplication
    client_secret: str | None = field(default=None, repr=False)


async def permission_of(database: Database, credential: Credential | None, occasion: Occasion) -> StoredPermission:
    """Return the initial access token that was shown; raises `Challenged` (DR-2)."""
    if credential is not None:
        async with database.transaction() as transaction:
            found = await registrations.find_permission(transaction, credential.id, occasion.now)
        if found is not None and matches(found.digest, digest(credential.secret)):
            return found
    raise _used_up()


async def register(
    database: Database,
    wish: Wish,
    occasion: Occasion,
    *,
    permission: StoredPermission | None = None,
    vault: Vault | None = None,
) -> tuple[Registered, str]:
    """Register an application; also return the token by which it can manage its registration.

    One use of the `permission` is spent by the same transaction: whoever comes too late gets `Challenged`. Raises
    `invalid_client_metadata`.
    """
    description = _described(wish, further={} if permission is None else {PERMITTED_BY: str(permission.id)})
    _check(None, description, wish.listed)
    # Random, and never the beginning of an address: whose client_id is his metadata document cannot meet one (DR-14).
    client_id, application_id = applications.new_client_id(), new_id(occasion.now)
    has_secret = description.auth_method in SECRET_METHODS
    secret = client_secrets.new_client_secret(occasion.now) if has_secret else None
    management = Credential(application_id, random_bytes())
    async with database.transaction() as transaction:
        if permission is not None and not await registrations.use_permission(transaction, permission.id, occasion.now):
            raise _used_up()
        await store.insert_application(
            *(transaction, application_id, client_id, description, _digests(secret), occasion.now),
            last_four=_last_four(secret),
            sealed=_sealed(vault, management, description, secret),
            registration_digest=digest(management.secret),
        )
        made = await _found(transaction, client_id)
        with_token = {} if permission is None else {"initial_token": str(permission.id)}
        await _write_down(
            transaction, made, occasion, Event.APPLICATION_REGISTERED, after=history.members(description), **with_token
        )
    return Registered(made, secret), format_credential(Prefix.REGISTRATION, management)


async def find(database: Database, client_id: str, credential: Credential) -> StoredApplication:
    """Return the application whose registration token was shown (DM-2); raises `Challenged` and `NotPermitted`."""
    async with database.transaction() as transaction:
        return await _managed(transaction, client_id, credential)


async def replace_registration(
    database: Database,
    client_id: str,
    credential: Credential,
    wish: Wish,
    occasion: Occasion,
    *,
    vault: Vault | None = None,
) -> Registered:
    """Make an application what it wants to be from now on: what it leaves out is gone (DM-4).

    Where the new method needs a secret that the old one has none of, there is one in the answer. Whether it can keep a
    secret at all stays, and so does what it knows people by (ID-7). What an operator has checked lapses when it
    presents itself anew, or may do more by itself. Raises `invalid_client_metadata`, `Challenged`, `NotPermitted`.
    """
    async with database.transaction() as transaction:
        own = await _managed(transaction, client_id, credential, lock=True)
        before = own.description
        after = _described_anew(before, wish)
        if (after.auth_method == "none") != (before.auth_method == "none"):
            raise _unacceptable(
                "token_endpoint_auth_method cannot change between none and the others; register another application"
            )
        _check(before, after, wish.listed)
        secret = client_secrets.new_client_secret(occasion.now) if _needs_secret(before, after) else None
        drops = after.auth_method not in SECRET_METHODS and bool(own.secret_digests)
        if after == before and secret is None:
            return Registered(own)
        lapses = own.verified and (presents_itself_anew(before, after) or acts_for_more(before, after))
        await store.change(
            *(transaction, own.id, occasion.now, after, _digests(secret) if drops or secret is not None else None),
            last_four=_last_four(secret),
            sealed=_sealed(vault, credential, after, secret),
            uncheck=lapses,
        )
        changed = await _found(transaction, client_id)
        await _write_down(
            transaction, changed, occasion, Event.APPLICATION_CHANGED, **history.difference(before, after)
        )
        if lapses:
            lapsed = {"before": {"checked": True}, "after": {"checked": False}}
            await _write_down(transaction, changed, occasion, Event.APPLICATION_UNCHECKED, **lapsed)
    return Registered(changed, secret)


async def remove(database: Database, client_id: str, credential: Credential, occasion: Occasion) -> None:
    """End an application for good: it, its token, its secrets, and every grant and token that it has (DM-5).

    All of it is dead at once, for its epoch rises; what is left of it is removed as after every other deletion, of
    which there is no return here. Raises `Challenged` and `NotPermitted`.
    """
    async with database.transaction() as transaction:
        own = await _managed(transaction, client_id, credential, lock=True)
        await application_states.mark_for_deletion(transaction, own.id, occasion.now, occasion.now)
        await registrations.forget_management(transaction, own.id)
        moved = history.moved(own, await store.find(transaction, client_id))
        await _write_down(transaction, own, occasion, Event.APPLICATION_DELETION_ASKED, reason="by_itself", **moved)


def _described(wish: Wish, *, further: Mapping[str, Any], sector: str = "") -> Description:
    """Return what the store keeps of it; `further` are members of ours to keep beside what it says."""
    stated = {STATEMENT: wish.statement} if wish.statement is not None else {}
    try:
        return applications.describe(wish.metadata, ApplicationPolicy(), further={**further, **stated}, sector=sector)
    except NotPossible as impossible:
        raise _unacceptable(f"the application {impossible}") from None


def _described_anew(before: Description, wish: Wish) -> Description:
    """Return an application as it wants to be, with what somebody here has decided about it, which is not its own to
    say: the name that it was given, its profile, its policy."""
    ours = {name: value for name, value in before.registration.items() if name != STATEMENT and not is_own(name)}
    after = _described(wish, further=ours, sector=before.openid.get("sector", ""))
    if (problem := profiles.problem_with(ours.get("profile", profiles.DEFAULT), wish.metadata)) is not None:
        raise _unacceptable(problem)
    named = wish.metadata.client_name or before.registration.get("client_name")
    return replace(
        after,
        name=after.name if named else before.name,
        policy={name: value for name, value in before.policy.items() if name not in _BINDINGS}
        | {name: after.policy[name] for name in _BINDINGS if name in after.policy},
        optional_scopes=tuple(name for name in before.optional_scopes if after.scopes is None or name in after.scopes),
        allowed_origins=before.allowed_origins,
        unmet=before.unmet,
    )


def _check(before: Description | None, after: Description, listed: SectorList | None) -> None:
    """DR-10, and that nobody becomes another one to his application."""
    if before is not None and (problem := applications.problem_with_subjects(before, after)) is not None:
        raise _unacceptable(f"subject_type {problem}")
    try:
        check_sector(before, after, listed)
    except Unacceptable as refused:
        raise _unacceptable(str(refused)) from None


def _needs_secret(before: Description, after: Description) -> bool:
    """Tell whether the new method needs a secret that is not there: kept as a digest, none can become a key."""
    if after.auth_method not in SECRET_METHODS:
        return False
    becomes_key = after.auth_method == client_secret_jwt.NAME != before.auth_method
    return becomes_key or before.auth_method not in SECRET_METHODS


async def _managed(
    transaction: Transaction, client_id: str, credential: Credential, *, lock: bool = False
) -> StoredApplication:
    """DM-3: whether there is no such application, or the token is another one's, is told nobody."""
    found = await store.find(transaction, client_id, lock=lock)
    genuine = matches(digest(credential.secret), (found and found.registration_digest) or b"")
    if found is None or not genuine or credential.id != found.id:
        raise not_managed()
    if found.status in ("pending_deletion", "deletion_in_progress"):
        raise not_managed()
    if found.status != "active":
        raise NotPermitted
    return found


def not_managed() -> Challenged:
    """Return the refusal of a token that manages nothing here."""
    return Challenged(ErrorCode.INVALID_TOKEN, "the registration access token does not count for this client_id")


def _used_up() -> Challenged:
    return Challenged(
        ErrorCode.INVALID_TOKEN, "the initial access token is unknown, used up, expired or was taken back"
    )


def _unacceptable(description: str) -> OAuthError:
    return OAuthError(ErrorCode.INVALID_CLIENT_METADATA, description)


def _digests(secret: str | None) -> tuple[bytes, ...]:
    return () if secret is None else (client_secrets.secret_digest(secret),)


def _last_four(secret: str | None) -> str:
    return "" if secret is None else client_secrets.last_four(secret)


def _sealed(vault: Vault | None, application: Credential, description: Description, secret: str | None) -> bytes | None:
    return None if secret is None else applications.sealed_secret(vault, application.id, description, secret)


async def _found(transaction: Transaction, client_id: str) -> StoredApplication:
    found = await store.find(transaction, client_id)
    if found is None:
        raise LookupError("it was there a moment ago, in this transaction")
    return found


async def _write_down(
    transaction: Transaction, application: StoredApplication, occasion: Occasion, event: Event, **data: Any
) -> None:
    """Add the audit row of what an application did with its own registration."""
    actor = Actor("application", application.client_id, application.description.name)
    entry = replace(occasion, actor=actor).entry(
        event, user_id=None, application_id=application.id, subject_id=application.client_id, **data
    )
    await audit.record(transaction, entry)
