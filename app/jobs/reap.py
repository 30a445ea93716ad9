"""Remove the applications that introduced themselves and that nothing speaks for any more (DR-13, CI-16).

One that never got a token goes after `registration.unused_after`. One that got some goes when nobody has allowed it
anything, and it was given nothing, for as long as a refresh token can live. As long as anybody allows it something it
stays; but where a document alone says who the application is, what people allowed ends when nobody has used it for that
long: by then somebody else may have the domain.
"""

from datetime import datetime
from functools import partial

import structlog

from app.jobs.work import Work
from app.protocol.events import Event
from app.services.connections import NOT_USED
from app.services.occasion import Occasion
from app.store import reaping
from app.store.orders import Actor, AuditEntry
from app.store.reaping import START, Dead, Lapsed, Place, Reaped

BATCH = 500
"""Applications, or records, of one transaction: it stays short, however many there are."""

_SERVER = Actor("server", "reaper")

log = structlog.get_logger()


async def reap(work: Work, now: datetime) -> None:
    """End what nobody uses of clients that are known by a document, then remove what is dead; batch by batch."""
    unused_since = now - work.lifetimes.refresh_token_absolute
    lapse = partial(_lapsed, now)
    ended = BATCH
    while ended == BATCH:
        ended = await reaping.end_unused_records(work.database, unused_since, now, limit=BATCH, entry_of=lapse)
    dead = Dead(registered_before=now - work.unused_after, unused_since=unused_since, now=now, named=work.apis)
    removed, tell = 0, partial(_reaped, now)
    place: Place | None = START
    while place is not None:
        count, place = await reaping.reap(work.database, dead, place, limit=BATCH, entry_of=tell)
        removed += count
    if removed:
        log.info("job.reaped", applications=removed)


def _reaped(now: datetime, gone: Reaped) -> AuditEntry:
    """Return the audit row that remembers a removed application: it is all that is left of it."""
    before: dict[str, object] = {"client_name": gone.name, "registered_at": gone.created_at}
    if gone.address:
        before["registered_from"] = gone.address
    if gone.request_id:
        before["registered_by_request"] = gone.request_id
    if gone.last_used_at is not None:
        before["last_used_at"] = gone.last_used_at
    return Occasion(now, request_id="", address="", actor=_SERVER).entry(
        Event.APPLICATION_REAPED,
        user_id=None,
        application_id=gone.id,
        subject_id=gone.client_id,
        before=before,
        after={},
    )


def _lapsed(now: datetime, record: Lapsed) -> AuditEntry:
    """Return the audit row by which a person finds out why an application asks again."""
    return Occasion(now, request_id="", address="", actor=_SERVER).entry(
        Event.AUTHORIZATION_REVOKED,
        user_id=record.user_id,
        application_id=record.application_id,
        subject_id=record.client_id,
        reason=NOT_USED,
        name=record.name,
        before=record.pairs,
        after=[],
        version=record.version + 1,
    )
