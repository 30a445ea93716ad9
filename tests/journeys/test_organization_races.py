"""What happens in an organization when many do it at the same moment, over two workers.

An invitation makes one member, and one owner always stays.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest

from app.store import users
from app.store.database import Database
from tests.store.conftest import engine as engine
from tests.support.api_person import HERE
from tests.support.database import FreshDatabase
from tests.support.race import CLIENT_ID, CONNECTIONS, WORKERS, RacedServer
from tests.support.server import directory_for_server, running_server
from tests.support.service import PASSWORD, REDIRECT_URI, SECRET, fields_of, sign_in

PEOPLE = tuple(f"person{number:02}" for number in range(CONNECTIONS))
OWNERS = PEOPLE[:2]
_APPLICATION = {"client_id": CLIENT_ID, "client_secret": SECRET, "redirect_uris": [REDIRECT_URI]}
_DATA = {
    "users": [{"username": username, "password": PASSWORD} for username in ("ingrid", *PEOPLE)],
    "organizations": [
        {"slug": "inviting", "members": [{"user": "ingrid", "role": "owner"}]},
        *({"slug": slug, "members": [{"user": who, "role": "owner"} for who in OWNERS]} for slug in ("left", "fought")),
        {"slug": "crowded", "members": [{"user": who, "role": "owner"} for who in PEOPLE]},
    ],
    "applications": [_APPLICATION],
}


@dataclass(frozen=True, slots=True)
class Signed:
    """Somebody who is signed in: the cookies of his browser, and the token of its forms."""

    id: str
    cookies: str
    csrf: str

    @property
    def headers(self) -> dict[str, str]:
        """What a change by a script of our own pages must carry."""
        return HERE | {"X-CSRF-Token": self.csrf, "Cookie": self.cookies}


@pytest.fixture(scope="module")
async def raced(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[RacedServer]:
    """A server with two workers, its people and their organizations."""
    settings = {
        "DATABASE_URL": fresh_database.runtime_url,
        "DATABASE_OWNER_URL": fresh_database.owner_url,
        "SECRET_KEY": secrets.token_urlsafe(48),
    }
    with (
        directory_for_server() as directory,
        running_server(directory, workers=WORKERS, data=_DATA, settings=settings) as server,
    ):
        client = await database.hot.gather_client(CLIENT_ID)
        user = await users.find_for_sign_in(database, "ingrid")
        assert client is not None
        assert user is not None
        yield RacedServer(server, fresh_database, database, client, user)


@pytest.fixture(scope="module")
async def people(raced: RacedServer) -> dict[str, Signed]:
    """Everybody, signed in."""
    signed: dict[str, Signed] = {}
    for username in ("ingrid", *PEOPLE):
        async with raced.browser() as browser:
            assert (await sign_in(browser, username)).status_code == 303
            session = (await browser.get("/api/v1/session", headers=HERE)).json()
            cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies.jar)
        person = await users.find_for_sign_in(raced.database, username)
        assert person is not None
        signed[username] = Signed(str(person.id), cookies, session["csrf"])
    return signed


async def roles(raced: RacedServer, slug: str) -> dict[str, str]:
    """Return who has which role."""
    rows = await raced.fetch(
        """
        select username, role from organization_member
          join organization on organization.id = organization_id
          join user_account on user_account.id = user_id
         where slug = $1""",
        slug,
    )
    return {row["username"]: row["role"] for row in rows}


def statuses(answers: list[httpx.Response]) -> Counter[int]:
    """Count the answers by status."""
    return Counter(answer.status_code for answer in answers)


async def invite(raced: RacedServer, people: dict[str, Signed], role: str = "member") -> str:
    """Return the link of a fresh invitation."""
    async with raced.browser() as browser:
        made = await browser.post(
            "/api/v1/organizations/inviting/invitations", json={"role": role}, headers=people["ingrid"].headers
        )
    assert made.status_code == 201, made.text
    return urlsplit(str(made.json()["url"])).path


async def accepted_form(raced: RacedServer, person: Signed, path: str) -> dict[str, str]:
    """Return the form that a person sends to join."""
    async with raced.browser() as browser:
        page = await browser.get(path, headers={"Cookie": person.cookies})
    assert page.status_code == 200, page.text
    return fields_of(page)


async def test_one_invitation_that_twenty_people_accept_makes_one_member(
    raced: RacedServer, people: dict[str, Signed]
) -> None:
    path = await invite(raced, people, "admin")
    forms = [await accepted_form(raced, people[username], path) for username in PEOPLE]
    before = await roles(raced, "inviting")
    async with raced.rivals() as rivals:
        answers = await asyncio.gather(
            *(
                rival.post("/invitations", data=form, headers={"Cookie": people[username].cookies})
                for rival, username, form in zip(rivals, PEOPLE, forms, strict=True)
            )
        )
    assert statuses(answers) == {303: 1, 404: CONNECTIONS - 1}
    joined = (await roles(raced, "inviting")).items() - before.items()
    assert [role for _, role in joined] == ["admin"]
    rows = await raced.fetch("select event from audit where event in ('invitation.accepted', 'member.added')")
    assert Counter(row["event"] for row in rows)["invitation.accepted"] == 1


async def test_one_person_who_accepts_from_twenty_tabs_is_a_member_once_and_is_told_so(
    raced: RacedServer, people: dict[str, Signed]
) -> None:
    already = await roles(raced, "inviting")
    username = next(name for name in PEOPLE if name not in already)
    person = people[username]
    form = await accepted_form(raced, person, await invite(raced, people))
    async with raced.rivals() as rivals:
        answers = await asyncio.gather(
            *(rival.post("/invitations", data=form, headers={"Cookie": person.cookies}) for rival in rivals)
        )
    assert statuses(answers) == {303: 1, 200: CONNECTIONS - 1}
    assert (await roles(raced, "inviting"))[username] == "member"


async def test_of_two_owners_who_leave_at_once_one_stays(raced: RacedServer, people: dict[str, Signed]) -> None:
    async with raced.rivals() as rivals:
        answers = await asyncio.gather(
            *(
                rival.delete(
                    f"/api/v1/organizations/left/members/{people[OWNERS[number % 2]].id}",
                    headers=people[OWNERS[number % 2]].headers,
                )
                for number, rival in enumerate(rivals)
            )
        )
    assert statuses(answers)[204] == 1
    assert set(statuses(answers)) <= {204, 404, 409}
    assert list((await roles(raced, "left")).values()) == ["owner"]


async def test_of_two_owners_who_demote_and_remove_each_other_at_once_one_stays(
    raced: RacedServer, people: dict[str, Signed]
) -> None:
    async def attack(rival: httpx.AsyncClient, number: int) -> httpx.Response:
        attacker, victim = (people[OWNERS[(number + turn) % 2]] for turn in range(2))
        path = f"/api/v1/organizations/fought/members/{victim.id}"
        if number % 4 < 2:
            return await rival.patch(path, json={"role": "member"}, headers=attacker.headers)
        return await rival.delete(path, headers=attacker.headers)

    async with raced.rivals() as rivals:
        answers = await asyncio.gather(*(attack(rival, number) for number, rival in enumerate(rivals)))
    assert set(statuses(answers)) <= {200, 204, 403, 404, 409}
    assert Counter((await roles(raced, "fought")).values())["owner"] == 1


async def test_of_twenty_owners_who_remove_one_another_at_once_one_stays_and_only_owners_removed(
    raced: RacedServer, people: dict[str, Signed]
) -> None:
    async with raced.rivals() as rivals:
        answers = await asyncio.gather(
            *(
                rival.delete(
                    f"/api/v1/organizations/crowded/members/{people[PEOPLE[(number + 1) % CONNECTIONS]].id}",
                    headers=people[username].headers,
                )
                for number, (rival, username) in enumerate(zip(rivals, PEOPLE, strict=True))
            )
        )
    left = await roles(raced, "crowded")
    assert set(statuses(answers)) <= {204, 404, 409}
    assert set(left.values()) == {"owner"}
    assert len(left) == CONNECTIONS - statuses(answers)[204]


async def test_an_organization_that_twenty_people_found_at_once_under_one_slug_is_founded_once(
    raced: RacedServer, people: dict[str, Signed]
) -> None:
    async with raced.rivals() as rivals:
        answers = await asyncio.gather(
            *(
                rival.post(
                    "/api/v1/organizations",
                    json={"slug": "contested", "name": "Contested"},
                    headers=people[username].headers,
                )
                for rival, username in zip(rivals, PEOPLE, strict=True)
            )
        )
    assert statuses(answers) == {201: 1, 409: CONNECTIONS - 1}
    assert list((await roles(raced, "contested")).values()) == ["owner"]
