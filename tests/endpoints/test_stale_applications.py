"""A worker that has not heard yet of a change to an application: what it may still believe, and what it never does."""

from collections.abc import AsyncIterator

import httpx
import pytest

from app.crypto.hashing import digest
from app.crypto.secrets import new_id, random_bytes
from app.protocol.token_format import Credential, Prefix, format_credential
from app.store import applications
from tests.support.service import SECRET, Service

NEW_SECRET = "another-secret-of-these-tests"


@pytest.fixture
async def stale(site: Service) -> AsyncIterator[str]:
    """The client_id of an application that has another secret now; the worker keeps it as it was."""
    client_id, cache = f"changing-{site.clock():%H%M%S}", site.database.applications
    application_id = await site.application(client_id)
    site.clock.forward(1)
    cache.hear(cache.clock())
    kept = await site.database.hot.gather_client(client_id)
    assert kept is not None
    async with site.database.transaction() as transaction:
        digests = (digest(NEW_SECRET.encode()),)
        await applications.change(transaction, application_id, site.clock(), secret_digests=digests)
    cache.keep(kept, cache.mark())
    yield client_id
    cache.close()


async def post(browser: httpx.AsyncClient, path: str, client_id: str, secret: str, **form: str) -> int:
    """Ask something as the application."""
    return (await browser.post(path, data=form, auth=(client_id, secret))).status_code


@pytest.mark.parametrize("path", ["/oauth/introspect", "/oauth/revoke"])
async def test_a_secret_that_is_newer_than_what_the_worker_keeps_is_good(
    browser: httpx.AsyncClient, stale: str, path: str
) -> None:
    assert await post(browser, path, stale, NEW_SECRET, token="nonsense") == 200


async def test_a_new_secret_is_good_for_a_token_request(browser: httpx.AsyncClient, stale: str) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "nonsense"}
    assert await post(browser, "/oauth/token", stale, NEW_SECRET, **form) == 400  # the client is known, the token not
    assert await post(browser, "/oauth/token", stale, "wrong", **form) == 401


async def test_a_retired_secret_may_read_until_the_worker_has_heard_and_never_revoke(
    site: Service, browser: httpx.AsyncClient, stale: str
) -> None:
    token = format_credential(Prefix.ACCESS_TOKEN, Credential(new_id(site.clock()), random_bytes()))
    assert await post(browser, "/oauth/introspect", stale, SECRET, token=token) == 200
    assert await post(browser, "/oauth/revoke", stale, SECRET, token=token) == 401
    site.database.applications.close()
    assert await post(browser, "/oauth/introspect", stale, SECRET, token=token) == 401
