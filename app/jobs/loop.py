"""The one loop that runs every job in turn; of all the processes on a database, one does each piece of work.

A job has one row that says when it is due. Whoever moves that moment forward has the job; the others see it moved and
sleep. A process that dies with a job in hand costs one period: every job can be done again, and by two at once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from app.jobs.deletions import delete_applications
from app.jobs.expire import expire
from app.jobs.name_skeletons import make_name_skeletons
from app.jobs.partitions import keep_partitions
from app.jobs.reap import reap
from app.jobs.rotate_keys import rotate_keys
from app.jobs.work import Work
from app.store import due

_LOOK_EVERY = 15.0
"""Seconds between looks at what is due; a look costs one statement a job."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of recurring work. `name` is its row in the database, so it never changes."""

    name: str
    every: timedelta
    run: Callable[[Work, datetime], Awaitable[None]]


JOBS: tuple[Job, ...] = (
    Job("partitions", timedelta(minutes=10), keep_partitions),
    Job("expire", timedelta(minutes=5), expire),
    Job("deletions", timedelta(minutes=1), delete_applications),
    Job("reap", timedelta(minutes=10), reap),
    Job("rotate_keys", timedelta(minutes=10), rotate_keys),
    Job("name_skeletons", timedelta(minutes=1), make_name_skeletons),
)


async def run_jobs(work: Work, *, jobs: tuple[Job, ...] = JOBS, look_every: float = _LOOK_EVERY) -> None:
    """Run what is due until cancelled. A job that fails is logged and comes again after its period."""
    while True:
        for job in jobs:
            await run_if_due(work, job)
        await asyncio.sleep(look_every)


async def run_if_due(work: Work, job: Job) -> bool:
    """Do the job when it is due and nobody else has taken it; returns whether this process had it."""
    now = work.clock()
    try:
        if not await due.take(work.database, job.name, now, now + job.every):
            return False
        await job.run(work, now)
    except Exception:
        log.exception("job.failed", job=job.name)
    return True
