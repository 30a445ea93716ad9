"""The API keys of an organization as a script of our own pages manages them, and people of every role."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from tests.support.api_person import HERE, Person
from tests.support.membership import found, join
from tests.support.service import Service, sign_in

ROLES = ("member", "admin", "manager", "owner")
"""The usual roles; in `two_organizations` each has one person, who is called like it."""

FILL = """
    insert into api_key (id, digest, last_four, organization_id, label, scopes, allowed_origins, status, version,
                         created_at, updated_at)
    select gen_random_uuid(), sha256(n::text::bytea), 'xxxx', o.id, 'Filler', '{}', '{}', 'active', 1, now(), now()
    from organization o, generate_series(1, %d) n
    where o.slug = 'northquay'
"""
"""Gives northquay so many keys."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one organization, managed by one person. Header names are given with `_` for `-`."""

    slug: str
    person: Person

    @property
    def path(self) -> str:
        """Where the list is."""
        return f"/api/v1/organizations/{self.slug}/api-keys"

    def of(self, key: dict[str, Any]) -> str:
        """Return where a key is."""
        return f"{self.path}/{key['id']}"

    async def get(self, path: str) -> httpx.Response:
        """Read something."""
        return await self.person.browser.get(path, headers=HERE)

    async def post(self, path: str, body: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        """Send a POST with everything that a change must carry."""
        return await self.person.browser.post(path, json=body, headers=self._headers(headers))

    async def patch(self, path: str, body: dict[str, Any], **headers: str) -> httpx.Response:
        """Send a PATCH with everything that a change must carry."""
        return await self.person.browser.patch(path, json=body, headers=self._headers(headers))

    async def delete(self, path: str, **headers: str) -> httpx.Response:
        """Send a DELETE with everything that a change must carry."""
        return await self.person.browser.delete(path, headers=self._headers(headers))

    async def made(self, **body: Any) -> dict[str, Any]:
        """Make a key and return the answer with its secret."""
        answer = await self.post(self.path, body)
        assert answer.status_code == 201, answer.text
        content: dict[str, Any] = answer.json()
        return content

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        return self.person.headers | {name.replace("_", "-"): value for name, value in more.items()}


async def two_organizations(site: Service, roles: Iterable[str] = ROLES) -> dict[str, UUID]:
    """Found northquay, with a person of every role, and saltbarn, which olga owns; return the ids by name."""
    ids: dict[str, UUID] = {}
    members = {"northquay": {role: role for role in roles}, "saltbarn": {"olga": "owner"}}
    for slug, people in members.items():
        ids[slug] = await found(site.database, slug, site.clock())
        for username, role in people.items():
            ids[username] = await site.user(username)
            await join(site.database, ids[slug], ids[username], role, site.clock())
    return ids


async def keeper(browser: httpx.AsyncClient, slug: str, username: str) -> Keys:
    """Sign somebody in to manage the keys of an organization."""
    assert (await sign_in(browser, username)).status_code == 303
    session = (await browser.get("/api/v1/session", headers=HERE)).json()
    return Keys(slug, Person(browser, session["csrf"]))
