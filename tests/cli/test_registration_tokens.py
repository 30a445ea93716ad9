"""`assent registration token`: the operator at the command line lets programs register applications."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from typer.testing import CliRunner, Result

from app.cli.commands import main
from app.crypto.hashing import digest
from app.protocol.token_format import Prefix, parse_credential
from tests.store.scene import fetch
from tests.support.database import FreshDatabase

Assent = Callable[..., Result]


@pytest.fixture
def assent(fresh_database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Assent:
    """Run a command in an empty directory, with the module's database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASSENT_DATABASE_URL", fresh_database.runtime_url)
    monkeypatch.setenv("ASSENT_DATABASE_OWNER_URL", fresh_database.owner_url)
    monkeypatch.setenv("ASSENT_SECRET_KEY", "correct-horse-battery-staple-0123456789")
    runner = CliRunner()
    return lambda *words: runner.invoke(main, ["registration", "token", *words])


def said(result: Result) -> str:
    """Return what a command printed that went well."""
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.spec("standards", "DR-2")
def test_a_token_is_made_printed_once_listed_and_revoked(assent: Assent) -> None:
    assert said(assent("list")) == ""
    first, second = said(assent("create", "--label", "Partner  portal", "--uses", "2", "--days", "30")).splitlines()
    token_id, text = first.removeprefix("id: "), second.removeprefix("Partner portal, shown only now: ")
    credential = parse_credential(Prefix.INITIAL_ACCESS, text)
    assert credential is not None
    assert str(credential.id) == token_id
    closed = assent("create", "--label", "Builds", "--never-expires")
    assert said(closed)
    assert "let nobody register" in closed.stderr

    endless, listed = said(assent("list")).splitlines()
    assert endless.split("\t")[1:] == ["Builds", "any number of uses", "ends never", "used -"]
    assert listed.split("\t")[:3] == [token_id, "Partner portal", "2 uses left"]
    assert text not in listed

    assert said(assent("revoke", token_id)) == "Revoked Partner portal.\n"
    assert token_id not in said(assent("list"))
    for unknown in (token_id, "00000000-0000-4000-8000-000000000000", "nonsense"):
        refused = assent("revoke", unknown)
        assert refused.exit_code == 2
        assert "there is no such token" in refused.stderr


async def test_the_database_and_the_trail_hold_no_token(assent: Assent, fresh_database: FreshDatabase) -> None:
    made = await asyncio.to_thread(assent, "create", "--label", "Builds")
    first, second = said(made).splitlines()
    credential = parse_credential(Prefix.INITIAL_ACCESS, second.split()[-1])
    assert credential is not None
    token_id = UUID(first.removeprefix("id: "))
    [row] = await fetch(fresh_database.superuser_url, "select * from initial_access_token where id = $1", token_id)
    assert (row["digest"], row["created_by"]) == (digest(credential.secret), "registration token create")
    [deed] = await fetch(fresh_database.superuser_url, "select * from audit where subject_id = $1", str(token_id))
    assert (deed["event"], deed["actor_kind"]) == ("initial_token.created", "operator")
    assert repr(credential.secret) not in repr(dict(row)) + repr(dict(deed))


@pytest.mark.parametrize(
    "words",
    [("--label", " "), ("--label", "x" * 101), ("--label", "x", "--uses", "0"), ("--label", "x", "--days", "0"), ()],
    ids=["blank", "long", "no-uses", "no-days", "no-label"],
)
def test_what_cannot_be_is_refused(assent: Assent, words: tuple[str, ...]) -> None:
    refused = assent("create", *words)
    assert refused.exit_code == 2
    assert "Traceback" not in refused.output
