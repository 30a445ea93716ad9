"""`assent resource`: the operator at the command line looks at resources, publishes their metadata, removes them."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli.commands import main
from tests.store.scene import fetch
from tests.support.database import FreshDatabase

Assent = Callable[..., Result]

DIARY, SETTLED = "https://mcp.example.com/mcp", "https://settled.example.com"


@pytest.fixture
def assent(fresh_database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Assent:
    """Run a command in a directory with settings and a data file, on the module's database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASSENT_DATABASE_URL", fresh_database.runtime_url)
    monkeypatch.setenv("ASSENT_DATABASE_OWNER_URL", fresh_database.owner_url)
    monkeypatch.setenv("ASSENT_SECRET_KEY", "correct-horse-battery-staple-0123456789")
    monkeypatch.setenv("ASSENT_ISSUER", "https://id.example")
    (tmp_path / "assent.toml").write_text(f'[resources."{SETTLED}"]\ntoken_format = "jwt"\nscopes = []\n')
    declared = {"resources": [{"identifier": DIARY, "scopes": ["project:read"]}, {"identifier": "urn:example:billing"}]}
    (tmp_path / "data.json").write_text(json.dumps(declared))
    runner = CliRunner()
    assert runner.invoke(main, ["apply", "data.json"]).exit_code == 0
    return lambda *words: runner.invoke(main, ["resource", *words])


def said(result: Result) -> str:
    """Return what a command printed that went well."""
    assert result.exit_code == 0, result.output
    return result.stdout


def test_resources_are_listed_with_where_they_are_declared(assent: Assent) -> None:
    listed = {line.split("\t")[0]: line.split("\t")[1:] for line in said(assent("list")).splitlines()}
    people = "address email offline_access openid phone profile"
    assert listed == {
        "https://id.example/api/v1": ["this server", "opaque", "every scope"],
        "https://id.example/oauth/userinfo": ["this server", "opaque", people],
        DIARY: ["data", "opaque", "project:read"],
        SETTLED: ["settings", "jwt", "no scope"],
        "urn:example:billing": ["data", "opaque", "every scope"],
    }


@pytest.mark.spec("standards", "PR-1")
@pytest.mark.spec("standards", "PR-2")
def test_the_metadata_is_printed_to_be_published(assent: Assent) -> None:
    printed = assent("metadata", DIARY)
    assert json.loads(said(printed)) == {
        "resource": DIARY,
        "authorization_servers": ["https://id.example"],
        "scopes_supported": ["project:read"],
        "bearer_methods_supported": ["header"],
    }
    assert "https://mcp.example.com/.well-known/oauth-protected-resource/mcp" in printed.stderr
    assert "no place on the web" in assent("metadata", "urn:example:billing").stderr
    refused = assent("metadata", "https://nobody.example.com")
    assert (refused.exit_code, "there is no resource" in refused.stderr) == (2, True)


async def test_a_declared_resource_is_removed_and_the_trail_says_by_whom(
    assent: Assent, fresh_database: FreshDatabase
) -> None:
    assert said(await asyncio.to_thread(assent, "remove", DIARY)) == f"Removed {DIARY}.\n"
    assert DIARY not in said(await asyncio.to_thread(assent, "list"))
    [deed] = await fetch(
        fresh_database.superuser_url, "select * from audit where subject_id = $1 and event = 'resource.removed'", DIARY
    )
    assert (deed["actor_kind"], deed["actor_id"]) == ("operator", "resource remove")
    for settled in (SETTLED, "https://id.example/api/v1"):
        refused = await asyncio.to_thread(assent, "remove", settled)
        assert (refused.exit_code, "remove it there" in refused.stderr) == (2, True)
    again = await asyncio.to_thread(assent, "remove", DIARY)
    assert (again.exit_code, "there is no resource" in again.stderr) == (2, True)
