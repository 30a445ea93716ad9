"""Recurring work: due once per period, on one of all the processes, and none the worse for a failure."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from app.jobs.loop import JOBS, Job, run_if_due, run_jobs
from app.jobs.work import Work
from app.protocol.policy import Lifetimes
from app.store import partitions
from app.store.database import Database
from tests.support.site import VAULT

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
PERIOD = timedelta(minutes=5)


@dataclass(slots=True)
class Diary:
    """A job that writes down when it ran."""

    runs: list[datetime] = field(default_factory=list)
    troubles: int = 0
    thrice: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, work: Work, now: datetime) -> None:
        self.runs.append(now)
        if len(self.runs) == 3:
            self.thrice.set()
        if self.troubles:
            self.troubles -= 1
            raise RuntimeError("something is in the way")


def _at(database: Database, moment: datetime) -> Work:
    return Work(database, Lifetimes(), lambda: moment, VAULT)


def _next(ticks: Iterator[int]) -> datetime:
    return NOON + next(ticks) * PERIOD


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest.fixture
def job(request: pytest.FixtureRequest, diary: Diary) -> Job:
    return Job(request.node.name[:60], PERIOD, diary.run)


async def test_a_job_runs_once_in_a_period(database: Database, job: Job, diary: Diary) -> None:
    for seconds in (0, 1, 299, 300, 301, 700):
        await run_if_due(_at(database, NOON + timedelta(seconds=seconds)), job)

    assert diary.runs == [NOON, NOON + PERIOD, NOON + timedelta(seconds=700)]


async def test_of_many_at_once_one_has_it(database: Database, job: Job, diary: Diary) -> None:
    had = await asyncio.gather(*(run_if_due(_at(database, NOON), job) for _ in range(20)))

    assert sum(had) == 1
    assert diary.runs == [NOON]


async def test_a_failure_is_over_with_the_next_period(database: Database, job: Job, diary: Diary) -> None:
    diary.troubles = 1

    assert await run_if_due(_at(database, NOON), job)
    assert await run_if_due(_at(database, NOON + PERIOD), job)

    assert len(diary.runs) == 2


async def test_the_loop_goes_on_until_it_is_cancelled(database: Database, job: Job, diary: Diary) -> None:
    ticks = iter(range(1_000_000))
    clock = partial(_next, ticks)
    looping = asyncio.create_task(run_jobs(Work(database, Lifetimes(), clock, VAULT), jobs=(job,), look_every=0.001))
    async with asyncio.timeout(60):
        await diary.thrice.wait()

    looping.cancel()

    with pytest.raises(asyncio.CancelledError):
        await looping


async def test_all_real_jobs_run_on_a_fresh_database_and_make_partitions(database: Database) -> None:
    now = datetime.now(UTC)
    for job in JOBS:
        assert await run_if_due(_at(database, now), job)

    assert min((await partitions.left(database, now)).values()) >= 2
