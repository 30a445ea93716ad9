"""Attempts by number: more things than anybody needs, bodies that cost more than they weigh, many changes at once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.services.application_obstacles import MOST_APPLICATIONS
from app.services.invitations import MAX_OPEN
from app.services.organizations import MAX_MEMBERSHIPS
from app.store.database import Database
from tests.support.api_person import assert_problem
from tests.support.service import Service, service
from tests.support.worlds import Visit, World, a_world, browser_headers, sign_in_again, visit

AT_ONCE = 20


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """The application."""
    async with service(database) as running:
        yield running


@pytest.fixture(scope="module")
async def own(site: Service) -> World:
    """The world of an owner."""
    return await a_world(site, "Mallowfen")


@pytest.fixture
async def me(site: Service, own: World, browser: httpx.AsyncClient) -> Visit:
    """The owner, signed in just now."""
    return await visit(browser, await sign_in_again(site, own.user_id))


async def crowd(me: Visit, method: str, path: str, bodies: list[Any]) -> list[int]:
    """Send all of these at once and return the statuses."""
    answers = await asyncio.gather(*(me.send(method, path, body) for body in bodies))
    assert all(answer.json()["detail"] for answer in answers if answer.status_code == 409)
    return sorted(answer.status_code for answer in answers)


@pytest.mark.parametrize("organization", [False, True], ids=["of a person", "of an organization"])
async def test_nobody_fills_the_server_with_applications(
    site: Service, me: Visit, own: World, organization: bool
) -> None:
    owner = "owner_organization_id" if organization else "owner_user_id"
    owner_id = own.organization_id if organization else own.user_id
    fill = text(f"""
        insert into application (id, client_id, name, kind, auth_method, {owner}, created_at, updated_at, metadata,
                                 status, version, epoch, owner_name, client_uri, secret_digests, redirect_uris,
                                 grant_types, response_types, optional_scopes, policy, unmet, self_registered,
                                 verified, allowed_origins, off_by, checked_note)
        select gen_random_uuid(), md5(n::text || '{owner}'), 'Filler', 'web', 'none', :owner, now(), now(), '{{}}',
               'active', 1, 0, '', '', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', false, false,
               '{{}}', '', ''
        from generate_series(1, :count) n
    """)
    count = text(f"select count(*) from application where {owner} = :owner and deleted_at is null")
    async with site.database.transaction() as transaction:
        there = (await transaction.scalars(count, {"owner": owner_id})).one()
        await transaction.execute(fill, {"owner": owner_id, "count": MOST_APPLICATIONS - there - 1})
    body = {"organization": own.ids["slug"]} if organization else {}
    assert await crowd(me, "POST", "/api/v1/applications", [body] * AT_ONCE) == [201] + [409] * (AT_ONCE - 1)
    async with site.database.transaction() as transaction:
        assert (await transaction.scalars(count, {"owner": owner_id})).one() == MOST_APPLICATIONS
    fields = {"name": "One more", "kind": "machine", "owner": own.ids["slug"] if organization else "me"}
    page = await me.form("/apps/new", **fields)
    assert page.status_code == 422
    assert f"at most {MOST_APPLICATIONS} applications" in page.text


async def test_what_is_handed_over_counts_where_it_arrives(site: Service, me: Visit, own: World) -> None:
    """Both owners are full since the test before: neither takes another one, and nothing is lost."""
    for client, organization in ((own.ids["client"], own.ids["slug"]), (own.ids["shared"], None)):
        path = f"/api/v1/applications/{client}"
        assert_problem(await me.send("PATCH", path, {"organization": organization}), 409, "conflict")
        assert (await me.get(path)).status_code == 200
    version = (await me.get(f"/api/v1/applications/{own.ids['client']}")).json()["version"]
    page = await me.form(f"/apps/{own.ids['client']}/hand-over", owner=own.ids["slug"], version=version)
    assert page.status_code == 422
    assert f"at most {MOST_APPLICATIONS} applications" in page.text
    renamed = await me.send("PATCH", f"/api/v1/applications/{own.ids['client']}", {"client_name": "Still mine"})
    assert renamed.status_code == 200


async def test_nobody_fills_the_server_with_organizations(site: Service, browser: httpx.AsyncClient) -> None:
    founder = await site.user("founder")
    fill = """
        with made as (insert into organization (id, slug, name, version, created_at, updated_at)
                      select gen_random_uuid(), 'filler-' || n, 'Filler', 1, now(), now()
                      from generate_series(1, :count) n returning id)
        insert into organization_member (organization_id, user_id, role, version, joined_at)
        select id, :user, 'member', 1, now() from made
    """
    async with site.database.transaction() as transaction:
        await transaction.execute(text(fill), {"count": MAX_MEMBERSHIPS - 1, "user": founder})
    visiting = await visit(browser, await sign_in_again(site, founder))
    bodies = [{"slug": f"founded-{number}", "name": "Founded"} for number in range(AT_ONCE)]
    assert await crowd(visiting, "POST", "/api/v1/organizations", bodies) == [201] + [409] * (AT_ONCE - 1)
    page = await visiting.form("/organizations", slug="one-more", name="One more")
    assert page.status_code == 422
    assert f"You belong to {MAX_MEMBERSHIPS} organizations" in page.text


async def test_nobody_fills_the_server_with_invitations(site: Service, me: Visit, own: World) -> None:
    path = f"/api/v1/organizations/{own.ids['slug']}/invitations"
    fill = """
        insert into organization_invitation (id, digest, organization_id, role, note, created_at, expires_at)
        select gen_random_uuid(), sha256(n::text::bytea), :one, 'member', '', now(), '2100-01-01'
        from generate_series(1, :count) n
    """
    query = text(
        "select count(*) from organization_invitation"
        " where organization_id = :one and used_at is null and revoked_at is null"
    )
    async with site.database.transaction() as transaction:
        open_now = (await transaction.scalars(query, {"one": own.organization_id})).one()
        values = {"one": own.organization_id, "count": MAX_OPEN - open_now - 1}
        await transaction.execute(text(fill), values)
    assert await crowd(me, "POST", path, [{"role": "member"}] * AT_ONCE) == [201] + [409] * (AT_ONCE - 1)
    page = await me.form(f"/organizations/{own.ids['slug']}/invitations", role="member", note="one more")
    assert page.status_code == 422
    assert f"There are {MAX_OPEN} open invitations" in page.text


@pytest.mark.parametrize(
    "body",
    [
        '{"name": "x", "scopes": [' + ",".join(["1"] * 50_000) + "]}",
        "{" + ",".join(f'"a{number}": 1' for number in range(50_000)) + "}",
        '{"redirect_uris": [' + ",".join(["[[[1]]]"] * 20_000) + "]}",
    ],
    ids=["a long list", "many members", "nested lists"],
)
async def test_a_body_of_many_wrong_values_costs_no_answer_many_times_its_size(me: Visit, body: str) -> None:
    """Once, 900 kB kept a worker busy for seconds and came back as 7 MB."""
    for path in ("/api/v1/tokens", "/api/v1/applications"):
        headers = browser_headers(me.csrf, me.session) | {"Content-Type": "application/json"}
        answer = await me.client.post(path, content=body, headers=headers)
        assert_problem(answer, 400, "invalid-request")
        assert len(answer.content) < 1_000


async def test_of_twenty_changes_meant_for_one_version_one_happens(me: Visit, own: World) -> None:
    place = f"/api/v1/organizations/{own.ids['slug']}"
    for path, member in (
        (f"/api/v1/applications/{own.ids['client']}", "client_name"),
        (f"/api/v1/tokens/{own.ids['token']}", "name"),
        (place, "name"),
        (f"{place}/api-keys/{own.ids['key']}", "label"),
    ):
        seen = await me.get(path)
        answers = await asyncio.gather(
            *(
                me.send("PATCH", path, {member: f"Number {number}"}, If_Match=seen.headers["etag"])
                for number in range(AT_ONCE)
            )
        )
        assert sorted(answer.status_code for answer in answers) == [200] + [412] * (AT_ONCE - 1), path
        [won] = [answer for answer in answers if answer.status_code == 200]
        assert (await me.get(path)).json() == won.json()
        assert won.json()["version"] == seen.json()["version"] + 1
