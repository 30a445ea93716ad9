"""Commands that several people start at the same moment, or that die on the way: nothing twice, nothing half."""

import asyncio
import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.protocol.token_format import Prefix
from app.services.legacy_import import run as legacy_run
from tests.store.scene import fetch
from tests.support.database import FreshDatabase
from tests.support.emptied import empty
from tests.support.server import ASSENT

AT_ONCE = 3
PATIENCE = 90.0
SECRET = "5e" * 32
SCOPES = '[scopes."org:read"]\ndescription = "See organizations"\nlegacy_bit = 0\n'


@dataclass(frozen=True, slots=True)
class Desk:
    """Where commands are started, each a process of its own."""

    fresh: FreshDatabase
    directory: Path
    environment: dict[str, str] = field(repr=False)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start a command."""
        return subprocess.Popen(
            [ASSENT, *arguments], env=self.environment, cwd=self.directory, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def at_once(self, *arguments: str) -> list[subprocess.CompletedProcess[str]]:
        """Start a command several times at the same moment, and wait for all."""
        started = [self.start(*arguments) for _ in range(AT_ONCE)]
        ended = []
        for process in started:
            output, errors = process.communicate(timeout=PATIENCE)
            ended.append(subprocess.CompletedProcess(arguments, process.returncode, output, errors))
        return ended

    def write(self, name: str, content: Any) -> str:
        """Write a file for a command and return its name."""
        (self.directory / name).write_text(json.dumps(content))
        return name

    def count(self, query: str) -> int:
        """Ask the database for a number."""
        return int(asyncio.run(fetch(self.fresh.superuser_url, f"select count(*) from {query}"))[0][0])


@pytest.fixture
def desk(fresh_database: FreshDatabase, tmp_path: Path) -> Desk:
    """An empty database, and a directory with settings."""
    asyncio.run(empty(fresh_database))
    (tmp_path / "assent.toml").write_text(SCOPES)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ASSENT_")}
    environment |= {
        "ASSENT_DATABASE_URL": fresh_database.runtime_url,
        "ASSENT_DATABASE_OWNER_URL": fresh_database.owner_url,
        "ASSENT_SECRET_KEY": "correct-horse-battery-staple-0123456789",
    }
    return Desk(fresh_database, tmp_path, environment)


def old_system(tokens: int) -> dict[str, Any]:
    """Return what an old system left: two people, an organization with a key, an application with many tokens."""
    return {
        "users": [{"id": 7, "username": "ada"}, {"id": 8, "username": "robin"}],
        "organizations": [{"id": 1, "slug": "northquay"}],
        "members": [{"organization": 1, "user": 7, "role": "owner"}],
        "applications": [
            {"id": 3, "client_id": "c1" * 32, "client_secret": SECRET, "owner": 7, "redirect_uris": ["https://a.example"]}
        ],
        "authorizations": [{"application": 3, "user": user, "scopes": 1} for user in (7, 8)],
        "tokens": [
            {"application": 3, "user": 7 + number % 2, "token": f"{number:064x}", "scopes": 1}
            for number in range(1, tokens + 1)
        ],
        "keys": [{"organization": 1, "label": "Deploys", "key": "e0" * 16, "scopes": 1}],
    }  # fmt: skip


def assert_whole(desk: Desk, tokens: int) -> None:
    """Check that everything of the old system is here once, with one audit row each."""
    counted = {
        table: desk.count(table)
        for table in ("user_account", "organization", "application", '"authorization"', "legacy_token", "api_key")
    }
    assert counted == {
        "user_account": 2, "organization": 1, "application": 1, '"authorization"': 2, "legacy_token": tokens,
        "api_key": 1,
    }  # fmt: skip
    assert desk.count("legacy_credential") == tokens + 1
    rows = asyncio.run(fetch(desk.fresh.superuser_url, "select event from audit where event <> 'legacy.imported'"))
    assert Counter(row["event"] for row in rows) == {
        "user.created": 2, "organization.created": 1, "member.added": 1, "application.created": 1,
        "authorization.imported": 2, "api_key.created": 1,
    }  # fmt: skip


def assert_no_traceback(ended: list[subprocess.CompletedProcess[str]]) -> None:
    """Check that commands which gave up said so in one sentence."""
    for one in ended:
        assert "Traceback" not in one.stderr, one.stderr
        if one.returncode != 0:
            assert one.stderr.strip().splitlines()[-1].startswith("assent: "), one.stderr


def test_imports_of_the_same_at_once_leave_everything_here_once(desk: Desk, volume: Callable[[int], int]) -> None:
    tokens = volume(12_000)
    file = desk.write("old.json", old_system(tokens))
    ended = desk.at_once("import", "legacy", file)
    assert_no_traceback(ended)
    assert 0 in {one.returncode for one in ended}
    assert {one.stderr.strip() for one in ended if one.returncode != 0} <= {
        "assent: Another import into this database is running: wait for it, then start this one."
    }
    assert_whole(desk, tokens)


def test_an_import_beside_another_one_is_refused_with_a_sentence(desk: Desk) -> None:
    file = desk.write("old.json", old_system(1))

    async def refused() -> list[subprocess.CompletedProcess[str]]:
        connection = await asyncpg.connect(desk.fresh.superuser_url)
        try:
            assert await connection.fetchval("select pg_try_advisory_lock($1)", legacy_run._LOCK)
            return await asyncio.to_thread(desk.at_once, "import", "legacy", file, "--dry-run")
        finally:
            await connection.close()

    ended = asyncio.run(refused())
    assert_no_traceback(ended)
    assert {one.returncode for one in ended} == {2}
    assert desk.count("user_account") == 0


def test_an_import_that_is_killed_is_gone_on_with(desk: Desk, volume: Callable[[int], int]) -> None:
    tokens = 1500 + volume(20_000)
    file = desk.write("old.json", old_system(tokens))
    process = desk.start("import", "legacy", file)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("tokens: 500 "):
            process.kill()
            break
    process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGKILL
    assert 500 <= desk.count("legacy_token") < tokens

    again = _until_alone(desk, "import", "legacy", file)
    assert again.returncode == 0, again.stderr
    assert_whole(desk, tokens)


def test_data_files_applied_at_once_make_each_thing_once(desk: Desk) -> None:
    key_labels = [f"Key {number}" for number in range(5)]
    file = desk.write(
        "data.json",
        {
            "users": [{"username": "ada", "password": "seven-quiet-harbours-at-dawn"}],
            "organizations": [{"slug": "northquay", "members": [{"user": "ada", "role": "owner"}]}],
            "applications": [{"client_id": "web", "owner": "northquay", "redirect_uris": ["https://web.example/cb"]}],
            "api_keys": [{"organization": "northquay", "label": label, "scopes": ["org:read"]} for label in key_labels],
        },
    )
    ended = desk.at_once("apply", file)
    assert_no_traceback(ended)
    assert {one.returncode for one in ended} == {0}, [one.stderr for one in ended]
    assert [desk.count(table) for table in ("user_account", "organization", "application", "api_key")] == [1, 1, 1, 5]
    assert desk.count("audit where event in ('organization.created', 'member.added', 'api_key.created')") == 7
    assert sorted(one.stdout.count(f" {Prefix.API_KEY}") for one in ended) == [0, 0, len(key_labels)]


def _until_alone(desk: Desk, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command again until the database has noticed that the one before is dead."""
    deadline = time.monotonic() + PATIENCE
    while True:
        process = desk.start(*arguments)
        output, errors = process.communicate(timeout=PATIENCE)
        if "Another import" not in errors or time.monotonic() > deadline:
            return subprocess.CompletedProcess(arguments, process.returncode, output, errors)
        time.sleep(0.1)
