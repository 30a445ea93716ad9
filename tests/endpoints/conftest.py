"""The application of an endpoint module, with a person and a few applications."""

from collections.abc import AsyncIterator

import httpx
import pytest

from app.store.database import Database
from tests.support.service import REDIRECT_URI, Service, service
from tests.support.site import pages as pages


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """The running application; `web`, `spa` and `other` are registered, `robin` and `sam` have accounts."""
    async with service(database) as running:
        await running.user("robin")
        await running.user("sam")
        await running.application("web")
        await running.application("other", redirect_uris=(REDIRECT_URI, "https://other.example/cb"))
        await running.application("spa", auth_method="none", kind="browser")
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without cookies."""
    async with site.browser() as fresh:
        yield fresh
