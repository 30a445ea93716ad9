"""Device codes that say into which record they go, at the wire (standards A14.1)."""

import re
from uuid import uuid4

import httpx
import pytest

from tests.endpoints.test_grant_management import browser as browser
from tests.endpoints.test_grant_management import site as site
from tests.endpoints.test_grant_management import tokens
from tests.support import devices
from tests.support.service import SECRET, Service, follow, sign_in


@pytest.mark.spec("standards", "GM-2")
@pytest.mark.spec("standards", "GM-8")
@pytest.mark.spec("standards", "CB-12")
async def test_a_device_begins_and_replaces_a_grant_of_its_own(site: Service, browser: httpx.AsyncClient) -> None:
    async with site.browser() as device:
        begun = (await devices.begin(device, "tv", scope="project:read", grant_management_action="create")).json()
        await sign_in(browser, "ada")
        page = await devices.question(browser, begun["user_code"])
        assert "This stands beside" in page.text
        done = await follow(browser, await devices.answer(browser, page))
        first = (await devices.poll(device, "tv", begun["device_code"])).json()
        assert f"/account/applications/{first['grant_id']}" in done.text

        named = {"grant_management_action": "replace", "grant_id": first["grant_id"], "scope": "org:read"}
        begun = (await devices.begin(device, "tv", **named)).json()
        page = await devices.question(browser, begun["user_code"])
        assert "It loses:" in page.text
        await devices.answer(browser, page)
        second = (await devices.poll(device, "tv", begun["device_code"])).json()
        assert (second["grant_id"], second["scope"]) == (first["grant_id"], "org:read")
        form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
        old = await device.post("/oauth/token", data=form, auth=("tv", SECRET))
        assert old.json()["error"] == "invalid_grant"


@pytest.mark.spec("standards", "GM-7")
async def test_a_device_is_refused_at_once_for_a_grant_that_is_not_its_own_and_another_person_cannot_approve(
    site: Service, browser: httpx.AsyncClient
) -> None:
    of_web = (await tokens(browser, "create"))["grant_id"]
    async with site.browser() as device:
        for grant_id in (of_web, str(uuid4()), "x"):
            refused = await devices.begin(device, "tv", grant_management_action="merge", grant_id=grant_id)
            assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant_id")
        wrong = await devices.begin(device, "tv", grant_id=of_web)
        assert wrong.json()["error"] == "invalid_request"

        begun = (await devices.begin(device, "tv", grant_management_action="create")).json()
        page = await devices.question(browser, begun["user_code"])
        await devices.answer(browser, page)
        own = (await devices.poll(device, "tv", begun["device_code"])).json()["grant_id"]
        begun = (await devices.begin(device, "tv", grant_management_action="merge", grant_id=own)).json()
        async with site.browser() as somebody:
            await sign_in(somebody, "robin")
            shown = await follow(somebody, await devices.type_code(somebody, begun["user_code"]))
            assert shown.status_code == 404
            assert "this account does not have" in shown.text
            [switch] = re.findall(r'href="(/select-account\?to=[^"]+)"', shown.text)
            chooser = await somebody.get(switch)
            assert 'name="account"' in chooser.text
        await devices.answer(browser, await devices.question(browser, begun["user_code"]))
        assert (await devices.poll(device, "tv", begun["device_code"])).json()["grant_id"] == own
