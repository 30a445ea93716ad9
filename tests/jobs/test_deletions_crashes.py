"""kill -9 while an application is being deleted: the next servers end it, once, with an audit row for everybody."""

import asyncio
import os
import secrets
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from app.jobs.deletions import BATCH
from app.store.deletions import TOMBSTONE
from tests.store.scene import fetch
from tests.support.database import FreshDatabase
from tests.support.processes import alive, children, eventually
from tests.support.server import Server, await_ready, directory_for_server, start

LEAVE = """
insert into application
    (id, client_id, name, kind, status, auth_method, owner_name, delete_after, created_at, updated_at)
values ('00000000-0000-7000-8000-000000000001', 'leaving', 'Leaving', 'web', 'pending_deletion', 'client_secret_basic',
        'ada', now() - interval '1 second', now(), now())"""
CONNECT = """
with person as (
    insert into user_account (id, sub, username, username_key, created_at, updated_at)
    select id, id::text, id::text, id::text, now(), now()
      from (select gen_random_uuid() id from generate_series(1, $1)) made returning id),
record as (
    insert into "authorization" (id, user_id, application_id, pairs, since, last_change, created_at, updated_at)
    select gen_random_uuid(), id, '00000000-0000-7000-8000-000000000001', '{org:read}', '{1}', gen_random_uuid(),
           now(), now() from person returning id)
insert into authorization_scope select id, 'org:read', now(), now() from record"""
SLOWLY = """
create function slowly() returns trigger language plpgsql as 'begin perform pg_sleep(0.0003); return old; end';
create trigger slowly before delete on "authorization" for each row execute function slowly()"""
"""Deleting takes long enough to be struck in the middle."""


class Watched:
    """A database with an application that is to be deleted, and servers that come and go."""

    def __init__(self, fresh: FreshDatabase) -> None:
        self.fresh = fresh
        self.settings = {
            "DATABASE_URL": fresh.runtime_url,
            "DATABASE_OWNER_URL": fresh.owner_url,
            "SECRET_KEY": secrets.token_urlsafe(48),
        }

    def fetch(self, query: str, *arguments: Any) -> list[Any]:
        """Ask the database."""
        return asyncio.run(fetch(self.fresh.superuser_url, query, *arguments))

    def count(self, query: str) -> int:
        """Return a number of rows."""
        return int(self.fetch(f"select count(*) from {query}")[0][0])

    def connections(self) -> int:
        """Return how many connections of servers there are."""
        return self.count("pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")

    def is_tombstone(self) -> bool:
        """Tell whether the application has been deleted."""
        return self.fetch("select deleted_at from application where client_id = 'leaving'")[0][0] is not None

    def have_it_done(self) -> None:
        """Let the job be due for the next process that looks, as it is after a minute."""
        self.fetch("delete from server_meta where key = 'job.deletions'")

    @contextmanager
    def servers(self, count: int) -> Iterator[list[Server]]:
        """Start servers at the same moment; whatever is left of them in the end is killed."""
        self.have_it_done()
        with directory_for_server() as directory:
            running = [start(directory, workers=1, settings=self.settings) for _ in range(count)]
            try:
                for server in running:
                    await_ready(server)
                yield running
            finally:
                for server in running:
                    kill(server.process.pid, *children(server.process.pid))
                    server.process.wait()


@pytest.fixture
def watched(fresh_database: FreshDatabase) -> Watched:
    return Watched(fresh_database)


def kill(*processes: int) -> None:
    """End processes without giving them a chance; those that are gone do not matter."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    assert eventually(lambda: not any(alive(process) for process in processes))


def assert_half_done(watched: Watched, total: int) -> None:
    """Wait until the dead have let go of everything, check that they left whole batches."""
    assert eventually(lambda: watched.connections() == 0)
    left = watched.count('"authorization"')
    assert 0 < left < total
    assert (total - left) % BATCH == 0
    assert watched.count("audit where event = 'authorization.revoked'") == total - left
    assert watched.count("authorization_scope") == left
    assert not watched.is_tombstone()


@pytest.mark.slow
@pytest.mark.soak
def test_a_deletion_whose_worker_and_whose_server_are_killed_is_ended_by_two_servers_and_told_once(
    watched: Watched, volume: Callable[[int], int]
) -> None:
    total = 4 * BATCH + volume(50_000) // BATCH * BATCH
    watched.fetch(LEAVE)
    watched.fetch(CONNECT, total)
    for statement in SLOWLY.split(";\n"):
        watched.fetch(statement)

    with watched.servers(1) as [server]:
        assert eventually(lambda: watched.count('"authorization"') < total)
        [worker] = children(server.process.pid)
        kill(worker)
        left = watched.count('"authorization"')
        assert 0 < left < total
        watched.have_it_done()
        assert eventually(lambda: watched.count('"authorization"') < left)
        kill(server.process.pid, *children(server.process.pid))
        assert_half_done(watched, total)

    with watched.servers(2):
        assert eventually(watched.is_tombstone, within=60)
    assert watched.count('"authorization"') == watched.count("authorization_scope") == 0
    [row] = watched.fetch(
        "select count(*), count(distinct user_id), count(distinct authorization_id) "
        "from audit where event = 'authorization.revoked'"
    )
    assert tuple(row) == (total, total, total)
    assert watched.count("audit where event = 'application.deleted'") == 1
    [row] = watched.fetch("select name, status from application where client_id = 'leaving'")
    assert tuple(row) == (TOMBSTONE, "deletion_in_progress")
