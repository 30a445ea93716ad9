"""Delete the applications whose time to be restored is over. They have been refused everywhere since it was asked."""

from datetime import datetime
from functools import partial

import structlog

from app.jobs.work import Work
from app.protocol.events import Event
from app.services.connections import APPLICATION_DELETED
from app.services.occasion import Occasion
from app.store import deletions
from app.store.deletions import Leaving, LostRecord
from app.store.orders import Actor, AuditEntry

BATCH = 1_000
"""Records of one transaction: it stays short, however many people have connected the application."""

_SERVER = Actor("server", "deletions")

log = structlog.get_logger()


async def delete_applications(work: Work, now: datetime) -> None:
    """Delete what is due, and go on with what an earlier run left half done."""
    for leaving in await deletions.due(work.database, now):
        if not await deletions.begin(work.database, leaving.id, now):
            continue
        tell = partial(_lost, now, leaving)
        while await deletions.remove_authorizations(work.database, leaving.id, limit=BATCH, entry_of=tell):
            pass
        entry = Occasion(now, request_id="", address="", actor=_SERVER).entry(
            Event.APPLICATION_DELETED,
            user_id=leaving.owner_user_id,
            organization_id=leaving.owner_organization_id,
            application_id=leaving.id,
            subject_id=leaving.client_id,
            before={"client_name": leaving.name, "status": "pending_deletion"},
            after={"status": "deletion_in_progress"},
        )
        if await deletions.wipe(work.database, leaving.id, now, entry):
            log.info("job.deleted_application", client_id=leaving.client_id)


def _lost(now: datetime, leaving: Leaving, record: LostRecord) -> AuditEntry:
    """Return the audit row by which a person finds out that what he had connected was deleted."""
    return Occasion(now, request_id="", address="", actor=_SERVER).entry(
        Event.AUTHORIZATION_REVOKED,
        user_id=record.user_id,
        application_id=leaving.id,
        subject_id=leaving.client_id,
        reason=APPLICATION_DELETED,
        name=leaving.name,
        before=record.pairs,
        after=[],
        version=record.version,
    )
