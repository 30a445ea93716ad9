"""The operator's commands for organizations, their keys, and people's tokens."""

import asyncio
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from app.cli.commands import main
from app.protocol.token_format import Prefix, parse_credential
from tests.support.database import FreshDatabase

Assent = Callable[..., Result]
NOBODYS = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def assent(fresh_database: FreshDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assent]:
    """Run a command in an empty directory, with the module's database; ada and bob have accounts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("commands"))
        patch.setenv("ASSENT_DATABASE_URL", fresh_database.runtime_url)
        patch.setenv("ASSENT_DATABASE_OWNER_URL", fresh_database.owner_url)
        patch.setenv("ASSENT_SECRET_KEY", "correct-horse-battery-staple-0123456789")
        runner = CliRunner()

        def run(*words: str) -> Result:
            return runner.invoke(main, [str(word) for word in words])

        for username in ("ada", "bob"):
            said(run("user", "create", username))
        yield run


@pytest.fixture(scope="module")
def northquay(assent: Assent) -> str:
    """The slug of an organization that ada owns."""
    assert said(assent("organization", "create", "northquay", "--name", "Northquay", "--owner", "ada")) == (
        "Founded Northquay, northquay.\n"
    )
    return "northquay"


def said(result: Result) -> str:
    """Return what a command printed that went well."""
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(result: Result) -> str:
    """Return the sentence of a command that could not be done: on standard error, status 2, no traceback."""
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert "Traceback" not in result.stderr
    return result.stderr.removeprefix("assent: ").strip()


def made(result: Result) -> tuple[str, str]:
    """Return id and secret of the key that a command printed."""
    printed = said(result)
    key_id, secret = re.findall(r"^id: (\S+)\n.+, shown only now: (\S+)\n$", printed)[0]
    credential = parse_credential(Prefix.API_KEY, secret)
    assert credential is not None
    assert str(credential.id) == key_id
    return key_id, secret


def listed(assent: Assent, slug: str) -> dict[str, list[str]]:
    """Return the lines of the list of keys, by id."""
    lines = (line.split("\t") for line in said(assent("key", "list", slug)).splitlines())
    return {line[0]: line[1:] for line in lines}


def test_organizations_are_founded_and_listed(assent: Assent, northquay: str) -> None:
    said(assent("organization", "create", "amber", "--owner", "bob"))
    lines = [line.split("\t")[:2] for line in said(assent("organization", "list")).splitlines()]
    assert lines == [["amber", "amber"], ["northquay", "Northquay"]]
    assert "choose another slug" in refused(assent("organization", "create", "amber", "--owner", "bob"))
    assert "small letters" in refused(assent("organization", "create", "Not A Slug", "--owner", "bob"))
    assert "gone" in refused(assent("organization", "create", "third", "--owner", "gone"))


def test_people_are_made_members_without_being_asked(assent: Assent, northquay: str) -> None:
    added = said(assent("organization", "add-member", northquay, "bob", "--role", "admin"))
    assert added == "bob belongs to northquay as admin.\n"
    assert "already" in refused(assent("organization", "add-member", northquay, "bob"))
    assert "there are: member, admin, manager, owner" in refused(
        assent("organization", "add-member", northquay, "bob", "--role", "king")
    )
    assert "nobody" in refused(assent("organization", "add-member", northquay, "gone"))
    assert "no organization is called nowhere" in refused(assent("organization", "add-member", "nowhere", "bob"))


def test_keys_are_made_listed_switched_off_and_on_and_removed(assent: Assent, northquay: str) -> None:
    key_id, secret = made(
        assent("key", "create", northquay, "--label", "Build", "--scope", "org:read", "--origin", "*.example.com")
    )
    assert listed(assent, northquay)[key_id] == ["Build", "active", f"…{secret[-4:]}", "org:read"]
    assert said(assent("key", "disable", northquay, key_id)) == "Build is disabled.\n"
    assert listed(assent, northquay)[key_id][1] == "disabled"
    assert said(assent("key", "enable", northquay, key_id)) == "Build is active.\n"
    assert said(assent("key", "remove", northquay, key_id)) == "Removed Build.\n"
    assert listed(assent, northquay) == {}
    for command in ("rotate", "retire", "disable", "enable", "remove"):
        for unknown in (key_id, NOBODYS, "nonsense"):
            assert "no such key" in refused(assent("key", command, northquay, unknown))


def test_a_key_without_further_words_is_called_default_and_has_the_usual_scopes(assent: Assent, northquay: str) -> None:
    key_id, _ = made(assent("key", "create", northquay))
    label, _, _, scopes = listed(assent, northquay)[key_id]
    assert (label, scopes) == ("Default", "project:read event:read team:read org:read member:read")
    said(assent("key", "remove", northquay, key_id))


def test_a_key_is_given_another_secret_in_two_commands(assent: Assent, northquay: str) -> None:
    key_id, old = made(assent("key", "create", northquay, "--label", "Build"))
    assert "no other to end" in refused(assent("key", "retire", northquay, key_id))
    _, new = made(assent("key", "rotate", northquay, key_id))
    assert listed(assent, northquay)[key_id][2] == f"…{new[-4:]} …{old[-4:]}"
    assert "still good" in refused(assent("key", "rotate", northquay, key_id))
    assert said(assent("key", "retire", northquay, key_id)) == f"Only …{new[-4:]} is good now.\n"
    said(assent("key", "remove", northquay, key_id))


def test_a_key_that_cannot_be_is_refused_with_a_sentence(assent: Assent, northquay: str) -> None:
    sentence = refused(
        assent("key", "create", northquay, "--label", "x" * 65, "--scope", "org:rule", "--origin", "example.com:80")
    )
    assert sentence == (
        "label: must have 64 characters or fewer; scopes: org:rule is not known here; "
        "allowed_origins: example.com:80 must have no port; a host without one stands for all of its ports."
    )
    assert "no organization is called nowhere" in refused(assent("key", "create", "nowhere"))
    assert listed(assent, northquay) == {}


def test_settings_without_the_usual_scopes_do_not_lock_the_operator_out(
    assent: Assent, northquay: str, tmp_path: Path
) -> None:
    settings = tmp_path / "notes.toml"
    settings.write_text('[scopes."notes:read"]\ndescription = "See notes"\n', encoding="utf-8")
    printed = assent("key", "create", northquay, "--scope", "notes:read", "--config", str(settings))
    key_id, _ = made(printed)
    assert listed(assent, northquay)[key_id][-1] == "notes:read"
    said(assent("key", "remove", northquay, key_id, "--config", str(settings)))


def test_a_person_s_tokens_are_listed_and_revoked(assent: Assent, fresh_database: FreshDatabase) -> None:
    assert said(assent("token", "list", "ada")) == ""
    token_id = asyncio.run(token_of(fresh_database, "ada"))
    [line] = said(assent("token", "list", "ada")).splitlines()
    assert line.split("\t") == [token_id, "Nightly export", "…fkGQ", "ends never", "used -", "event:read org:read"]
    assert "bob has no such token" in refused(assent("token", "revoke", "bob", token_id))
    assert said(assent("token", "revoke", "ada", token_id)) == "Revoked Nightly export.\n"
    assert said(assent("token", "list", "ada")) == ""
    for unknown in (token_id, NOBODYS, "nonsense"):
        assert "ada has no such token" in refused(assent("token", "revoke", "ada", unknown))
    assert "gone" in refused(assent("token", "list", "gone"))


async def token_of(fresh: FreshDatabase, username: str) -> str:
    """Give a person a token and return its id."""
    connection = await asyncpg.connect(fresh.superuser_url)
    try:
        made: UUID = await connection.fetchval(
            """
            insert into personal_token (id, digest, last_four, user_id, user_epoch, name, scopes, version, created_at)
            select gen_random_uuid(), sha256('x'), 'fkGQ', id, epoch, 'Nightly export', '{event:read,org:read}', 1,
                   now()
            from user_account where username = $1 returning id
            """,
            username,
        )
    finally:
        await connection.close()
    return str(made)
