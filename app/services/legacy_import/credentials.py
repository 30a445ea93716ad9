"""Standing consents, tokens and keys. The old strings go on working; here only their digests are kept."""

from datetime import timedelta

from pydantic import SecretStr

from app.protocol import origins
from app.protocol.events import Event
from app.protocol.facts import Origin
from app.protocol.legacy import lookup_digest, row_digest
from app.protocol.names import MAX_NAME_LENGTH
from app.services.legacy_import.rows import AuthorizationRow, KeyRow, TokenRow
from app.services.legacy_import.sources import consent_of
from app.services.legacy_import.task import Task
from app.store import audit, legacy
from app.store.legacy import Client, LiveRecord, Person
from app.store.legacy_credentials import Digests, NewLegacyFamily, NewLegacyKey, NewLegacyPersonalToken, NewLegacyToken


async def import_authorization(task: Task, row: AuthorizationRow, name: str) -> None:
    """Make a record of the effective scopes, or merge them into the one that stands here already."""
    parties = await _parties(task, "authorizations", name, row.user, row.application)
    if parties is None:
        return
    person, client = parties
    source = consent_of(person, client)
    if task.was_imported(source):
        return
    scopes = task.scopes_of(name, row.scope_list, row.scopes)
    now = task.here.operator.now
    record = await legacy.live_record(task.transaction, person.id, client.id)
    before = record.pairs if record else ()
    new = tuple(scope for scope in scopes if scope not in before)
    record_id = record.id if record else task.new_id()
    entry = task.here.operator.entry(
        Event.AUTHORIZATION_IMPORTED,
        subject_id=client.client_id,
        user_id=person.id,
        application_id=client.id,
        data={"before": list(before), "after": [*before, *new], "version": record.version + 1 if record else 1},
    )
    if record is None:
        granted_at = row.date_added or now
        await legacy.insert_record(
            task.transaction, record_id, person.id, client.id, scopes, granted_at=granted_at, last_change=entry.id
        )
    elif new:
        await legacy.add_pairs(task.transaction, record, new, now, entry.id)
    await audit.record(task.transaction, entry, authorization_id=record_id)
    task.done(source, record_id)


async def import_token(task: Task, row: TokenRow, name: str) -> None:
    """Keep a token working: an application's under its record and until its end, a personal one for itself."""
    digests = _digests_of(row.token)
    if task.was_imported(digests.lookup.hex()):
        return
    if row.application is None:
        await _import_personal(task, row, name, digests)
    else:
        await _import_granted(task, row, row.application, name, digests)


async def import_key(task: Task, row: KeyRow, name: str) -> None:
    """Keep an API key working for its organization."""
    digests = _digests_of(row.key)
    if task.was_imported(digests.lookup.hex()):
        return
    organization_id = await task.known.organization(task.transaction, row.organization)
    if organization_id is None:
        task.report.refuse("keys", name, "belongs to an organization nobody knows")
        return
    allowed = tuple(origin for origin in dict.fromkeys(row.allowed_origins) if origins.problem_with(origin) is None)
    if len(allowed) < len(set(row.allowed_origins)):
        task.report.note("keys", name, "lost allowed origins that are none")
    now = task.here.operator.now
    key = NewLegacyKey(
        id=task.new_id(),
        digests=digests,
        last_four=_last_four(row.key),
        organization_id=organization_id,
        label=row.label[:MAX_NAME_LENGTH] or "Default",
        scopes=task.scopes_of(name, row.scope_list, row.scopes),
        allowed_origins=allowed,
        active=row.status == 0,
        created_at=row.date_added or now,
        now=now,
    )
    task.additions.keys.append(key)
    entry = task.here.operator.entry(
        Event.API_KEY_CREATED,
        subject_id=str(key.id),
        organization_id=organization_id,
        data={"after": {"label": key.label, "scopes": list(key.scopes), "last_four": key.last_four}},
    )
    task.additions.audit.append(entry)
    task.done(digests.lookup.hex(), key.id)


async def _import_personal(task: Task, row: TokenRow, name: str, digests: Digests) -> None:
    person = await task.known.user(task.transaction, row.user)
    now = task.here.operator.now
    if (why := _no_bearer(person)) or person is None:
        task.report.refuse("tokens", name, why)
        return
    if row.expires_at is not None and row.expires_at <= now:
        task.report.refuse("tokens", name, "has expired")
        return
    token = NewLegacyPersonalToken(
        id=task.new_id(),
        digests=digests,
        last_four=_last_four(row.token),
        person=person,
        name="Imported",
        scopes=task.scopes_of(name, row.scope_list, row.scopes),
        expires_at=row.expires_at,
        created_at=row.date_added or now,
    )
    task.additions.personal_tokens.append(token)
    entry = task.here.operator.entry(
        Event.PERSONAL_TOKEN_CREATED,
        subject_id=str(token.id),
        user_id=person.id,
        data={"after": {"name": token.name, "scopes": list(token.scopes), "last_four": token.last_four}},
    )
    task.additions.audit.append(entry)
    task.done(digests.lookup.hex(), token.id)


async def _import_granted(task: Task, row: TokenRow, application: str, name: str, digests: Digests) -> None:
    parties = await _parties(task, "tokens", name, row.user, application)
    if parties is None:
        return
    person, client = parties
    record = await task.live_record(person, client)
    if why := _no_bearer(person) or _no_client(client) or _no_consent(record):
        task.report.refuse("tokens", name, why)
        return
    now = task.here.operator.now
    lifetimes = task.here.lifetimes
    expires_at = row.expires_at or now + lifetimes.refresh_token_absolute
    alive = expires_at > now
    if not alive and row.refresh_token is None:
        task.report.refuse("tokens", name, "has expired")
        return
    origin = _origin(task, row, name, person, client, record)
    family_id = None
    if row.refresh_token is not None:
        family_id = task.new_id()
        idle = min(lifetimes.refresh_token_idle, lifetimes.refresh_token_absolute)
        task.additions.families.append(
            NewLegacyFamily(
                id=family_id,
                digests=_digests_of(row.refresh_token),
                key_version=task.here.key_version,
                origin=origin,
                auth_time=row.date_added or now,
                now=now,
                idle_expires_at=now + idle,
                expires_at=now + lifetimes.refresh_token_absolute,
            )
        )
    token_id = task.new_id()
    if alive:
        issued_at = min(row.date_added or now, now, expires_at - timedelta(seconds=1))
        task.additions.tokens.append(NewLegacyToken(token_id, digests, family_id, origin, issued_at, expires_at))
    task.done(digests.lookup.hex(), token_id if alive or family_id is None else family_id)


def _origin(task: Task, row: TokenRow, name: str, person: Person, client: Client, record: LiveRecord | None) -> Origin:
    if record is None:
        raise ValueError("a token needs a record to stand on")
    return Origin(
        application_id=client.id,
        user_id=person.id,
        record_id=record.id,
        record_version=record.version,
        user_epoch=person.epoch,
        application_epoch=client.epoch,
        scopes=task.scopes_of(name, row.scope_list, row.scopes),
    )


async def _parties(task: Task, kind: str, name: str, user: str, application: str) -> tuple[Person, Client] | None:
    person = await task.known.user(task.transaction, user)
    client = await task.known.application(task.transaction, application)
    if person is None or client is None:
        task.report.refuse(kind, name, f"names {'a user' if person is None else 'an application'} nobody knows")
        return None
    return person, client


def _no_bearer(person: Person | None) -> str:
    if person is None:
        return "names a user nobody knows"
    return "" if person.active else "belongs to a user who is switched off"


def _no_client(client: Client) -> str:
    return "" if client.active else "belongs to an application that is switched off"


def _no_consent(record: LiveRecord | None) -> str:
    """BUG 11: over there a token could outlive the consent that it came from."""
    return "" if record is not None else "has no consent behind it"


def _digests_of(secret: SecretStr) -> Digests:
    text = secret.get_secret_value()
    return Digests(lookup_digest(text), row_digest(text))


def _last_four(secret: SecretStr) -> str:
    return secret.get_secret_value()[-4:]
