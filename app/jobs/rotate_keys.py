"""Rotate the signing keys: the next one is published ahead, takes over in time, and the one before goes when it may."""

from datetime import datetime
from functools import partial

import structlog

from app.jobs.work import Work
from app.services.signing_keys import KeyKeeper, audit_of_key
from app.store.orders import Actor

_SERVER = Actor("server", "rotate_keys")

log = structlog.get_logger()


async def rotate_keys(work: Work, now: datetime) -> None:
    """Do what is due in the ring (JW-3); any number of servers may do it at once."""
    keeper = KeyKeeper(work.database, work.vault, work.signing)
    changes = await keeper.keep(now, partial(audit_of_key, now, _SERVER))
    for made in changes.make:
        log.info("job.signing_key_made", kid=made.kid, alg=made.alg, active_from=made.active_from.isoformat())
    for kid in changes.remove:
        log.info("job.signing_key_removed", kid=kid)
