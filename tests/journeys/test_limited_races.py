"""What may be made, used or taken once is so, however many ask at the same moment over two workers."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from app.store import users
from app.store.database import Database
from tests.support.database import FreshDatabase
from tests.support.everywhere import Hand, hand
from tests.support.race import CONNECTIONS, USERNAME, RacedServer, raced_server
from tests.support.service import PASSWORD

GOVERNED = ("org:read", "org:write", "org:admin", "member:read", "member:write", "member:admin")
OPERATORS = tuple(f"operator{number:02}" for number in range(CONNECTIONS))
ORGANIZATIONS = "/api/v1/organizations"
NORTHQUAY = f"{ORGANIZATIONS}/northquay"


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
        running.server.apply(
            {
                "users": [{"username": name, "password": PASSWORD} for name in OPERATORS],
                "organizations": [{"slug": "northquay", "members": [{"user": USERNAME, "role": "owner"}]}],
            }
        )
        await running.fetch("update user_account set operator = true where username like 'operator%'")
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
    [row] = await raced.fetch(f"select count(*) from {what}")  # noqa: S608 -- constants of this file
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
        assert {answer.json()["resource_id"] for answer in rest} <= set(made[0].json().values())


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
