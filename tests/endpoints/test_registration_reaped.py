"""A registration that nobody uses is gone after its time, for everybody; one that somebody allows something stays."""

from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest

from app.jobs.reap import reap
from app.jobs.work import Work
from app.protocol.registration import PATH
from app.store.database import Database
from tests.store.scene import fetch
from tests.support.database import FreshDatabase
from tests.support.facts import VERIFIER
from tests.support.service import REDIRECT_URI, authorize_url, obtain_code, service
from tests.support.site import VAULT


async def register(browser: httpx.AsyncClient, name: str) -> dict[str, Any]:
    """Register an application that has a secret."""
    metadata = {"client_name": name, "redirect_uris": [REDIRECT_URI], "scope": "project:read"}
    answer = await browser.post(PATH, json=metadata)
    assert answer.status_code == 201, answer.text
    content: dict[str, Any] = answer.json()
    return content


@pytest.mark.spec("standards", "DR-13")
async def test_what_nobody_uses_for_a_week_is_gone_and_what_is_allowed_something_goes_on(
    database: Database, fresh_database: FreshDatabase
) -> None:
    async with service(database, registration={"mode": "open"}) as site, site.browser() as browser:
        await site.user("robin")
        unused, used = await register(browser, "Tide Table"), await register(browser, "Star Chart")
        code = await obtain_code(browser, used["client_id"], "robin", scope="project:read")
        site.clock.forward(timedelta(days=7, seconds=1).total_seconds())
        await reap(Work(database, site.server.policy.lifetimes, site.clock, VAULT), site.clock())

        gone = await browser.get(authorize_url(unused["client_id"]))
        assert (gone.status_code, "We don’t know the application" in gone.text) == (400, True)
        data = {"grant_type": "refresh_token", "refresh_token": "x"}
        asked = await browser.post("/oauth/token", data=data, auth=(unused["client_id"], unused["client_secret"]))
        assert (asked.status_code, asked.json()["error"]) == (401, "invalid_client")
        managed = {"Authorization": f"Bearer {unused['registration_access_token']}"}
        assert (await browser.get(f"{PATH}/{unused['client_id']}", headers=managed)).status_code == 401

        again = await obtain_code(browser, used["client_id"], "robin", scope="project:read")
        paid = {"grant_type": "authorization_code", "code": again, "redirect_uri": REDIRECT_URI}
        secret = (used["client_id"], used["client_secret"])
        tokens = await browser.post("/oauth/token", data={**paid, "code_verifier": VERIFIER}, auth=secret)
        assert (tokens.status_code, again != code) == (200, True)

    query = "select subject_id, data from audit where event = 'application.reaped'"
    [told] = await fetch(fresh_database.superuser_url, query)
    before = orjson.loads(told["data"])["before"]
    assert (told["subject_id"], before["client_name"]) == (unused["client_id"], "Tide Table")
    assert before["registered_from"]
    assert before["registered_by_request"].startswith("req_")
