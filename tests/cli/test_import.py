"""`assent import legacy`: from a file and from the old database itself, told in lines, repeatable."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from app.cli.commands import main
from tests.support.database import FreshDatabase
from tests.support.emptied import empty

Assent = Callable[..., Result]

OLD_TABLES = """
create table if not exists auth_user (id int primary key, username text, email text, is_active bool);
create table if not exists sentry_organization (id int primary key, slug text, name text);
create table if not exists sentry_organizationmember
    (id int primary key, organization_id int, user_id int, role text);
create table if not exists sentry_apiapplication
    (id int primary key, client_id text, client_secret text, owner_id int, name text, status int,
     allowed_origins text, redirect_uris text, homepage_url text, privacy_url text, terms_url text,
     date_added timestamptz);
create table if not exists sentry_apiauthorization
    (id int primary key, application_id int, user_id int, scopes bigint, scope_list text[], date_added timestamptz);
create table if not exists sentry_apitoken
    (id int primary key, application_id int, user_id int, token text, refresh_token text, expires_at timestamptz,
     scopes bigint, date_added timestamptz);
truncate auth_user, sentry_organization, sentry_organizationmember, sentry_apiapplication, sentry_apiauthorization,
    sentry_apitoken;
insert into auth_user values (7, 'ada', 'ada@example.org', true);
insert into sentry_organization values (1, 'northquay', 'Northquay');
insert into sentry_organizationmember values (1, 1, 7, 'owner'), (2, 1, null, 'member');
insert into sentry_apiapplication values
    (3, repeat('c', 64), repeat('5', 64), 7, 'Proud Marmot', 0, null, E'https://marmot.example/cb\\n', null, null,
     null, now());
insert into sentry_apiauthorization values (1, 3, 7, 1, '{}', now());
insert into sentry_apitoken
    select n, 3, 7, repeat('0', 60) || lpad(n::text, 4, '0'), null, now() + interval '1 day', 1, now()
      from generate_series(1, 620) n;
"""


@pytest.fixture
def assent(fresh_database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Assent:
    """Run a command in an empty directory, with the module's database, emptied."""
    asyncio.run(empty(fresh_database))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASSENT_DATABASE_URL", fresh_database.runtime_url)
    monkeypatch.setenv("ASSENT_DATABASE_OWNER_URL", fresh_database.owner_url)
    monkeypatch.setenv("ASSENT_SECRET_KEY", "correct-horse-battery-staple-0123456789")
    runner = CliRunner()
    return lambda *words: runner.invoke(main, [str(word) for word in words])


@pytest.fixture
def old_database(fresh_database: FreshDatabase) -> str:
    """The tables of the old system, beside ours: their names do not meet. No key was ever made there."""

    async def make() -> None:
        connection = await asyncpg.connect(fresh_database.superuser_url)
        try:
            await connection.execute(OLD_TABLES)
        finally:
            await connection.close()

    asyncio.run(make())
    return fresh_database.superuser_url


def test_the_old_database_is_read_batch_by_batch(assent: Assent, old_database: str) -> None:
    result = assent("import", "legacy", old_database)
    assert result.exit_code == 0, result.output
    assert "tokens: 620 imported, 0 already here, 0 refused" in result.stdout
    assert "members: 1 imported" in result.stdout
    assert "keys: 0 imported" in result.stdout
    assert "tokens: 500 rows" in result.stderr
    again = assent("import", "legacy", old_database)
    assert "tokens: 0 imported, 620 already here, 0 refused" in again.stdout


def test_a_dry_run_says_so(assent: Assent, old_database: str) -> None:
    result = assent("import", "legacy", old_database, "--dry-run")
    assert "tokens: 620 imported" in result.stdout
    assert result.stdout.endswith("Nothing was written.\n")
    assert "applications: 1 imported" in assent("import", "legacy", old_database).stdout


def test_refusals_are_shown_up_to_twenty_and_all_of_them_written_to_the_report(assent: Assent, tmp_path: Path) -> None:
    file, report = tmp_path / "old.json", tmp_path / "report.jsonl"
    file.write_text(json.dumps({"tokens": [{"user": "nobody", "token": f"{n:064}"} for n in range(30)]}))
    result = assent("import", "legacy", file, "--report", report)
    assert result.exit_code == 0, result.output
    assert result.stdout.count("names a user nobody knows") == 20
    assert "… and 10 more" in result.stdout
    rows = [json.loads(line) for line in report.read_text().splitlines()]
    assert len(rows) == 30
    assert rows[0] == {"outcome": "refused", "kind": "tokens", "name": "row 1", "why": "names a user nobody knows"}
    assert "0" * 60 not in report.read_text() + result.output


@pytest.mark.parametrize(
    ("source", "words"),
    [("nothing.json", "cannot be read"), ("postgresql://nobody@127.0.0.1:1/none", "does not let us in")],
    ids=["file", "database"],
)
def test_a_source_that_is_not_there_is_a_sentence(assent: Assent, source: str, words: str) -> None:
    result = assent("import", "legacy", source)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr
