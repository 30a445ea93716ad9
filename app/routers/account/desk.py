"""Connections as the desk shows them: words for permissions, acts for the history."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.pipeline.server import Server
from app.protocol import client_documents, consent, details, introductions, redirect_uri
from app.protocol.configuration import DocumentRules
from app.protocol.events import Event
from app.protocol.grant_types import ciba, device_code
from app.protocol.liveness import is_scope, split_pair
from app.protocol.scopes import ScopeKind
from app.protocol.vocabulary import Vocabulary
from app.routers.pages import detail_lines
from app.services.connections import APPLICATION_DELETED, ENDED_BY_PERSON, NARROWED, NOT_USED, Connection, Ended
from app.store.records import Record
from app.store.trail import TrailEntry
from app.store.usage import LiveFamily
from app.views import devices
from app.views.pages.account import (
    ConnectedApplication,
    EndedApplication,
    HeldGroup,
    HeldPermission,
    HistoryAct,
    HistoryEntry,
    SignedInPlace,
)
from app.views.pages.consent import Lifetime
from app.views.pages.identity import Application

UNUSED_AFTER = timedelta(days=180)
"""An application that nobody has used for so long is worth a look."""


def line_of(server: Server, connection: Connection, now: datetime) -> ConnectedApplication:
    """Return one line of the list."""
    record = connection.record
    kinds = [_kind(server.vocabulary, pair.pair) for pair in record.pairs]
    return ConnectedApplication(
        id=str(record.id),
        application=application_of(record, server.client_documents.rules),
        sees=kinds.count("see"),
        changes=kinds.count("change"),
        manages=kinds.count("manage"),
        connected=record.created_at,
        last_used=connection.last_used,
        unused=now - (connection.last_used or record.updated_at) > UNUSED_AFTER,
        beside=record.beside,
        several=record.several,
    )


def application_of(record: Record, documents: DocumentRules) -> Application:
    """Return the application as pages introduce it; the host is that of its registered addresses, beside that of its
    document, if it is known by one. By `documents` the operator may answer for that."""
    by_host = client_documents.is_vouched(record.client_id, documents, self_registered=record.self_registered)
    vouched = record.vouched_for or by_host
    return Application(
        name=record.application_name,
        host=redirect_uri.known_host(record.redirect_uris, vouched=vouched),
        owner=record.owner_name,
        verified=vouched,
        self_registered=record.self_registered,
        described_at=introductions.described_at(record.client_id, self_registered=record.self_registered),
    )


def groups_of(server: Server, record: Record) -> tuple[HeldGroup, ...]:
    """Return the permissions by resource; those without one stand first, under the service's name."""
    by_resource: dict[str, list[HeldPermission]] = {}
    for held in sorted(record.pairs, key=lambda one: split_pair(one.pair)[1] != ""):
        scope, resource = split_pair(held.pair)
        place = detail_lines.place_of(held.content, server.resources.current) if held.content else resource
        by_resource.setdefault(place, []).append(
            HeldPermission(
                scope=scope,
                resource=resource,
                title=_title(server.vocabulary, held.pair),
                kind=_kind(server.vocabulary, held.pair),
                first_allowed=held.first_granted,
                last_allowed=held.last_granted,
                claim=not is_scope(scope),
                facts=detail_lines.facts_of(server, held.content) if held.content else (),
            )
        )
    return tuple(
        HeldGroup(
            name=resource or server.views.service_name,
            permissions=tuple(permissions),
            host=redirect_uri.display_host(resource) if resource else "",
        )
        for resource, permissions in by_resource.items()
    )


async def lifetime_of(server: Server, record: Record) -> Lifetime:
    """Return how long the application's access lasts, by its own policy while it is active."""
    client = await server.database.hot.gather_client(record.client_id)
    lifetimes = server.policy.lifetimes
    access, idle = lifetimes.access_token, lifetimes.refresh_token_idle
    if client is not None:
        policy = server.policy_for(client)
        access, idle = policy.access_token, policy.refresh_token_idle
    return Lifetime(
        offline="refresh_token" in record.grant_types,
        with_session={ciba.NAME, device_code.NAME}.isdisjoint(record.grant_types)
        and consent.ends_with_session(split_pair(held.pair)[0] for held in record.pairs),
        access_seconds=int(access.total_seconds()),
        idle_seconds=int(idle.total_seconds()),
    )


def ended_of(ended: Ended) -> EndedApplication:
    """Return one line of what was disconnected earlier; nobody checks an application that is gone, hence its word."""
    application = Application(name=ended.name, host=ended.host, verified=ended.checked)
    return EndedApplication(id=str(ended.record_id), application=application, ended=ended.ended_at)


def place_of(family: LiveFamily) -> SignedInPlace:
    """Return one place where an application is signed in, by the sign-in that it came from."""
    forgotten = not family.user_agent and family.signed_in is None
    return SignedInPlace(
        id=str(family.id),
        begun=family.begun,
        last_used=family.last_used,
        signed_in=family.signed_in,
        address=family.address,
        program="A sign-in that is forgotten" if forgotten else devices.device_words(family.user_agent),
        phone=devices.is_phone(family.user_agent),
    )


def timeline_of(vocabulary: Vocabulary, entries: Iterable[TrailEntry], user_id: UUID) -> tuple[HistoryEntry, ...]:
    """Return the acts of the history as the person of the record reads them, newest first."""
    return tuple(act for entry in entries if (act := _act(vocabulary, entry, user_id)) is not None)


def removed_words(vocabulary: Vocabulary, entries: Sequence[TrailEntry], pair: str) -> str:
    """Return the words of a permission if taking it away is the latest act of the history, else nothing."""
    if not entries or entries[0].event != NARROWED or pair not in _strings(entries[0].data, "removed"):
        return ""
    return words_of(vocabulary, pair)


def has_just_ended(entries: Sequence[TrailEntry], family: str) -> bool:
    """Tell whether ending this sign-in is the latest act of the history."""
    return bool(entries) and entries[0].event == Event.FAMILY_REVOKED and entries[0].subject_id == family


def words_of(vocabulary: Vocabulary, pair: str) -> str:
    """Return the title of a permission, or its technical name when there are no words for it."""
    return _title(vocabulary, pair) or split_pair(pair)[0]


def _act(vocabulary: Vocabulary, entry: TrailEntry, user_id: UUID) -> HistoryEntry | None:
    before, after = _strings(entry.data, "before"), _strings(entry.data, "after")
    said = _details(vocabulary, entry)
    given = _words(vocabulary, [pair for pair in after if pair not in before], said)
    taken = _words(vocabulary, [pair for pair in before if pair not in after], said)
    kind, about = _kind_of_act(entry, given, taken)
    if kind == "confirmed" and said:
        kind, about = "approved", tuple(vocabulary.details.words(content) for content in entry.data["details"])
    if kind is None:
        return None
    himself = entry.actor_kind == "user" and entry.actor_id == str(user_id)
    return HistoryEntry(
        act=kind,
        at=entry.at,
        permissions=about,
        by="" if himself else "The operator",
        request_id=entry.request_id,
        before=_words(vocabulary, before),
        after=_words(vocabulary, after),
    )


def _kind_of_act(
    entry: TrailEntry, given: tuple[str, ...], taken: tuple[str, ...]
) -> tuple[HistoryAct | None, tuple[str, ...]]:
    """Return what kind of act an entry tells, and the words of what it was about."""
    reason = entry.data.get("reason")
    match entry.event:
        case Event.AUTHORIZATION_REVOKED:
            if entry.actor_kind == "application":
                return "given_up", taken
            by_itself: dict[object, HistoryAct] = {APPLICATION_DELETED: "deleted", NOT_USED: "lapsed"}
            return by_itself.get(reason, "disconnected"), taken
        case Event.CODE_REPLAYED:
            return "revoked", ()
        case Event.FAMILY_REVOKED:
            by_reason: dict[object, HistoryAct] = {ENDED_BY_PERSON: "ended", "refresh_token_reused": "stolen"}
            return by_reason.get(reason, "left"), ()
        case Event.AUTHORIZATION_IMPORTED:
            return "imported", given
    if entry.event == Event.AUTHORIZATION_GRANTED and taken:
        return "replaced", given
    if taken:
        return "removed", taken
    if entry.data.get("version") == 1 and not entry.data.get("before"):
        return "connected", given
    if given:
        return "allowed", given
    return ("confirmed" if entry.data.get("on_page") == "yes" else None), ()


def _words(vocabulary: Vocabulary, pairs: Iterable[str], said: Mapping[str, str] = {}) -> tuple[str, ...]:
    return tuple(said.get(pair) or words_of(vocabulary, pair) for pair in pairs)


def _details(vocabulary: Vocabulary, entry: TrailEntry) -> dict[str, str]:
    """Return the words of the objects that an act was about, by whatever a record calls them."""
    found: dict[str, str] = {}
    for content in entry.data.get("details") or ():
        words = vocabulary.details.words(content)
        for name in details.names_of(content):
            found[name] = f"{found[name]}; {words}" if name in found else words
    return found


def _strings(data: dict[str, Any], name: str) -> list[str]:
    return [value for value in data.get(name) or () if isinstance(value, str)]


def _title(vocabulary: Vocabulary, pair: str) -> str:
    known = vocabulary.get(split_pair(pair)[0])
    return known.title if known else ""


def _kind(vocabulary: Vocabulary, pair: str) -> ScopeKind:
    known = vocabulary.get(split_pair(pair)[0])
    return known.kind if known else "see"
