"""Fixtures for tests about API keys: the application with two organizations, and the owners of both."""

from collections.abc import AsyncIterator

import pytest

from app.store.database import Database
from tests.support.api_keys import ROLES, Keys, keeper, two_organizations
from tests.support.service import Service, service

FIVE = ["project:read", "event:read", "team:read", "org:read", "member:read"]
"""The usual scopes of a key."""

_ROLES = {
    "member": ["project:read", "org:read"],
    "admin": ["project:read", "org:read", "team:read"],
    "manager": ["project:read", "org:read", "org:write"],
    "keysmith": ["org:admin", "org:read"],
    "owner": [*FIVE, "org:write", "org:admin", "project:write"],
}
"""Like the usual ones, and one that may manage keys without being able to do much."""


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """The application with northquay and its people, and saltbarn, which olga owns."""
    async with service(database, roles=_ROLES) as running:
        await two_organizations(running, (*ROLES, "keysmith"))
        yield running


@pytest.fixture
async def owner(site: Service) -> AsyncIterator[Keys]:
    """The owner of northquay, which has no keys."""
    async with site.browser() as browser:
        keys = await keeper(browser, "northquay", "owner")
        while items := (await keys.get(f"{keys.path}?limit=100")).json()["items"]:
            for item in items:
                assert (await keys.delete(keys.of(item))).status_code == 204
        yield keys


@pytest.fixture
async def olga(site: Service) -> AsyncIterator[Keys]:
    """Olga, who owns another organization."""
    async with site.browser() as browser:
        yield await keeper(browser, "saltbarn", "olga")


async def works(site: Service, secret: str) -> list[str] | None:
    """Return what a key may do now; None when it is refused."""
    async with site.browser() as machine:
        answer = await machine.get("/api/v1/", headers={"Authorization": f"Bearer {secret}"})
    if answer.status_code == 401:
        return None
    assert answer.status_code == 200, answer.text
    scopes: list[str] = answer.json()["auth"]["scopes"]
    return scopes
