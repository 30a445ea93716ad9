"""Declared resources: stored, compared, and in force without a restart."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.pipeline.resources import KnownResources
from app.protocol.resources import Resource
from app.store import resources
from app.store.database import Database, StoreUnavailable
from tests.services.test_data_file import apply, refusal, signs

API: dict[str, Any] = {
    "identifier": "https://projects.example",
    "name": "Projects",
    "scopes": ["project:read"],
    "token_format": "jwt",
    "access_token": 300,
    "signing_alg": "RS256",
    "introspection_clients": ["api-server"],
}


def named(name: str) -> dict[str, Any]:
    """The same under another identifier: the database is that of all tests here."""
    return API | {"identifier": f"https://{name}.example"}


async def stored(database: Database, name: str) -> Resource | None:
    found = {resource.identifier: resource for resource in await resources.read_all(database)}
    return found.get(f"https://{name}.example")


async def test_a_resource_is_stored_as_it_is_declared_and_applying_again_changes_nothing(database: Database) -> None:
    report = await apply(database, resources=[named("first")])
    assert signs(report) == ["+ https://first.example"]
    assert report.not_in_effect == ()
    assert await stored(database, "first") == Resource(
        identifier="https://first.example",
        name="Projects",
        scopes=frozenset({"project:read"}),
        token_format="jwt",
        access_token=timedelta(minutes=5),
        signing_alg="RS256",
        introspection_clients=frozenset({"api-server"}),
    )
    assert signs(await apply(database, resources=[named("first")])) == ["= https://first.example"]


async def test_what_is_left_out_has_its_default_and_the_difference_is_told(database: Database) -> None:
    await apply(database, resources=[named("plain")])
    [change] = (await apply(database, resources=[{"identifier": "https://plain.example"}])).changes
    assert change.sign == "~"
    assert 'token_format: "jwt" → "opaque"' in change.details
    assert await stored(database, "plain") == Resource("https://plain.example")


async def test_a_dry_run_writes_nothing_and_a_resource_that_is_not_named_stays(database: Database) -> None:
    assert signs(await apply(database, resources=[named("dry")], dry_run=True)) == ["+ https://dry.example"]
    assert await stored(database, "dry") is None
    await apply(database, resources=[named("stays")])
    await apply(database, resources=[named("dry")])
    assert await stored(database, "stays") is not None


async def test_declaring_and_changing_are_written_down(database: Database) -> None:
    await apply(database, resources=[named("told")])
    await apply(database, resources=[named("told") | {"name": "All projects"}])
    query = text("select event, data from audit where subject_id = 'https://told.example' order by id")
    async with database.transaction() as transaction:
        declared, changed = await transaction.execute(query)
    assert (declared.event, changed.event) == ("resource.declared", "resource.changed")
    assert (changed.data["before"]["name"], changed.data["after"]["name"]) == ("Projects", "All projects")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"identifier": "api.example"}, "must be an absolute URI"),
        ({"identifier": "https://api.example#x"}, "must not have a fragment"),
        ({"identifier": "https://API.example"}, "must have its scheme and host in lower case"),
        ({"identifier": "https://api.example/ä"}, "must be made of the characters that a URI can have"),
        ({"identifier": "https://[api"}, "is not a URI"),
        ({"identifier": "https://api.example", "scopes": ["org:fly"]}, "unknown scope: org:fly"),
        ({"identifier": "https://api.example", "signing_alg": "HS256"}, "must be 'ES256'"),
    ],
    ids=["relative", "fragment", "upper case", "not ascii", "broken", "scope", "algorithm"],
)
async def test_what_names_no_resource_is_refused_in_words(
    database: Database, entry: dict[str, Any], message: str
) -> None:
    assert message in str(await refusal(database, resources=[entry]))


async def test_an_identifier_counts_once_in_a_file(database: Database) -> None:
    assert "is used twice" in str(await refusal(database, resources=[API, API]))


async def test_a_running_server_learns_of_declared_resources_and_keeps_them_while_the_database_is_away(
    database: Database,
) -> None:
    configured = Resource("https://both.example", name="As configured")
    away = False

    async def read() -> tuple[Resource, ...]:
        if away:
            raise StoreUnavailable("away")
        return await resources.read_all(database)

    known = KnownResources((configured,), read)
    assert list(known.current) == [configured]
    await apply(database, resources=[named("both"), {"identifier": "https://other.example"}])
    await known.refresh()
    assert known.current.get("https://both.example") == configured
    assert known.current.get("https://other.example") == Resource("https://other.example")
    away = True
    await known.refresh()
    assert known.current.get("https://other.example") == Resource("https://other.example")
