"""What may be made, used or taken once is so, however many ask at the same moment over two workers."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from app.services.application_obstacles import MOST_APPLICATIONS
from app.store import users
from app.store.database import Database
from tests.support.database import FreshDatabase
from tests.support.everywhere import Hand, hand, like_robin
from tests.support.membership import found, join
from tests.support.race import CONNECTIONS, USERNAME, RacedServer, raced_server
from tests.support.service import REDIRECT_URI

GOVERNED = ("org:read", "org:write", "org:admin", "member:read", "member:write", "member:admin")
OPERATORS = tuple(f"operator{number:02}" for number in range(CONNECTIONS))
ORGANIZATIONS = "/api/v1/organizations"
NORTHQUAY = f"{ORGANIZATIONS}/northquay"


OLD_CLIENT, OLD_SECRET = "c1" * 32, "5e" * 32
OLD = {
    "applications": [{"client_id": OLD_CLIENT, "client_secret": OLD_SECRET, "redirect_uris": [REDIRECT_URI]}],
    "authorizations": [{"application": OLD_CLIENT, "user": USERNAME, "scope_list": ["org:read"]}],
    "tokens": [
        {
            "application": OLD_CLIENT,
            "user": USERNAME,
            "token": "a0" * 32,
            "refresh_token": "b0" * 32,
            "scope_list": ["org:read"],
        }
    ],
}
"""What an old system left: one consent with its pair of tokens."""

FILL = """
insert into application (id, client_id, name, kind, auth_method, owner_user_id, created_at, updated_at)
select gen_random_uuid(), gen_random_uuid()::text, 'Filler', 'web', 'none', $2, now(), now()
  from generate_series(1, $1)"""


@dataclass(frozen=True, slots=True)
class Deed:
    """A POST that takes an Idempotency-Key. `told_again`: its answer holds no secret, so a repeat gets it as well."""

    path: str
    body: dict[str, Any] | None
    counted: str
    told_again: bool = False


DEEDS = {
    "application": Deed("/api/v1/applications", {"client_name": "Once"}, "application where name = 'Once'"),
    "token": Deed("/api/v1/tokens", {"name": "Once", "scopes": ["org:read"]}, "personal_token where name = 'Once'"),
    "organization": Deed(
        ORGANIZATIONS, {"slug": "once", "name": "Once"}, "organization where slug = 'once'", told_again=True
    ),
    "invitation": Deed(f"{NORTHQUAY}/invitations", {"role": "member", "note": "Once"}, "organization_invitation"),
    "key": Deed(f"{NORTHQUAY}/api-keys", {"label": "Once"}, "api_key where label = 'Once'"),
}


@pytest.fixture(scope="module")
async def raced(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[RacedServer]:
    """A server with two workers; robin owns northquay, and there are twenty operators."""
    async with raced_server(database, fresh_database, further=GOVERNED) as running:
        await like_robin(running, *OPERATORS, operator=True)
        now = datetime.now(UTC)
        await join(database, await found(database, "northquay", now), running.user.id, "owner", now)
        yield running


@pytest.fixture
async def robin(raced: RacedServer) -> AsyncIterator[Hand]:
    async with hand(raced, USERNAME) as signed_in:
        yield signed_in


async def race(raced: RacedServer, who: Hand, *requests: tuple[str, str, Any], **headers: str) -> list[httpx.Response]:
    """Send requests of one person's at the same moment, each over a connection of its own."""
    more = who.headers | {name.replace("_", "-"): value for name, value in headers.items()}
    async with raced.rivals(len(requests), browser=who.browser) as rivals:
        return await asyncio.gather(
            *(
                rival.request(method, path, json=body, headers=more)
                for rival, (method, path, body) in zip(rivals, requests, strict=True)
            )
        )


def statuses(answers: list[httpx.Response]) -> Counter[int]:
    """Count the answers by status."""
    return Counter(answer.status_code for answer in answers)


async def count(raced: RacedServer, what: str) -> int:
    """Count rows; `what` is the end of a query."""
    [row] = await raced.fetch(f"select count(*) from {what}")
    return int(row[0])


@pytest.mark.parametrize("name", DEEDS)
async def test_one_idempotency_key_sent_twenty_times_is_one_deed(raced: RacedServer, robin: Hand, name: str) -> None:
    deed = DEEDS[name]
    answers = await race(raced, robin, *[("POST", deed.path, deed.body)] * CONNECTIONS, Idempotency_Key=f"once {name}")
    made = [answer for answer in answers if answer.is_success and "idempotency-replayed" not in answer.headers]
    rest = [answer for answer in answers if answer not in made]
    assert len(made) == 1, statuses(answers)
    assert await count(raced, deed.counted) == 1
    if deed.told_again:
        assert {answer.headers["idempotency-replayed"] for answer in rest} == {"true"}
        assert {answer.json()["id"] for answer in answers} == {made[0].json()["id"]}
    else:
        assert {(answer.status_code, answer.json()["type"].rpartition("-")[2]) for answer in rest} == {(409, "done")}
        new = made[0].json()
        assert {answer.json()["resource_id"] for answer in rest} <= {new.get("id"), new.get("client_id")}


async def test_one_idempotency_key_sent_twenty_times_adds_one_secret(raced: RacedServer, robin: Hand) -> None:
    made = (await robin.done("POST", "/api/v1/applications", {"client_name": "Secretive"})).json()
    path = f"/api/v1/applications/{made['client_id']}/secrets"
    answers = await race(raced, robin, *[("POST", path, None)] * CONNECTIONS, Idempotency_Key="once secret")
    assert statuses(answers) == {201: 1, 409: CONNECTIONS - 1}
    [new] = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    assert {answer.json()["resource_id"] for answer in answers if answer.status_code == 409} == {new}
    assert len((await robin.done("GET", path)).json()["items"]) == 2


async def test_one_idempotency_key_sent_twenty_times_rotates_once(raced: RacedServer, robin: Hand) -> None:
    key = (await robin.done("POST", f"{NORTHQUAY}/api-keys", {"label": "Rotating"})).json()
    path = f"{NORTHQUAY}/api-keys/{key['id']}/rotate"
    answers = await race(raced, robin, *[("POST", path, None)] * CONNECTIONS, Idempotency_Key="once rotated")
    assert statuses(answers) == {200: 1, 409: CONNECTIONS - 1}
    assert {answer.json()["resource_id"] for answer in answers if answer.status_code == 409} == {key["id"]}
    assert await count(raced, f"audit where subject_id = '{key['id']}' and event = 'api_key.rotated'") == 1


async def test_one_key_for_twenty_different_requests_does_one_of_them(raced: RacedServer, robin: Hand) -> None:
    requests = [("POST", "/api/v1/applications", {"client_name": f"Rival {number}"}) for number in range(CONNECTIONS)]
    answers = await race(raced, robin, *requests, Idempotency_Key="twenty")
    assert statuses(answers)[201] == 1
    assert len(statuses(answers)) == 2
    assert await count(raced, "application where name like 'Rival %'") == 1


async def test_an_application_never_has_more_than_two_secrets_and_never_none(raced: RacedServer, robin: Hand) -> None:
    made = (await robin.done("POST", "/api/v1/applications", {"client_name": "Two At Most"})).json()
    path = f"/api/v1/applications/{made['client_id']}/secrets"
    answers = await race(raced, robin, *[("POST", path, None)] * CONNECTIONS)
    assert statuses(answers) == {201: 1, 409: CONNECTIONS - 1}
    secrets = [one["id"] for one in (await robin.done("GET", path)).json()["items"]]
    retirements = [("DELETE", f"{path}/{secrets[number % 2]}", None) for number in range(CONNECTIONS)]
    answers = await race(raced, robin, *retirements)
    assert statuses(answers)[204] == 1
    assert set(statuses(answers)) <= {204, 404, 409}
    [left] = (await robin.done("GET", path)).json()["items"]
    [row] = await raced.fetch("select secret_digests from application where client_id = $1", made["client_id"])
    [kept] = await raced.fetch("select digest from application_secret where id = $1::text::uuid", left["id"])
    assert row["secret_digests"] == [kept["digest"]]


async def test_an_application_is_deleted_and_restored_once_each_whoever_is_first(
    raced: RacedServer, robin: Hand
) -> None:
    made = (await robin.done("POST", "/api/v1/applications", {"client_name": "To And Fro"})).json()
    path = f"/api/v1/applications/{made['client_id']}"
    await robin.done("DELETE", path)
    answers = await race(raced, robin, *[("POST", f"{path}/restore", None)] * CONNECTIONS)
    assert statuses(answers) == {200: 1, 409: CONNECTIONS - 1}
    both = [("DELETE", path, None), ("POST", f"{path}/restore", None)] * (CONNECTIONS // 2)
    answers = await race(raced, robin, *both)
    assert set(statuses(answers)) <= {200, 202, 204, 409}
    rows = await raced.fetch(
        "select event from audit where subject_id = $1 and event like 'application.%' order by id", made["client_id"]
    )
    told = [row["event"].removeprefix("application.") for row in rows]
    assert told[0] == "created"
    moves = Counter(told[1:])
    assert moves.keys() <= {"deletion_asked", "restored"}
    state = (await robin.done("GET", path)).json()["status"]
    assert moves["deletion_asked"] - moves["restored"] == (state == "pending_deletion")


@pytest.mark.parametrize("name", ["application", "token", "key", "organization"])
async def test_of_twenty_changes_to_one_version_one_comes_about(raced: RacedServer, robin: Hand, name: str) -> None:
    deed = DEEDS[name]
    body = {**(deed.body or {}), **({"slug": "renamed"} if name == "organization" else {})}
    made = (await robin.done("POST", deed.path, body)).json()
    path = f"{deed.path}/{made['slug' if name == 'organization' else 'client_id' if name == 'application' else 'id']}"
    etag = (await robin.done("GET", path)).headers["etag"]
    member = {"application": "client_name", "key": "label"}.get(name, "name")
    changes = [("PATCH", path, {member: f"Changed {number}"}) for number in range(CONNECTIONS)]
    answers = await race(raced, robin, *changes, If_Match=etag)
    assert statuses(answers) == {200: 1, 412: CONNECTIONS - 1}
    [changed] = [answer for answer in answers if answer.status_code == 200]
    now = await robin.done("GET", path)
    assert now.json()[member] == changed.json()[member]
    assert now.headers["etag"] == changed.headers["etag"] != etag


async def test_the_last_free_place_for_an_application_is_taken_once(raced: RacedServer, robin: Hand) -> None:
    left = MOST_APPLICATIONS - 1 - await count(raced, "application where owner_user_id is not null")
    await raced.fetch(FILL, left, raced.user.id)
    answers = await race(raced, robin, *[("POST", "/api/v1/applications", {"client_name": "Last"})] * CONNECTIONS)
    assert statuses(answers) == {201: 1, 409: CONNECTIONS - 1}
    assert await count(raced, "application where owner_user_id is not null") == MOST_APPLICATIONS


async def test_an_imported_refresh_token_that_is_redeemed_twenty_times_at_once_has_one_successor(
    raced: RacedServer,
) -> None:
    (raced.server.directory / "old.json").write_text(json.dumps(OLD))
    raced.server.assent("import", "legacy", "old.json")
    form = {"grant_type": "refresh_token", "client_id": OLD_CLIENT, "client_secret": OLD_SECRET}

    async def redeem(rival: httpx.AsyncClient, token: str) -> dict[str, Any]:
        answer = await rival.post("/oauth/token", data={**form, "refresh_token": token})
        assert answer.status_code == 200, answer.text
        bought: dict[str, Any] = answer.json()
        return bought

    token = "b0" * 32
    async with raced.rivals() as rivals:
        for _ in range(3):
            bought = await asyncio.gather(*(redeem(rival, token) for rival in rivals))
            [successor] = {one["refresh_token"] for one in bought}
            assert successor != token
            assert len({one["access_token"] for one in bought}) == CONNECTIONS
            token = successor
    assert await count(raced, "token_family where revoked_at is null and generation = 3") == 1


async def test_of_twenty_operators_who_disable_one_another_at_once_one_stays(raced: RacedServer) -> None:
    people = [await users.find_for_sign_in(raced.database, name) for name in OPERATORS]
    ids = [person.id for person in people if person is not None]
    async with AsyncExitStack() as stack:
        hands = [await stack.enter_async_context(hand(raced, name)) for name in OPERATORS]
        rivals = await stack.enter_async_context(raced.rivals())
        answers = await asyncio.gather(
            *(
                rival.post(
                    f"/api/v1/admin/users/{ids[(number + 1) % CONNECTIONS]}/disable",
                    headers=who.headers | {"Cookie": who.cookies},
                )
                for number, (rival, who) in enumerate(zip(rivals, hands, strict=True))
            )
        )
    disabled = statuses(answers)[200]
    assert 0 < disabled < CONNECTIONS
    assert await count(raced, "user_account where operator and disabled_at is null") == CONNECTIONS - disabled
    assert await count(raced, "audit where event = 'user.disabled'") == disabled
