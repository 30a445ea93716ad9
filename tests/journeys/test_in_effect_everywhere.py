"""What is taken away is gone at the next request, on each of two workers, for the JSON API and for introspection.

Every credential is used on both workers first, so that whatever they keep of it they have.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from app.store import organizations, users
from app.store.database import Database
from tests.support.database import FreshDatabase
from tests.support.everywhere import Everywhere, Hand, everywhere, hand, introspect, like_robin
from tests.support.membership import found, join
from tests.support.race import SCOPES, USERNAME, RacedServer, raced_server
from tests.support.service import REDIRECT_URI, redeem

EVERY_MEMBERS = "project:read"
GOVERNED = ("org:read", "org:write", "org:admin", "member:read", "member:write", "member:admin", EVERY_MEMBERS)
CACHE_LAG_SECONDS = 20.0
"""Far above what the notification takes; without it what the workers keep would be good for as long as it is used."""


@pytest.fixture(scope="module")
async def raced(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[RacedServer]:
    """A server with two workers; robin, sam, kim and lee belong to an organization that nothing happens to."""
    async with raced_server(database, fresh_database, further=GOVERNED) as running:
        names = ("sam", "kim", "lee")
        await like_robin(running, *names)
        await founded(running, "home", **dict.fromkeys(names, "member"))
        yield running


@pytest.fixture
async def both(raced: RacedServer) -> AsyncIterator[Everywhere]:
    async with everywhere(raced) as workers:
        yield workers


@pytest.fixture
async def robin(raced: RacedServer) -> AsyncIterator[Hand]:
    async with hand(raced, USERNAME) as signed_in:
        yield signed_in


async def founded(raced: RacedServer, slug: str, **roles: str) -> None:
    """Found an organization that robin owns, with members by name."""
    now = datetime.now(UTC)
    organization = await found(raced.database, slug, now)
    for name, role in {USERNAME: "owner", **roles}.items():
        person = await users.find_for_sign_in(raced.database, name)
        assert person is not None
        await join(raced.database, organization, person.id, role, now)


async def personal_token(who: Hand, *scopes: str) -> dict[str, Any]:
    made: dict[str, Any] = (await who.done("POST", "/api/v1/tokens", {"name": "Nightly", "scopes": scopes})).json()
    return made


async def api_key(who: Hand, slug: str, *scopes: str) -> dict[str, Any]:
    made: dict[str, Any] = (
        await who.done("POST", f"/api/v1/organizations/{slug}/api-keys", {"label": slug, "scopes": scopes})
    ).json()
    return made


async def tokens(raced: RacedServer, *scopes: str) -> dict[str, Any]:
    """Return what the application gets for a consent of robin's."""
    async with raced.browser() as machine:
        answer: dict[str, Any] = (await redeem(machine, raced.client.client_id, await raced.new_code(*scopes))).json()
    return answer


async def itself(worker: httpx.AsyncClient, client_id: str, secret: str) -> httpx.Response:
    """Ask for a token as an application that acts for itself."""
    data = {"grant_type": "client_credentials", "scope": EVERY_MEMBERS}
    return await worker.post("/oauth/token", data=data, auth=(client_id, secret))


async def record(who: Hand) -> str:
    [one] = (await who.done("GET", "/api/v1/authorizations")).json()["items"]
    return f"/api/v1/authorizations/{one['id']}"


async def application(who: Hand, **members: Any) -> dict[str, Any]:
    """Register an application of somebody's."""
    body = {"client_name": "Short Lived", "redirect_uris": [REDIRECT_URI], **members}
    made: dict[str, Any] = (await who.done("POST", "/api/v1/applications", body)).json()
    return made


async def test_a_revoked_personal_token(both: Everywhere, robin: Hand) -> None:
    made = await personal_token(robin, EVERY_MEMBERS)
    assert await both.holds(made["token"]) == (EVERY_MEMBERS,)
    await robin.done("DELETE", f"/api/v1/tokens/{made['id']}")
    assert await both.holds(made["token"]) is None


@pytest.mark.parametrize("change", ["disabled", "narrowed", "removed"])
async def test_an_api_key_that_is_changed(raced: RacedServer, both: Everywhere, robin: Hand, change: str) -> None:
    await founded(raced, slug := f"key-{change}")
    made = await api_key(robin, slug, "org:read", "member:read")
    path = f"/api/v1/organizations/{slug}/api-keys/{made['id']}"
    assert await both.holds(made["key"]) == ("member:read", "org:read")
    match change:
        case "disabled":
            await robin.done("PATCH", path, {"status": "inactive"})
        case "narrowed":
            await robin.done("PATCH", path, {"scopes": ["org:read"]})
        case "removed":
            await robin.done("DELETE", path)
    assert await both.holds(made["key"]) == (("org:read",) if change == "narrowed" else None)


async def test_the_secret_before_of_a_rotated_key_that_is_retired(
    raced: RacedServer, both: Everywhere, robin: Hand
) -> None:
    await founded(raced, "rotating")
    made = await api_key(robin, "rotating", "org:read")
    path = f"/api/v1/organizations/rotating/api-keys/{made['id']}"
    new = (await robin.done("POST", f"{path}/rotate")).json()["key"]
    assert [await both.holds(key) for key in (made["key"], new)] == [("org:read",), ("org:read",)]
    await robin.done("POST", f"{path}/retire")
    assert [await both.holds(key) for key in (made["key"], new)] == [None, ("org:read",)]


async def test_a_closed_organization(raced: RacedServer, both: Everywhere, robin: Hand) -> None:
    await founded(raced, "closing", lee="manager")
    key = await api_key(robin, "closing", "org:read")
    async with hand(raced, "lee") as lee:
        token = await personal_token(lee, "member:write", EVERY_MEMBERS)
        path = "/api/v1/organizations/closing"
        assert await both.holds(key["key"]) == ("org:read",)
        assert await both.holds(token["token"]) == ("member:write", EVERY_MEMBERS)
        await robin.done("DELETE", path)
        assert await both.holds(key["key"]) is None
        assert await both.holds(token["token"]) == (EVERY_MEMBERS,)
        assert await both.reads(token["token"], path) == {403}
        headers = lee.headers | {"Cookie": lee.cookies}
        assert {(await worker.get(path, headers=headers)).status_code for worker in both.workers} == {404}


async def test_a_member_who_is_demoted_and_then_removed(raced: RacedServer, both: Everywhere, robin: Hand) -> None:
    await founded(raced, "demoting", sam="manager")
    person = await users.find_for_sign_in(raced.database, "sam")
    assert person is not None
    path = "/api/v1/organizations/demoting"
    async with hand(raced, "sam") as sam:
        token = (await personal_token(sam, "member:write", "member:read", EVERY_MEMBERS))["token"]
    assert await both.holds(token) == ("member:read", "member:write", EVERY_MEMBERS)
    assert await both.reads(token, f"{path}/invitations") == {200}
    await robin.done("PATCH", f"{path}/members/{person.id}", {"role": "member"})
    assert await both.holds(token) == ("member:read", EVERY_MEMBERS)
    assert await both.reads(token, f"{path}/invitations") == {403}
    assert await both.reads(token, f"{path}/members") == {200}
    await robin.done("DELETE", f"{path}/members/{person.id}")
    assert await both.holds(token) == ("member:read", EVERY_MEMBERS)  # which his role at home allows him
    assert await both.reads(token, f"{path}/members") == {404}
    found_there = await organizations.find_with_role(raced.database, "demoting", person.id)
    assert found_there is not None
    assert found_there[1] is None


async def test_a_person_whom_an_operator_disables(raced: RacedServer, both: Everywhere) -> None:
    async with hand(raced, "kim") as kim:
        token = (await personal_token(kim, EVERY_MEMBERS))["token"]
        assert await both.holds(token) == (EVERY_MEMBERS,)
        await raced.fetch("update user_account set operator = true where username = 'lee'")
        person = await users.find_for_sign_in(raced.database, "kim")
        assert person is not None
        async with hand(raced, "lee") as lee:
            await lee.done("POST", f"/api/v1/admin/users/{person.id}/disable")
            assert await both.holds(token) is None
            for worker in both.workers:
                headers = kim.headers | {"Cookie": kim.cookies}
                assert (await worker.get("/api/v1/tokens", headers=headers)).status_code == 401
            await lee.done("POST", f"/api/v1/admin/users/{person.id}/enable")
        assert await both.holds(token) is None


async def test_a_scope_that_is_taken_away_and_a_sign_in_that_is_ended(
    raced: RacedServer, both: Everywhere, robin: Hand
) -> None:
    first, second = await tokens(raced, SCOPES[0], SCOPES[1]), await tokens(raced, SCOPES[0], SCOPES[1])
    assert await both.holds(first["access_token"]) == (SCOPES[0], SCOPES[1])
    await robin.done("DELETE", f"{await record(robin)}/scopes/{SCOPES[1]}")
    assert await both.holds(first["access_token"]) == (SCOPES[0],)
    assert await both.holds(second["access_token"]) == (SCOPES[0],)
    families = (await robin.done("GET", f"{await record(robin)}/families")).json()["items"]
    newest = max(family["id"] for family in families)
    await robin.done("DELETE", f"{await record(robin)}/families/{newest}")
    assert await both.holds(second["access_token"]) is None
    assert await both.holds(first["access_token"]) == (SCOPES[0],)
    assert await both.introspected(second["refresh_token"]) == [None, None]
    await robin.done("DELETE", await record(robin))
    assert await both.holds(first["access_token"]) is None


@pytest.mark.parametrize("change", ["disable", "delete"])
async def test_the_tokens_of_an_application_that_is_switched_off_or_deleted(
    raced: RacedServer, both: Everywhere, robin: Hand, change: str
) -> None:
    await raced.fetch("update application set owner_user_id = $1 where client_id = 'web'", raced.user.id)
    judge = await application(robin)
    token = (await tokens(raced, SCOPES[2]))["access_token"]
    auth = judge["client_id"], judge["client_secret"]
    assert {(await introspect(worker, token, *auth)).json()["active"] for worker in both.workers} == {True}
    assert await both.opens(token) == [(SCOPES[2],)] * 2
    path = f"/api/v1/applications/{raced.client.client_id}"
    if change == "disable":
        await robin.done("POST", f"{path}/disable")
    else:
        await robin.done("DELETE", path)
    assert {(await introspect(worker, token, *auth)).json()["active"] for worker in both.workers} == {False}
    assert await both.opens(token) == [None, None]
    await robin.done("POST", f"{path}/{'enable' if change == 'disable' else 'restore'}")
    assert {(await introspect(worker, token, *auth)).json()["active"] for worker in both.workers} == {False}


@pytest.mark.parametrize("change", ["disable", "delete"])
async def test_the_tokens_that_an_application_got_for_itself_when_it_is_switched_off_or_deleted(
    raced: RacedServer, both: Everywhere, robin: Hand, change: str
) -> None:
    made = await application(robin, grant_types=["client_credentials"], redirect_uris=[])
    await raced.fetch(f"update application set verified = true where client_id = '{made['client_id']}'")
    auth, path = (made["client_id"], made["client_secret"]), f"/api/v1/applications/{made['client_id']}"
    issued = [await itself(worker, *auth) for worker in (*both.workers, *both.workers)]
    assert {answer.status_code for answer in issued} == {200}
    held = [answer.json()["access_token"] for answer in issued]
    assert [await both.holds(token) for token in held] == [(EVERY_MEMBERS,)] * len(held)
    await (robin.done("POST", f"{path}/disable") if change == "disable" else robin.done("DELETE", path))
    refused = [await itself(worker, *auth) for worker in both.workers]  # with the next request, cached or not
    assert {answer.status_code for answer in refused} == {401}
    assert [await both.holds(token) for token in held] == [None] * len(held)
    await robin.done("POST", f"{path}/{'enable' if change == 'disable' else 'restore'}")
    assert [await both.holds(token) for token in held] == [None] * len(held)
    assert await both.holds((await itself(both.workers[0], *auth)).json()["access_token"]) == (EVERY_MEMBERS,)


@pytest.mark.parametrize("change", ["switched off", "deleted", "secret retired"])
async def test_an_application_that_asks_is_refused_as_soon_as_the_workers_have_heard(
    both: Everywhere, robin: Hand, change: str
) -> None:
    """Whoever only reads may be let in from the cache until the notification is there (storage.md §7)."""
    made = await application(robin)
    auth, path = (made["client_id"], made["client_secret"]), f"/api/v1/applications/{made['client_id']}"
    [old] = (await robin.done("GET", f"{path}/secrets")).json()["items"]
    new = (await robin.done("POST", f"{path}/secrets")).json()["client_secret"]
    for worker in (*both.workers, *both.workers):
        assert (await introspect(worker, "nonsense", *auth)).status_code == 200
    match change:
        case "switched off":
            await robin.done("POST", f"{path}/disable")
        case "deleted":
            await robin.done("DELETE", path)
        case _:
            await robin.done("DELETE", f"{path}/secrets/{old['id']}")
    lags = await asyncio.gather(*(_refused_after(worker, *auth) for worker in both.workers))
    assert max(lags) < CACHE_LAG_SECONDS
    survives = {(await introspect(worker, "nonsense", auth[0], new)).status_code for worker in both.workers}
    assert survives == ({200} if change == "secret retired" else {401})


async def test_a_new_secret_works_at_once_on_every_worker_whatever_they_keep_of_the_application(
    both: Everywhere, robin: Hand
) -> None:
    made = await application(robin)
    path = f"/api/v1/applications/{made['client_id']}"
    secret = made["client_secret"]
    token = (await personal_token(robin, EVERY_MEMBERS))["token"]
    for _ in range(30):
        for worker in both.workers:  # each keeps the application as it is
            assert (await introspect(worker, token, made["client_id"], secret)).status_code == 200
        [old] = (await robin.done("GET", f"{path}/secrets")).json()["items"]
        secret = (await robin.done("POST", f"{path}/secrets")).json()["client_secret"]
        answers = await asyncio.gather(
            *(introspect(worker, token, made["client_id"], secret) for worker in both.workers)
        )
        assert [answer.status_code for answer in answers] == [200, 200]
        await robin.done("DELETE", f"{path}/secrets/{old['id']}")


async def test_nothing_is_issued_for_a_retired_secret_although_a_worker_may_still_know_it(
    raced: RacedServer, both: Everywhere, robin: Hand
) -> None:
    await raced.fetch("update application set owner_user_id = $1 where client_id = 'web'", raced.user.id)
    path = f"/api/v1/applications/{raced.client.client_id}"
    secret = (await robin.done("POST", f"{path}/secrets")).json()
    family = await tokens(raced, SCOPES[3])
    for _ in range(5):
        auth = raced.client.client_id, secret["client_secret"]
        form = {"grant_type": "refresh_token", "refresh_token": family["refresh_token"]}
        for worker in both.workers:
            answer = await worker.post("/oauth/token", data=form, auth=auth)
            assert answer.status_code == 200, answer.text
            form["refresh_token"] = family["refresh_token"] = answer.json()["refresh_token"]
        await robin.done("DELETE", f"{path}/secrets/{secret['id']}")
        late = await asyncio.gather(*(worker.post("/oauth/token", data=form, auth=auth) for worker in both.workers))
        assert [answer.json().get("error") for answer in late] == ["invalid_client", "invalid_client"]
        secret = (await robin.done("POST", f"{path}/secrets")).json()


async def _refused_after(worker: httpx.AsyncClient, client_id: str, secret: str) -> float:
    """Return for how many seconds from now a worker lets an application ask."""
    begun = time.monotonic()
    while (await introspect(worker, "nonsense", client_id, secret)).status_code == 200:
        assert time.monotonic() - begun < 60, "it is let in for ever"
    return time.monotonic() - begun
