"""What each of two workers says about a credential, asked over a connection of its own at the next request."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from tests.support.api_person import HERE
from tests.support.race import CLIENT_ID, USERNAME, WORKERS, RacedServer
from tests.support.service import SECRET, sign_in

Scopes = tuple[str, ...] | None
"""What a credential is told to hold, in alphabetical order; None for one that is refused."""


@dataclass(frozen=True, slots=True)
class Everywhere:
    """A connection to each worker."""

    workers: Sequence[httpx.AsyncClient]

    async def opens(self, credential: str) -> list[Scopes]:
        """Return what the JSON API makes of a credential, by worker."""
        found: list[Scopes] = []
        for worker in self.workers:
            answer = await worker.get("/api/v1/", headers={"Authorization": f"Bearer {credential}"})
            assert answer.status_code in {200, 401}, answer.text
            found.append(tuple(sorted(answer.json()["auth"]["scopes"])) if answer.status_code == 200 else None)
        return found

    async def introspected(self, credential: str) -> list[Scopes]:
        """Return what introspection tells of a credential, by worker."""
        found: list[Scopes] = []
        for worker in self.workers:
            told = (await introspect(worker, credential)).json()
            found.append(tuple(sorted(told.get("scope", "").split())) if told["active"] else None)
        return found

    async def holds(self, credential: str) -> Scopes:
        """Return what every worker says about a credential, both ways; they must agree."""
        said = {*await self.opens(credential), *await self.introspected(credential)}
        assert len(said) == 1, said
        return said.pop()

    async def reads(self, credential: str, path: str) -> set[int]:
        """Return the statuses with which the workers answer a request to read something."""
        return {
            (await worker.get(path, headers={"Authorization": f"Bearer {credential}"})).status_code
            for worker in self.workers
        }


async def like_robin(raced: RacedServer, *names: str, operator: bool = False) -> None:
    """Register people who sign in as robin does, straight into the database: hashing passwords takes long."""
    await raced.fetch(
        """
        insert into user_account
            (id, sub, username, username_key, password_hash, claims, operator, created_at, updated_at)
        select gen_random_uuid(), name, name, name, password_hash, claims, $2, now(), now()
          from user_account, unnest($1::text[]) name where username = $3""",
        names,
        operator,
        USERNAME,
    )


@asynccontextmanager
async def everywhere(raced: RacedServer) -> AsyncIterator[Everywhere]:
    """Open a connection to each worker."""
    async with raced.rivals(WORKERS) as workers:
        yield Everywhere(workers)


async def introspect(
    worker: httpx.AsyncClient, token: str, client_id: str = CLIENT_ID, secret: str = SECRET
) -> httpx.Response:
    """Ask as an application."""
    return await worker.post("/oauth/introspect", data={"token": token}, auth=(client_id, secret))


@dataclass(frozen=True, slots=True)
class Hand:
    """Somebody who is signed in and changes things as a script of our own pages does."""

    browser: httpx.AsyncClient
    csrf: str

    async def send(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        """Send a request with everything that a change must carry; header names are given with `_` for `-`."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.browser.request(method, path, json=body, headers=self.headers | more)

    async def done(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Send a request that must succeed."""
        answer = await self.send(method, path, body)
        assert answer.is_success, answer.text
        return answer

    @property
    def headers(self) -> dict[str, str]:
        """What a change must carry."""
        return HERE | {"X-CSRF-Token": self.csrf}

    @property
    def cookies(self) -> str:
        """The `Cookie` header that the browser sends."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.browser.cookies.jar)


@asynccontextmanager
async def hand(raced: RacedServer, username: str) -> AsyncIterator[Hand]:
    """Sign somebody in."""
    async with raced.browser() as browser:
        assert (await sign_in(browser, username)).status_code == 303
        yield Hand(browser, (await browser.get("/api/v1/session", headers=HERE)).json()["csrf"])
