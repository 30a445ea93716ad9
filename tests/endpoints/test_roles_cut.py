"""A role that the settings cut: what was made under the old one shrinks with the start of a server that has the new."""

from collections.abc import AsyncIterator

import pytest

from app.store.database import Database
from tests.support.api_keys import two_organizations
from tests.support.credentials import personal_token
from tests.support.service import SECRET, Service, service

OWNERS = ("org:read", "org:write", "org:admin", "member:read", "member:write", "member:admin", "project:read")
CUT = {"member": ["project:read"], "admin": ["org:read"], "manager": ["org:read"], "owner": list(OWNERS)}


@pytest.fixture
async def before(database: Database) -> AsyncIterator[Service]:
    async with service(database) as running:
        await running.application("web")
        yield running


async def test_a_personal_token_shrinks_with_the_role_of_its_person(before: Service, database: Database) -> None:
    ids = await two_organizations(before)
    _, token = await personal_token(before, ids["member"], "org:read", "project:read")
    path, headers = "/api/v1/organizations/northquay", {"Authorization": f"Bearer {token}"}

    async def told(site: Service) -> tuple[int, str]:
        async with site.browser() as browser:
            read = await browser.get(path, headers=headers)
            answer = await browser.post("/oauth/introspect", data={"token": token}, auth=("web", SECRET))
            return read.status_code, answer.json()["scope"]

    assert await told(before) == (200, "org:read project:read")
    async with service(database, roles=CUT) as after:
        assert await told(after) == (403, "project:read")
        assert await told(before) == (200, "org:read project:read")  # until it is started anew
