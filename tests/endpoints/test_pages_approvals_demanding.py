"""Deciding elsewhere about demanding requests: details, grants of their own, levels of sign-in."""

import httpx

from app.store.database import Database
from tests.endpoints.test_pages_approvals import asked, headline, person, question
from tests.endpoints.test_pages_approvals import till as till
from tests.support.api_person import HERE
from tests.support.approvals import asking_application, newest, outcome, press
from tests.support.details import TYPES, accounts, asking, payment
from tests.support.elsewhere import claims_of, poll
from tests.support.service import PASSWORD, Service, fields_of, follow, service
from tests.support.signing import keep_keys


async def test_details_are_read_on_the_page_and_granted_whole(database: Database) -> None:
    async with service(database, authorization_details=TYPES) as bank, bank.browser() as till, bank.browser() as phone:
        await keep_keys(bank.server)
        await asking_application(bank, "bank-till")
        await person(bank, phone, "vale")
        auth_req_id = await asked(till, "vale", "bank-till", authorization_details=asking(payment(), accounts("read")))
        [told] = (await phone.get("/api/v1/approvals", headers=HERE)).json()["items"]
        assert told["authorization_details"] == [payment(), accounts("read")]
        page = await question(phone)
        for words in (
            "Make a payment",
            "<dt><bdi>To</bdi></dt><dd><bdi>Ada Bakery</bdi></dd>",
            "See your bank accounts",
        ):
            assert words in page.text, words
        await press(phone, page)
        bought = (await poll(till, "bank-till", auth_req_id)).json()
        assert bought["authorization_details"] == [payment(), accounts("read")]
        [record] = (await phone.get("/api/v1/authorizations", headers=HERE)).json()["items"]
        changes = (await phone.get(f"/api/v1/authorizations/{record['id']}/history", headers=HERE)).json()["items"]
        assert [change["authorization_details"] for change in changes] == [[payment(), accounts("read")]]


async def test_a_grant_of_its_own_stands_beside_what_was_allowed_before(
    site: Service, till: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(site, browser, "wynn")
    await asked(till, "wynn")
    await press(browser, await question(browser))
    auth_req_id = await asked(till, "wynn", grant_management_action="create")
    page = await question(browser)
    assert "stands beside what you may have allowed it before" in page.text
    assert "Already allowed" not in page.text
    end = await follow(browser, await press(browser, page))
    created = (await poll(till, "till", auth_req_id)).json()["grant_id"]
    assert f'href="/account/applications/{created}"' in end.text
    await asked(till, "wynn", scope="openid event:read", grant_management_action="replace", grant_id=created)
    page = await question(browser)
    assert "This takes the place of what you allowed it before." in page.text
    async with site.browser() as other:
        await person(site, other, "wynn-2")
        await asked(till, "wynn-2", grant_management_action="merge", grant_id=created)
        assert "invalid_grant_id" in (await question(other)).text


async def test_a_level_that_every_sign_in_reaches_asks_nobody_again(
    site: Service, till: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(site, browser, "umber")
    auth_req_id = await asked(till, "umber", acr_values="urn:unknown urn:assent:acr:password")
    site.clock.forward(200)
    assert (await press(browser, await question(browser))).status_code == 303
    assert await outcome(till, "till", auth_req_id) == "openid project:read"


async def test_a_level_that_only_another_sign_in_reaches_is_asked_for_first(database: Database) -> None:
    levels = {"recent": {"methods": ["pwd"], "max_age": 60}, "known": {"methods": ["pwd"]}}
    async with service(database, assurance=levels) as strict, strict.browser() as till, strict.browser() as phone:
        await keep_keys(strict.server)
        await asking_application(strict, "vault")
        await person(strict, phone, "vesper")
        strict.clock.forward(100)
        auth_req_id = await asked(till, "vesper", "vault", acr_values="recent")
        path = await newest(phone)
        confirm = await follow(phone, await phone.get(path))
        assert headline(confirm) == "Confirm that it is you"
        page = await follow(phone, await phone.post("/login", data={**fields_of(confirm), "password": PASSWORD}))
        assert page.url.path == path
        strict.clock.forward(100)
        late = await press(phone, page)
        assert headline(await follow(phone, late)) == "Confirm that it is you"
        again = await follow(phone, await phone.get(path))
        page = await follow(phone, await phone.post("/login", data={**fields_of(again), "password": PASSWORD}))
        assert headline(await follow(phone, await press(phone, page))) == "Deploy Diary is allowed"
        token = (await poll(till, "vault", auth_req_id)).json()
        assert claims_of(token["id_token"])["acr"] == "recent"
