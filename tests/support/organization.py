"""An organization as its people manage it through the JSON API: a script of our own pages, or a token of theirs."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import text

from app.store.database import Database
from tests.support.api_person import HERE, Person
from tests.support.service import Service, sign_in

ORGANIZATIONS = "/api/v1/organizations"


@dataclass(frozen=True, slots=True)
class Inside:
    """A person at an organization. Paths are those below it; header names are given with `_` for `-`."""

    person: Person
    slug: str

    def at(self, path: str = "") -> str:
        """Return the whole path of something in the organization."""
        return f"{ORGANIZATIONS}/{self.slug}{path}"

    async def get(self, path: str = "") -> httpx.Response:
        """Read something."""
        return await self.person.browser.get(self.at(path), headers=HERE)

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """Make something."""
        return await self.person.browser.post(self.at(path), json=body, headers=self._headers(headers))

    async def patch(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """Change something."""
        return await self.person.browser.patch(self.at(path), json=body, headers=self._headers(headers))

    async def delete(self, path: str = "", **headers: str) -> httpx.Response:
        """Take something away."""
        return await self.person.browser.delete(self.at(path), headers=self._headers(headers))

    async def invited(self, role: str = "member", **headers: str) -> dict[str, Any]:
        """Make an invitation and return the answer with its link."""
        answer = await self.post("/invitations", {"role": role, "note": "Jun, from design"}, **headers)
        assert answer.status_code == 201, answer.text
        content: dict[str, Any] = answer.json()
        return content

    async def roles(self) -> dict[str, str]:
        """Return who has which role."""
        answer = await self.get("/members?limit=100")
        assert answer.status_code == 200, answer.text
        return {member["username"]: member["role"] for member in answer.json()["items"]}

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        return self.person.headers | {name.replace("_", "-"): value for name, value in more.items()}


async def inside(browser: httpx.AsyncClient, username: str, slug: str) -> Inside:
    """Sign somebody in, who then deals with an organization."""
    assert (await sign_in(browser, username)).status_code == 303
    session = (await browser.get("/api/v1/session", headers=HERE)).json()
    assert session["username"] == username
    return Inside(Person(browser, session["csrf"]), slug)


async def operator(site: Service, username: str) -> UUID:
    """Register an operator with the usual password."""
    user_id = await site.user(username)
    async with site.database.transaction() as transaction:
        await transaction.execute(text("update user_account set operator = true where id = :id"), {"id": user_id})
    return user_id


async def events(database: Database, organization_id: UUID) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the audit trail of an organization, oldest first: event, actor's kind, data."""
    query = text("select event, actor_kind, data from audit where organization_id = :id order by id")
    async with database.transaction() as transaction:
        rows = await transaction.execute(query, {"id": organization_id})
        return [(row.event, row.actor_kind, row.data) for row in rows]
