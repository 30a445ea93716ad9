"""Declared organizations: founded, their members added and changed, and applying twice changes nothing."""

from typing import Any

import pytest

from app.protocol.facts import OrganizationFact
from app.store import applications, members, organizations
from app.store.database import Database
from tests.services.test_data_file import ADA, SHOP, apply, refusal, signs
from tests.support.organization import events

BOB = {"username": "bob", "email": "bob@example.org", "password": "violet anchor plum taxi"}
ACME: dict[str, Any] = {"slug": "acme", "name": "Acme", "members": [{"user": "ada", "role": "owner"}]}


async def found(database: Database, slug: str = "acme") -> OrganizationFact:
    """Return an organization that exists."""
    async with database.transaction() as transaction:
        organization = (await organizations.find_many(transaction, [slug]))[slug]
    assert organization is not None
    return organization


async def roles(database: Database, slug: str = "acme") -> dict[str, str]:
    """Return who has which role."""
    organization = await found(database, slug)
    async with database.transaction() as transaction:
        return {one.username: one.role for one in await members.list_all(transaction, organization.id)}


async def test_an_organization_is_founded_with_its_members_and_applying_again_changes_nothing(
    database: Database,
) -> None:
    first = await apply(database, users=[ADA, BOB], organizations=[ACME])
    assert "+ acme" in signs(first)
    organization = await found(database)
    assert (organization.name, organization.version) == ("Acme", 1)
    assert await roles(database) == {"Ada": "owner"}
    again = await apply(database, users=[ADA, BOB], organizations=[ACME])
    assert not again.changed
    assert "= acme" in signs(again)
    assert await found(database) == organization


async def test_the_difference_names_what_changes_and_a_dry_run_writes_none_of_it(database: Database) -> None:
    await apply(database, users=[ADA, BOB], organizations=[ACME])
    grown = {
        "slug": "acme",
        "name": "Acme Inc",
        "members": [{"user": "ADA@example.org", "role": "manager"}, {"user": "bob", "role": "owner"}],
    }
    for dry_run in (True, False):
        report = await apply(database, organizations=[grown], dry_run=dry_run)
        [change] = report.changes
        assert (change.sign, change.noun, change.name) == ("~", "organization", "acme")
        assert change.details == (
            'member ADA@example.org: "owner" → "manager"',
            'member bob: nothing → "owner"',
            'name: "Acme" → "Acme Inc"',
        )
    assert await roles(database) == {"Ada": "manager", "bob": "owner"}
    assert (await found(database)).name == "Acme Inc"


async def test_members_whom_the_file_does_not_name_stay(database: Database) -> None:
    await apply(database, users=[ADA, BOB], organizations=[ACME])
    await apply(database, organizations=[{"slug": "acme", "members": [{"user": "bob", "role": "member"}]}])
    assert await roles(database) == {"Ada": "owner", "bob": "member"}
    assert (await found(database)).name == "Acme"


async def test_an_organization_owns_applications_by_slug_and_by_name_also_one_that_was_there_before(
    database: Database,
) -> None:
    await apply(database, users=[ADA], organizations=[ACME])
    acme = await found(database)
    for owner, declared in (("acme", []), ("Acme", [ACME]), ("acme", [ACME])):
        await apply(database, applications=[SHOP | {"owner": owner}], organizations=declared)
        async with database.transaction() as transaction:
            shop = await applications.find(transaction, "shop")
        assert shop is not None
        assert (shop.description.owner_organization_id, shop.description.owner_name) == (acme.id, "Acme")


@pytest.mark.parametrize(
    ("declared", "problem"),
    [
        ([ACME, ACME], "organizations[acme].slug is used twice; each organization needs its own."),
        (
            [{"slug": "acme", "members": [{"user": "carol", "role": "owner"}]}],
            "organizations[acme].members names carol, whom nobody knows; add that user to the file.",
        ),
        (
            [{"slug": "acme", "members": [{"user": "ada", "role": "owner"}, {"user": "ADA", "role": "member"}]}],
            "organizations[acme].members names ADA twice.",
        ),
    ],
    ids=["slug twice", "stranger", "member twice"],
)
async def test_what_cannot_be_is_told_and_nothing_is_written(
    database: Database, declared: list[dict[str, Any]], problem: str
) -> None:
    assert await refusal(database, users=[ADA], organizations=declared) == [problem]
    async with database.transaction() as transaction:
        assert await organizations.find_many(transaction, ["acme"]) == {}


async def test_the_slug_of_a_closed_organization_is_not_declared_again(database: Database) -> None:
    report = await apply(database, users=[ADA], organizations=[ACME])
    acme = await found(database)
    async with database.transaction() as transaction:
        await organizations.close(transaction, acme.id, acme.created_at)
    assert report.changed
    assert await refusal(database, organizations=[ACME]) == [
        "organizations[acme].slug was that of an organization that is closed; choose another one."
    ]


async def test_every_deed_of_the_file_is_written_down_for_the_organization(database: Database) -> None:
    await apply(database, users=[ADA, BOB], organizations=[ACME])
    await apply(database, organizations=[ACME | {"name": "Acme Inc", "members": [{"user": "ada", "role": "admin"}]}])
    acme = await found(database)
    assert await events(database, acme.id) == [
        ("organization.created", "operator", {"after": {"slug": "acme", "name": "Acme"}}),
        ("member.added", "operator", {"after": {"role": "owner"}}),
        ("organization.changed", "operator", {"before": {"name": "Acme"}, "after": {"name": "Acme Inc"}}),
        ("member.changed", "operator", {"before": {"role": "owner"}, "after": {"role": "admin"}}),
    ]
