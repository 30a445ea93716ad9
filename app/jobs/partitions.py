"""Keep partitions ahead of the clock, and drop those whose rows are all dead."""

from datetime import datetime

import structlog

from app.jobs.work import Work
from app.store import partitions

log = structlog.get_logger()


async def keep_partitions(work: Work, now: datetime) -> None:
    """Make partitions ahead; drop old ones where this process knows the owner's way to the database."""
    await partitions.ensure_ahead(work.database, now)
    if work.database.owner_url is not None:
        dropped = await partitions.drop_expired(work.database.owner_url, now)
        if dropped:
            log.info("job.dropped", partitions=dropped)
