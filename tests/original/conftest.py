"""The application as the acceptance lines of the original system meet it."""

from collections.abc import AsyncIterator

import httpx
import pytest

from app.store.database import Database
from tests.support.service import Service, service


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """The running application; `robin` and `sam` have accounts."""
    async with service(database) as running:
        await running.user("robin")
        await running.user("sam")
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without cookies."""
    async with site.browser() as fresh:
        yield fresh
