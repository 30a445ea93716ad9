"""Say of each application what its name looks like, where no server has said so yet: of those that an earlier version
has registered or renamed."""

from datetime import datetime

import structlog

from app.jobs.work import Work
from app.store import look_alikes

_SLICE = 500
"""Rows that one transaction writes."""

log = structlog.get_logger()


async def make_name_skeletons(work: Work, now: datetime) -> None:
    """Fill in what is missing, slice by slice."""
    made = 0
    while some := await look_alikes.fill(work.database, limit=_SLICE):
        made += some
    if made:
        log.info("job.names_compared", rows=made)
