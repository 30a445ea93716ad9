"""Attempts to get further than one's role, one's own things, or one's share of the server."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from app.models import Application
from app.protocol.roles import DEFAULT
from app.routers.cursors import cursor_of
from app.store.database import Database
from tests.support.api_person import assert_problem
from tests.support.credentials import bearer, change, personal_token
from tests.support.membership import join
from tests.support.service import Service, fields_of, obtain_code, redeem, service
from tests.support.worlds import Visit, World, a_world, sign_in_again, visit


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """The application with two worlds and an application of the operator's."""
    async with service(database) as running:
        await running.application("web")
        yield running


@pytest.fixture(scope="module")
async def own(site: Service) -> World:
    """The world of an owner."""
    return await a_world(site, "Mallowfen")


@pytest.fixture(scope="module")
async def theirs(site: Service) -> World:
    """Somebody else's world."""
    return await a_world(site, "Quillwort")


@pytest.fixture
async def me(site: Service, own: World, browser: httpx.AsyncClient) -> Visit:
    """The owner, signed in just now."""
    return await visit(browser, await sign_in_again(site, own.user_id))


async def member(site: Service, own: World, name: str, role: str) -> UUID:
    """Add a person with a role to the owner's organization."""
    user_id = await site.user(name)
    await join(site.database, own.organization_id, user_id, role, site.clock())
    return user_id


async def demote(site: Service, own: World, user_id: UUID, role: str) -> None:
    """Give somebody another role behind the server's back, as another worker would."""
    statement = text("update organization_member set role = :role where user_id = :user and organization_id = :one")
    async with site.database.transaction() as transaction:
        await transaction.execute(statement, {"role": role, "user": user_id, "one": own.organization_id})


async def test_sessions_tokens_and_links_of_a_demoted_owner_are_worth_what_his_new_role_is(
    site: Service, own: World, browser: httpx.AsyncClient
) -> None:
    boss = await member(site, own, "boss", "owner")
    path = f"/api/v1/organizations/{own.ids['slug']}"
    _, token = await personal_token(site, boss, "org:admin", "org:write", "member:admin", "org:read")
    visiting = await visit(browser, await sign_in_again(site, boss))
    link = (await visiting.send("POST", f"{path}/invitations", {"role": "owner"})).json()["url"].rpartition("/")[2]
    await demote(site, own, boss, "member")
    for headers in ({}, bearer(token)):
        for method, below, body in (
            ("PATCH", "", {"name": "Taken"}),
            ("DELETE", "", None),
            ("POST", "/invitations", {"role": "member"}),
            ("PATCH", f"/members/{boss}", {"role": "owner"}),
            ("DELETE", f"/members/{own.user_id}", None),
        ):
            if headers:
                answer = await browser.request(method, path + below, json=body, headers=headers)
            else:
                answer = await visiting.send(method, path + below, body)
            assert answer.status_code == 403, (method, below, answer.text)
    assert (await visiting.send("POST", f"{path}/api-keys", {"label": "Mine"})).status_code == 403
    friend = await visit(browser, await sign_in_again(site, await site.user("friend")))
    assert (await friend.form("/invitations", link=link)).status_code >= 400
    assert (await friend.get(path)).status_code == 404


async def test_nobody_raises_himself_by_any_way_there_is(site: Service, own: World, browser: httpx.AsyncClient) -> None:
    manager = await member(site, own, "climber", "manager")
    visiting = await visit(browser, await sign_in_again(site, manager))
    path = f"/api/v1/organizations/{own.ids['slug']}"
    for method, below, body in (
        ("PATCH", f"/members/{manager}", {"role": "owner"}),
        ("POST", "/invitations", {"role": "owner"}),
        ("POST", "/members", {"username": "climber", "role": "owner"}),
        ("POST", "/api-keys", {"scopes": ["org:admin"]}),
        ("PATCH", f"/members/{own.user_id}", {"role": "member"}),
    ):
        assert (await visiting.send(method, path + below, body)).status_code == 403, below
    link = (await visiting.send("POST", f"{path}/invitations", {"role": "admin"})).json()["url"].rpartition("/")[2]
    assert "You are a member" in (await visiting.form("/invitations", link=link)).text
    assert (await visiting.get(f"{path}/members/{manager}")).json()["role"] == "manager"
    answer = await visiting.send("POST", "/api/v1/tokens", {"name": "Climb", "scopes": ["org:admin"]})
    assert_problem(answer, 400, "invalid-request")


MEMBERS_THAT_NOBODY_SETS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("PATCH", "/api/v1/applications/{client}", {"verified": True}),
    ("PATCH", "/api/v1/applications/{client}", {"status": "active"}),
    ("PATCH", "/api/v1/applications/{client}", {"client_id": "web"}),
    ("PATCH", "/api/v1/applications/{client}", {"owner_user_id": None}),
    ("PATCH", "/api/v1/applications/{client}", {"policy": {"refresh": "keep"}}),
    ("PATCH", "/api/v1/applications/{client}", {"self_registered": False}),
    ("PATCH", "/api/v1/applications/{client}", {"secret_digests": []}),
    ("PATCH", "/api/v1/applications/{client}", {"client_name#de": "Bank"}),
    ("PATCH", "/api/v1/applications/{client}", {"response_types": ["token"]}),
    ("PATCH", "/api/v1/applications/{client}", {"grant_types": ["implicit"]}),
    ("POST", "/api/v1/applications", {"client_secret": "known"}),
    ("POST", "/api/v1/tokens", {"name": "x", "scopes": ["event:read"], "user_id": "{user}"}),
    ("PATCH", "/api/v1/tokens/{token}", {"name": "x", "scopes": ["org:admin"]}),
    ("PATCH", "/api/v1/tokens/{token}", {"name": "x", "expires_at": None}),
    ("PATCH", "/api/v1/organizations/{slug}", {"name": "x", "slug": "other"}),
    ("PATCH", "/api/v1/organizations/{slug}/members/{companion}", {"role": "member", "user_id": "{user}"}),
    ("PATCH", "/api/v1/organizations/{slug}/api-keys/{key}", {"organization_id": "{user}"}),
    ("PATCH", "/api/v1/organizations/{slug}/api-keys/{key}", {"digest": "x"}),
    ("POST", "/api/v1/organizations/{slug}/api-keys", {"key": "asak_chosen"}),
    ("POST", "/api/v1/organizations/{slug}/invitations", {"role": "member", "invited_by": "{user}"}),
)


@pytest.mark.parametrize(("method", "path", "body"), MEMBERS_THAT_NOBODY_SETS)
async def test_what_is_not_offered_cannot_be_set(
    me: Visit, own: World, method: str, path: str, body: dict[str, Any]
) -> None:
    where = path.format_map(own.ids)
    before = (await me.get(where)).json() if method == "PATCH" else None
    assert_problem(await me.send(method, where, body), 400, "invalid-request")
    assert before is None or (await me.get(where)).json() == before


async def test_an_application_that_acts_for_two_people_keeps_their_repeats_apart(
    site: Service, own: World, browser: httpx.AsyncClient
) -> None:
    """Once, both had one key: the second was told that it was done, and could spend the first one's beforehand."""
    path = f"/api/v1/organizations/{own.ids['slug']}/invitations"
    made = []
    for name in ("twin-a", "twin-b"):
        await member(site, own, name, "manager")
        async with site.browser() as signed_in:
            code = await obtain_code(signed_in, "web", name, scope=" ".join((*DEFAULT["member"], "member:write")))
            token = (await redeem(signed_in, "web", code)).json()["access_token"]
        headers = bearer(token) | {"Idempotency-Key": "1"}
        made.append(await browser.post(path, json={"role": "member"}, headers=headers))
    assert [answer.status_code for answer in made] == [201, 201], made[1].text
    assert made[0].json()["id"] != made[1].json()["id"]


async def test_a_check_of_the_operators_does_not_outlive_the_name_of_the_owner(
    site: Service, me: Visit, own: World
) -> None:
    """Once, an organization could take the name of a bank after its application had been checked."""
    client_id = own.ids["shared"]
    async with site.database.transaction() as transaction:
        statement = text("update application set verified = true, checked_note = 'seen' where client_id = :id")
        await transaction.execute(statement, {"id": client_id})
    answer = await me.send("PATCH", f"/api/v1/organizations/{own.ids['slug']}", {"name": "Grand Bank"})
    assert answer.status_code == 200
    async with site.database.transaction() as transaction:
        query = text("select owner_name, verified, checked_note from application where client_id = :id")
        assert (await transaction.execute(query, {"id": client_id})).one() == ("Grand Bank", False, "")
    trail = (await me.get(f"/api/v1/organizations/{own.ids['slug']}/audit?target={client_id}")).json()["items"]
    assert [entry["event"] for entry in trail] == ["application.unchecked"]


async def test_what_changed_under_the_eyes_of_the_operator_is_not_checked(site: Service, me: Visit, own: World) -> None:
    """Once, a name that was changed between his look and his click got his mark of approval."""
    boss = await a_world(site, "Overseer", operator=True)
    client_id = own.ids["client"]
    async with site.browser() as desk:
        operator = await visit(desk, boss.secrets["session"])
        seen = await operator.get(f"/api/v1/admin/applications/{client_id}")
        page = await operator.get(f"/admin/applications/{client_id}")
        version = int(fields_of(page)["version"])
        assert seen.headers["etag"] == f'"{version}"'
        await me.send("PATCH", f"/api/v1/applications/{client_id}", {"client_name": "Grand Bank"})
        answer = await operator.send(
            "PUT",
            f"/api/v1/admin/applications/{client_id}/check",
            {"checked": True},
            If_Match=seen.headers["etag"],
        )
        assert_problem(answer, 412, "version-changed")
        again = await operator.form(
            f"/admin/applications/{client_id}/check", checked="yes", note="seen", version=version
        )
        assert again.status_code == 422
        assert "has changed since this page was opened" in again.text
        assert (await operator.get(f"/api/v1/admin/applications/{client_id}")).json()["checked"] is False
        looked = fields_of(again)["version"]
        done = await operator.form(f"/admin/applications/{client_id}/check", checked="yes", note="seen", version=looked)
        assert done.status_code == 303
        assert (await operator.get(f"/api/v1/admin/applications/{client_id}")).json()["checked"] is True


TURNED = "invoice\u202efdp.exe"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/v1/applications", {"client_name": TURNED}),
        ("PATCH", "/api/v1/applications/{client}", {"client_name": TURNED}),
        ("PATCH", "/api/v1/applications/{client}", {"client_uri": "javascript:alert(1)"}),
        ("PATCH", "/api/v1/applications/{client}", {"tos_uri": "data:text/html,x"}),
        ("PATCH", "/api/v1/applications/{client}", {"redirect_uris": ["javascript:alert(1)"]}),
        ("PATCH", "/api/v1/applications/{client}", {"allowed_origins": ["https://\u0435xample.com"]}),
        ("POST", "/api/v1/tokens", {"name": TURNED, "scopes": ["event:read"]}),
        ("PATCH", "/api/v1/tokens/{token}", {"name": TURNED}),
        ("POST", "/api/v1/organizations", {"slug": "fdp-exe", "name": TURNED}),
        ("PATCH", "/api/v1/organizations/{slug}", {"name": TURNED}),
        ("POST", "/api/v1/organizations/{slug}/invitations", {"role": "member", "note": TURNED}),
        ("POST", "/api/v1/organizations/{slug}/api-keys", {"label": TURNED}),
        ("PATCH", "/api/v1/organizations/{slug}/api-keys/{key}", {"label": TURNED}),
    ],
)
async def test_letters_that_turn_the_line_and_addresses_that_run_are_refused(
    me: Visit, own: World, method: str, path: str, body: dict[str, Any]
) -> None:
    assert_problem(await me.send(method, path.format_map(own.ids), body), 400, "invalid-request")


async def test_what_waits_for_its_deletion_cannot_be_used_handed_over_or_given_secrets(
    site: Service, me: Visit, own: World
) -> None:
    path = f"/api/v1/applications/{own.ids['leaving']}"
    for method, below, body in (
        ("PATCH", "", {"client_name": "Back"}),
        ("PATCH", "", {"organization": own.ids["slug"]}),
        ("POST", "/secrets", None),
        ("POST", "/enable", None),
    ):
        assert_problem(await me.send(method, path + below, body), 409, "conflict")
    async with site.database.transaction() as transaction:
        row = (
            await transaction.execute(
                text("select id from application where client_id = :id"), {"id": own.ids["leaving"]}
            )
        ).one()
    await change(site, Application, row.id, status="deletion_in_progress")
    for method, below in (("POST", "/restore"), ("DELETE", ""), ("GET", "")):
        assert_problem(await me.send(method, path + below), 404, "not-found")


async def test_a_cursor_of_somebody_elses_opens_nothing(me: Visit, theirs: World) -> None:
    lists = ("/api/v1/tokens", "/api/v1/authorizations", "/api/v1/organizations", "/api/v1/audit")
    for kind in ("user", "record", "token", "key", "invitation", "organization_id"):
        for path in lists:
            answer = await me.get(f"{path}?cursor={cursor_of(UUID(theirs.ids[kind]))}")
            assert answer.status_code == 200
            assert theirs.mark not in answer.text


@pytest.mark.parametrize("twist", ["{}=", " {}", "{}A", "{}%00", "%00", "'; drop table audit--"])
async def test_a_cursor_that_was_tampered_with_is_refused(me: Visit, theirs: World, twist: str) -> None:
    cursor = twist.format(cursor_of(UUID(theirs.ids["user"])))
    for path in ("/api/v1/tokens", "/api/v1/audit", "/api/v1/organizations", "/api/v1/applications"):
        assert_problem(await me.get(f"{path}?cursor={cursor}"), 400, "invalid-request")
