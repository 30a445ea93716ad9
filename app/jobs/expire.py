"""Remove what has expired for good. What is dead is refused everywhere already; this only gives the room back."""

from datetime import datetime, timedelta

import structlog

from app.jobs.work import Work
from app.protocol.policy import Lifetimes
from app.store import expiry, idempotency, legacy_credentials, logout_deliveries
from app.store.expiry import Expiring

_MARGIN = timedelta(days=1)
"""Dead rows stay this long, so that an operator who looks into yesterday's trouble still finds them."""

_LINKS = timedelta(days=1)

_REMEMBERED = timedelta(days=1)
"""How long an `Idempotency-Key` counts."""

_TOLD = timedelta(days=30)
"""How long an operator can look up which applications were told of which logout."""

_SLICE = 1_000
"""Rows that one transaction removes where their ids tell nothing of their ends."""

log = structlog.get_logger()


async def expire(work: Work, now: datetime) -> None:
    """Delete expired rows of every kind, in slices of their time-ordered ids."""
    for kind, lifetime in _lifetimes(work.lifetimes).items():
        removed = await expiry.remove(work.database, kind, born_before=now - lifetime - _MARGIN, now=now)
        if removed:
            log.info("job.expired", kind=kind.value, rows=removed)
    await expiry.forget_failures(work.database, quiet_since=now - _MARGIN, now=now)
    await idempotency.forget(work.database, spent_before=now - _REMEMBERED)
    while await expiry.forget_revoked_tokens(work.database, expired_before=now - _MARGIN, limit=_SLICE) == _SLICE:
        pass
    while await logout_deliveries.forget(work.database, made_before=now - _TOLD, limit=_SLICE) == _SLICE:
        pass
    begun_before = now - work.lifetimes.session_absolute - _MARGIN
    while await expiry.forget_session_applications(work.database, begun_before=begun_before, limit=_SLICE) == _SLICE:
        pass
    while await legacy_credentials.remove_expired(work.database, expired_before=now - _MARGIN, limit=_SLICE) == _SLICE:
        pass


def _lifetimes(lifetimes: Lifetimes) -> dict[Expiring, timedelta]:
    return {
        Expiring.INTERACTIONS: lifetimes.interaction,
        Expiring.CODES: lifetimes.authorization_code,
        Expiring.DEVICE_CODES: lifetimes.device_code,
        Expiring.BACKCHANNEL_REQUESTS: lifetimes.backchannel_request,
        Expiring.PUSHED_REQUESTS: lifetimes.pushed_request,
        Expiring.SESSIONS: lifetimes.session_absolute,
        Expiring.FAMILIES: lifetimes.refresh_token_absolute,
        Expiring.LINKS: _LINKS,
    }
