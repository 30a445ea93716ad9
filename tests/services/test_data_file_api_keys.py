"""Declared API keys: made with a secret that is told once, changed, and applying twice changes nothing."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from app.crypto.hashing import digest
from app.crypto.secrets import new_id
from app.protocol.token_format import Credential, Prefix, format_credential, parse_credential
from app.services.api_keys import DEFAULT_SCOPES, MAX_KEYS
from app.store import organizations
from app.store.api_keys import KeyDescription, StoredKey, list_page
from app.store.database import Database
from tests.services.test_data_file import apply, refusal, signs
from tests.services.test_data_file_shape import parse, told
from tests.support.api_keys import FILL

ACME = {"slug": "northquay", "name": "Northquay"}
BUILD: dict[str, Any] = {"organization": "northquay", "label": "Build", "scopes": ["org:read"]}


def given_key(secret: bytes = b"s" * 32) -> str:
    """Return a key as another server may have made it."""
    return format_credential(Prefix.API_KEY, Credential(new_id(datetime.now(UTC)), secret))


async def keys(database: Database) -> list[StoredKey]:
    """Return the keys of the organization."""
    async with database.transaction() as transaction:
        organization = (await organizations.find_many(transaction, ["northquay"]))["northquay"]
        assert organization is not None
        return await list_page(transaction, organization.id, limit=MAX_KEYS)


async def test_a_declared_key_is_made_with_a_secret_that_is_told_once(database: Database) -> None:
    report = await apply(database, organizations=[ACME], api_keys=[BUILD | {"allowed_origins": ["*.example.com"]}])
    assert signs(report) == ["+ northquay", "+ northquay/Build"]
    [secret] = report.secrets
    assert (secret.noun, secret.name, secret.kind) == ("api_key", "northquay/Build", "key")
    [made] = await keys(database)
    credential = parse_credential(Prefix.API_KEY, secret.secret)
    assert credential is not None
    assert (credential.id, secret.secret[-4:]) == (made.id, made.last_four)
    assert made.description == KeyDescription("Build", ("org:read",), ("*.example.com",), "active")
    fact = (await database.hot.gather_key(None, made.id))[1]
    assert fact is not None
    assert fact.digest == digest(credential.secret)


async def test_applying_the_same_file_again_changes_nothing_and_tells_no_secret(database: Database) -> None:
    await apply(database, organizations=[ACME], api_keys=[BUILD])
    before = await keys(database)
    report = await apply(database, organizations=[ACME], api_keys=[BUILD])
    assert (signs(report), report.secrets) == (["= northquay", "= northquay/Build"], ())
    assert signs(await apply(database, api_keys=[BUILD])) == ["= northquay/Build"]
    assert await keys(database) == before


async def test_a_dry_run_makes_no_key(database: Database) -> None:
    await apply(database, organizations=[ACME])
    report = await apply(database, dry_run=True, api_keys=[BUILD])
    assert (signs(report), report.secrets) == (["+ northquay/Build"], ())
    assert await keys(database) == []


async def test_what_is_left_out_is_as_usual(database: Database) -> None:
    await apply(database, organizations=[ACME], api_keys=[{"organization": "northquay"}])
    [made] = await keys(database)
    assert made.description == KeyDescription("Default", DEFAULT_SCOPES, (), "active")


async def test_a_changed_entry_changes_its_key_whose_secret_and_state_stay(database: Database) -> None:
    await apply(database, organizations=[ACME], api_keys=[BUILD | {"allowed_origins": ["localhost"]}])
    [made] = await keys(database)
    async with database.transaction() as transaction:
        await transaction.execute(text("update api_key set status = 'inactive'"))
    report = await apply(database, api_keys=[BUILD | {"scopes": ["org:read", "team:read"]}])
    assert signs(report) == ["~ northquay/Build"]
    assert report.changes[0].details == (
        'allowed_origins: ["localhost"] → nothing',
        'scopes: ["org:read"] → ["org:read","team:read"]',
    )
    [changed] = await keys(database)
    assert changed.description == KeyDescription("Build", ("org:read", "team:read"), (), "inactive")
    assert (changed.id, changed.last_four, changed.version) == (made.id, made.last_four, 2)
    async with database.transaction() as transaction:
        query = text("select event, data, actor_kind from audit where subject_id = :id order by id")
        rows = (await transaction.execute(query, {"id": str(made.id)})).all()
    assert [(row.event, row.actor_kind) for row in rows] == [
        ("api_key.created", "operator"),
        ("api_key.changed", "operator"),
    ]
    assert rows[1].data["before"]["scopes"] == ["org:read"]
    assert rows[1].data["after"]["scopes"] == ["org:read", "team:read"]


async def test_a_key_that_is_given_is_kept_as_it_is_and_found_by_its_id_when_it_is_renamed(database: Database) -> None:
    key = given_key()
    report = await apply(database, organizations=[ACME], api_keys=[BUILD | {"key": key}])
    assert report.secrets == ()
    [made] = await keys(database)
    fact = (await database.hot.gather_key(None, made.id))[1]
    assert fact is not None
    assert fact.digest == digest(b"s" * 32)
    report = await apply(database, api_keys=[BUILD | {"key": key, "label": "Nightly"}])
    assert report.changes[0].details == ('label: "Build" → "Nightly"',)
    assert [one.description.label for one in await keys(database)] == ["Nightly"]


async def test_a_key_of_another_organization_or_with_another_secret_is_refused(database: Database) -> None:
    key = given_key()
    credential = parse_credential(Prefix.API_KEY, key)
    assert credential is not None
    await apply(database, organizations=[ACME, {"slug": "saltbarn"}], api_keys=[BUILD | {"key": key}])
    forged = format_credential(Prefix.API_KEY, Credential(credential.id, b"x" * 32))
    for entry in (BUILD | {"key": forged}, BUILD | {"key": key, "organization": "saltbarn"}):
        assert await refusal(database, api_keys=[entry]) == [
            "api_keys[Build].key is not, or no longer, the key with this id; put the right one, or leave it out."
        ]
    assert await refusal(database, api_keys=[BUILD | {"key": given_key()}]) == [
        "api_keys[Build].label is that of another key; choose another one."
    ]


async def test_what_cannot_be_is_refused_and_nothing_is_written(database: Database) -> None:
    key = given_key()
    assert await refusal(
        database,
        organizations=[ACME],
        api_keys=[
            BUILD | {"organization": "nowhere"},
            BUILD | {"key": key},
            BUILD,
            BUILD | {"label": "Other", "key": key},
        ],
    ) == [
        "api_keys[Build].organization names nowhere, which nobody knows; add it to organizations.",
        "api_keys[Build].label is used twice in northquay; each key needs its own.",
        "api_keys[Other].key is used twice; each key needs its own.",
    ]
    async with database.transaction() as transaction:
        assert await organizations.find_many(transaction, ["northquay"]) == {}


async def test_a_label_that_several_keys_have_names_none_of_them(database: Database) -> None:
    await apply(database, organizations=[ACME])
    async with database.transaction() as transaction:
        await transaction.execute(text(FILL % 2))
    assert await refusal(database, api_keys=[BUILD | {"label": "Filler"}]) == [
        "api_keys[Filler].label is that of 2 keys; give each its own label first."
    ]


async def test_no_file_gives_an_organization_more_keys_than_it_may_have(database: Database) -> None:
    await apply(database, organizations=[ACME])
    async with database.transaction() as transaction:
        await transaction.execute(text(FILL % (MAX_KEYS - 1)))
    assert await refusal(database, api_keys=[BUILD, BUILD | {"label": "Other"}]) == [
        f"api_keys[Other] is more than the {MAX_KEYS} keys that can be."
    ]
    assert signs(await apply(database, api_keys=[BUILD])) == ["+ northquay/Build"]


@pytest.mark.parametrize(
    ("member", "value", "sentence"),
    [
        ("label", "x" * 65, "label must have at most 64 characters"),
        ("label", "", "label must have at least 1 character"),
        ("label", " Build", "label must have no spaces around it, and no line breaks or other control characters"),
        ("scopes", ["org:rule"], "scopes unknown scope: org:rule"),
        ("allowed_origins", ["example.com:80"], "allowed_origins[0] must have no port"),
        ("key", "my-own-key", "key must be an API key as it was shown when it was made"),
        ("kee", "x", "kee is unknown; the nearest member is key"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isalpha() and len(value) < 20 else "",
)
def test_a_key_of_the_wrong_shape_is_refused_where_it_is_wrong(member: str, value: Any, sentence: str) -> None:
    entry = {"organization": "northquay", "scopes": ["org:read"], member: value}
    [problem] = told(api_keys=[entry])
    assert sentence in problem
    assert "my-own-key" not in problem


def test_a_key_does_not_show_in_what_is_printed_of_a_file() -> None:
    key = given_key()
    assert key not in repr(parse(api_keys=[BUILD | {"key": key}]))
