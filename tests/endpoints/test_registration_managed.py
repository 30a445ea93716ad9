"""/oauth/register/{client_id} at the wire: applications read, replace and delete what they registered (RFC 7592)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import update
from sqlmodel import col

from app.crypto.secrets import random_bytes
from app.models import Application
from app.protocol.token_format import Credential, Prefix, format_credential, parse_credential
from app.services import applications as by_operator
from app.services.operator import Operator
from app.store.database import Database
from tests.support.assertions import key_of, key_set
from tests.support.facts import VERIFIER
from tests.support.registering import ENDPOINT, MCP_CLIENT, WEB, bearer, check, deeds, registered, stored
from tests.support.service import (
    ISSUER,
    REDIRECT_URI,
    Service,
    authorize_url,
    decide,
    follow,
    obtain_code,
    service,
    sign_in,
)

AT_ONCE = 20


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A server where everybody may register."""
    limits = {"registrations": 10_000}
    async with service(database, registration={"mode": "open"}, limits=limits) as running:
        await running.user("robin")
        await running.application("web", name="Saltbarn Ledger")
        yield running


class Own:
    """An application that knows its registration."""

    def __init__(self, client: httpx.AsyncClient, told: dict[str, Any]) -> None:
        self.client = client
        self.told = told
        self.id: str = told["client_id"]
        self.path = told["registration_client_uri"].removeprefix(ISSUER)
        self.token: str = told["registration_access_token"]

    async def read(self, token: str | None = None) -> httpx.Response:
        return await self.client.get(self.path, headers=bearer(token or self.token))

    async def replace(self, members: dict[str, Any], **changes: Any) -> httpx.Response:
        sent = {"client_id": self.id, **members, **changes}
        return await self.client.put(self.path, json=sent, headers=bearer(self.token))

    async def delete(self) -> httpx.Response:
        return await self.client.delete(self.path, headers=bearer(self.token))


async def own(client: httpx.AsyncClient, members: dict[str, Any] = WEB, **changes: Any) -> Own:
    return Own(client, await registered(client, {**members, **changes}))


def error_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


async def tokens_of(site: Service, client: httpx.AsyncClient, mine: Own) -> dict[str, Any]:
    """Return what a public client gets for a person's yes."""
    code = await obtain_code(client, mine.id, "robin")
    asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
    answer = await client.post("/oauth/token", data={**asked, "client_id": mine.id})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


PUBLIC = {**WEB, "token_endpoint_auth_method": "none"}


@pytest.mark.spec("standards", "DM-1")
@pytest.mark.spec("standards", "DM-2")
@pytest.mark.spec("standards", "DM-6")
async def test_a_registration_can_be_read_as_often_as_one_likes(browser: httpx.AsyncClient) -> None:
    mine = await own(browser)
    expected = {name: value for name, value in mine.told.items() if name != "client_secret"}
    for _ in range(2):
        answer = await mine.read()
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        assert answer.json() == expected  # the secret is shown once, and the token stays
    assert (await browser.head(mine.path, headers=bearer(mine.token))).status_code == 200


@pytest.mark.spec("standards", "DM-3")
@pytest.mark.spec("standards", "CA-10")
async def test_nobody_learns_which_applications_there_are(site: Service, browser: httpx.AsyncClient) -> None:
    mine, other = await own(browser), await own(browser)
    found = parse_credential(Prefix.REGISTRATION, mine.token)
    assert found is not None
    guessed = format_credential(Prefix.REGISTRATION, Credential(found.id, random_bytes()))
    unknown = format_credential(Prefix.REGISTRATION, Credential(uuid4(), random_bytes()))
    answers = [
        await browser.request(method, path, headers=bearer(token), json={"client_id": mine.id})
        for method in ("GET", "PUT", "DELETE")
        for path, token in (
            (f"{ENDPOINT}/nobody", mine.token),
            (f"{ENDPOINT}/web", mine.token),
            (other.path, mine.token),
            (mine.path, guessed),
            (mine.path, unknown),
            (mine.path, "asra_x"),
            (f"{ENDPOINT}/", mine.token),
            (f"{ENDPOINT}/%00", mine.token),
            (f"{ENDPOINT}/%C3%A4%FF", mine.token),
        )
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert {answer.headers["www-authenticate"] for answer in answers} == {
        f'Bearer realm="{ISSUER}", error="invalid_token", '
        'error_description="the registration access token does not count for this client_id"'
    }
    assert (await mine.read()).status_code == 200


@pytest.mark.spec("standards", "DM-3")
@pytest.mark.spec("standards", "BR-3")
async def test_without_a_token_there_is_a_challenge_and_nothing_else(browser: httpx.AsyncClient) -> None:
    mine = await own(browser)
    for method in ("GET", "PUT", "DELETE"):
        answer = await browser.request(method, mine.path)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, f'Bearer realm="{ISSUER}"')
    assert (await browser.get(mine.path, headers={"Authorization": "Bearer"})).status_code == 400
    by_proof = await browser.get(mine.path, headers={"Authorization": f"DPoP {mine.token}"})
    assert error_of(by_proof) == (401, "invalid_token")
    posted = await browser.post(mine.path, json={}, headers=bearer(mine.token))
    assert (posted.status_code, posted.headers["allow"]) == (405, "GET, HEAD, PUT, DELETE, OPTIONS")


@pytest.mark.spec("standards", "DM-4")
@pytest.mark.spec("standards", "DM-6")
async def test_what_a_replacement_leaves_out_is_gone(site: Service, browser: httpx.AsyncClient) -> None:
    mine = await own(browser, tos_uri="https://client.example/terms", default_max_age=60, scope="project:read")
    answer = await mine.replace({"redirect_uris": [REDIRECT_URI, "https://client.example/two"]})
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.json() == (await mine.read()).json()
    told = answer.json()
    assert told["redirect_uris"] == [REDIRECT_URI, "https://client.example/two"]
    assert told["grant_types"] == ["authorization_code"]
    assert not {"tos_uri", "default_max_age", "client_secret"} & told.keys()
    assert told["client_name"] != WEB["client_name"]
    row = await stored(site, mine.id)
    assert (row.version, row.introduction, len(row.secret_digests)) == (2, {}, 1)
    again = await mine.replace({"redirect_uris": [REDIRECT_URI, "https://client.example/two"]})
    assert again.json() == told  # the name that it was given stays
    events = [deed.event for deed in await deeds(site, mine.id)]
    assert events == ["application.registered", "application.changed"]


@pytest.mark.spec("standards", "DM-4")
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"client_id": None}, id="nobody"),
        pytest.param({"client_id": "web"}, id="somebody else"),
        pytest.param({"registration_access_token": "asra_x"}, id="token"),
        pytest.param({"registration_client_uri": "https://id.example"}, id="address"),
        pytest.param({"client_secret_expires_at": 0}, id="expiry"),
        pytest.param({"client_id_issued_at": 0}, id="date"),
        pytest.param({"client_secret": "of my own choice"}, id="secret"),
        pytest.param({"token_endpoint_auth_method": "none"}, id="loses its secret"),
        pytest.param({"subject_type": "pairwise"}, id="other subjects"),
    ],
)
async def test_a_replacement_that_cannot_be_changes_nothing(
    browser: httpx.AsyncClient, changes: dict[str, Any]
) -> None:
    mine = await own(browser)
    before = (await mine.read()).json()
    assert error_of(await mine.replace(WEB, **changes)) == (400, "invalid_client_metadata")
    assert error_of(await mine.replace(WEB, redirect_uris=["http://a.example"])) == (400, "invalid_redirect_uri")
    assert (await mine.read()).json() == before


@pytest.mark.spec("standards", "DM-4")
@pytest.mark.spec("standards", "DM-6")
async def test_a_secret_comes_with_a_method_that_needs_one_and_goes_with_it(
    site: Service, browser: httpx.AsyncClient
) -> None:
    mine = await own(browser)
    shown = await mine.replace(WEB, client_secret=mine.told["client_secret"])
    assert (shown.status_code, "client_secret" in shown.json()) == (200, False)
    posted = await mine.replace(WEB, token_endpoint_auth_method="client_secret_post")
    assert "client_secret" not in posted.json()  # the same one serves
    keyed = await mine.replace(WEB, token_endpoint_auth_method="private_key_jwt", jwks=key_set(key_of("mine")))
    assert not {"client_secret", "client_secret_expires_at"} & keyed.json().keys()
    assert not (await stored(site, mine.id)).secret_digests
    maced = (await mine.replace(WEB, token_endpoint_auth_method="client_secret_jwt")).json()
    assert maced["client_secret"] != mine.told["client_secret"]
    assert len((await stored(site, mine.id)).key_material["sealed_secrets"]) == 1
    basic = await mine.replace(WEB)
    assert "client_secret" not in basic.json()
    assert "sealed_secrets" not in (await stored(site, mine.id)).key_material


@pytest.mark.spec("standards", "DM-3")
async def test_what_the_operator_switched_off_stays_as_it_is(site: Service, browser: httpx.AsyncClient) -> None:
    mine = await own(browser)
    await by_operator.disable(site.database, mine.id, Operator("test", site.clock()))
    for answer in (await mine.read(), await mine.replace(WEB), await mine.delete()):
        assert error_of(answer) == (403, "access_denied")
    await by_operator.enable(site.database, mine.id, Operator("test", site.clock()))
    assert (await mine.read()).status_code == 200


@pytest.mark.spec("standards", "DM-3")
@pytest.mark.spec("standards", "DM-5")
@pytest.mark.spec("standards", "DM-6")
async def test_a_deleted_application_is_gone_with_all_it_has(site: Service, browser: httpx.AsyncClient) -> None:
    mine = await own(browser, PUBLIC)
    tokens = await tokens_of(site, browser, mine)
    answer = await mine.delete()
    assert (answer.status_code, answer.content, answer.headers["cache-control"]) == (204, b"", "no-store")
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "client_id": mine.id}
    assert error_of(await browser.post("/oauth/token", data=refresh)) == (401, "invalid_client")
    me = await browser.get("/api/v1/me", headers=bearer(tokens["access_token"]))
    assert me.status_code == 401
    page = await browser.get(authorize_url(mine.id))
    assert page.status_code == 400
    for later in (await mine.read(), await mine.replace(PUBLIC), await mine.delete()):
        assert error_of(later) == (401, "invalid_token")
    assert (await stored(site, mine.id)).registration_digest is None
    last = (await deeds(site, mine.id))[-1]
    assert (last.event, last.data["reason"]) == ("application.deletion_asked", "by_itself")


@pytest.mark.spec("standards", "DM-4")
async def test_replacements_at_once_leave_one_of_them_whole(site: Service, browser: httpx.AsyncClient) -> None:
    mine = await own(browser)
    wishes = [
        {**WEB, "client_name": f"Name {n}", "redirect_uris": [f"https://client.example/{n}"]} for n in range(AT_ONCE)
    ]
    answers = await asyncio.gather(*(mine.replace(wish) for wish in wishes))
    assert {answer.status_code for answer in answers} == {200}
    last = (await mine.read()).json()
    assert (last["client_name"], last["redirect_uris"]) in [(w["client_name"], w["redirect_uris"]) for w in wishes]
    row = await stored(site, mine.id)
    assert (row.version, row.name) == (1 + AT_ONCE, last["client_name"])
    assert sum(deed.event == "application.changed" for deed in await deeds(site, mine.id)) == AT_ONCE


@pytest.mark.spec("standards", "DM-5")
async def test_it_is_deleted_once_whoever_else_changes_it_meanwhile(site: Service, browser: httpx.AsyncClient) -> None:
    mine = await own(browser)
    sent = [mine.delete() if n % 2 else mine.replace(WEB, client_name=f"Name {n}") for n in range(AT_ONCE)]
    answers = await asyncio.gather(*sent)
    assert {answer.status_code for answer in answers} <= {200, 204, 401}
    assert [answer.status_code for answer in answers].count(204) == 1
    assert error_of(await mine.read()) == (401, "invalid_token")


@pytest.mark.spec("standards", "DM-5")
async def test_no_grant_outlives_an_application_that_is_deleted_while_it_is_made(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await sign_in(browser, "robin")
    for _ in range(5):
        mine = await own(browser, PUBLIC)
        page = await follow(browser, await browser.get(authorize_url(mine.id)))
        click, gone = await asyncio.gather(decide(browser, page), mine.delete())
        assert gone.status_code == 204
        assert click.status_code < 500
        if "code=" in click.headers.get("location", ""):
            code = httpx.URL(click.headers["location"]).params["code"]
            asked = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER, "client_id": mine.id}
            refused = await browser.post("/oauth/token", data={**asked, "redirect_uri": REDIRECT_URI})
            assert error_of(refused) == (401, "invalid_client")


@pytest.mark.spec("standards", "DR-13")
async def test_replacements_count_like_registrations(database: Database) -> None:
    limits = {"registrations": 2}
    async with service(database, registration={"mode": "open"}, limits=limits) as limited:
        there = httpx.ASGITransport(limited.app, client=("198.51.100.9", 1))  # nobody else has counted there
        mine = await own(httpx.AsyncClient(transport=there, base_url=ISSUER))
        assert (await mine.replace(WEB, software_version="2")).status_code == 200
        refused = await mine.replace(WEB, software_version="3")
        assert error_of(refused) == (429, "temporarily_unavailable")
        assert (await mine.read()).json()["software_version"] == "2"
        limited.clock.forward(601)
        assert (await mine.replace(WEB, software_version="3")).status_code == 200


@pytest.mark.spec("standards", "DM-4")
async def test_a_click_counts_for_the_application_that_its_page_has_shown(browser: httpx.AsyncClient) -> None:
    mine = await own(browser, PUBLIC, client_name="Harbour Notes", redirect_uris=["https://notes.example/cb"])
    page = await follow(browser, await browser.get(authorize_url(mine.id, redirect_uri=None)))
    page = await follow(browser, await sign_in(browser, "robin", page))
    assert "notes.example" in page.text
    await mine.replace(PUBLIC, client_name="Harbour Notes", redirect_uris=["https://elsewhere.example/cb"])
    asked_again = await decide(browser, page)
    assert asked_again.headers["location"].startswith("/consent?"), asked_again.headers["location"]
    page = await follow(browser, asked_again)
    assert "elsewhere.example" in page.text
    assert (await decide(browser, page)).headers["location"].startswith("https://elsewhere.example/cb?code=")


@pytest.mark.spec("standards", "DR-13")
async def test_what_an_operator_has_checked_lapses_with_another_name(site: Service, browser: httpx.AsyncClient) -> None:
    mine = await own(browser, client_name="Checked Diary")
    await check(site, mine.id)
    await mine.replace(WEB, client_name="Checked Diary", software_version="2")
    assert (await stored(site, mine.id)).verified
    await mine.replace(WEB, client_name="Another Diary")
    assert not (await stored(site, mine.id)).verified
    assert [deed.event for deed in await deeds(site, mine.id)][-1] == "application.unchecked"


async def test_what_the_operator_decided_about_it_stays(site: Service, browser: httpx.AsyncClient) -> None:
    mine = await own(browser, dpop_bound_access_tokens=True)
    row = await stored(site, mine.id)
    policy = {**row.policy, "access_token": 60}
    async with site.database.transaction() as transaction:
        await transaction.execute(
            update(Application)
            .where(col(Application.client_id) == mine.id)
            .values(policy=policy, registration={**row.registration, "profile": "fapi2"})
        )
    assert (await mine.read()).json().get("profile") is None
    refused = await mine.replace(WEB, software_version="2")
    assert "profile fapi2" in refused.json()["error_description"]
    method = {"token_endpoint_auth_method": "private_key_jwt", "jwks": key_set(key_of("mine"))}
    answer = await mine.replace({**WEB, **method, "redirect_uris": [REDIRECT_URI]})
    assert answer.status_code == 200, answer.text
    after = await stored(site, mine.id)
    assert (after.policy["access_token"], after.registration["profile"]) == (60, "fapi2")


async def test_an_open_door_that_is_shut_leaves_those_alone_who_are_in(
    database: Database, site: Service, browser: httpx.AsyncClient
) -> None:
    mine = await own(browser, MCP_CLIENT)
    async with service(database, registration={"mode": "token"}) as shut, shut.browser() as later:
        assert (await later.post(ENDPOINT, json=MCP_CLIENT)).status_code == 401
        assert (await later.get(mine.path, headers=bearer(mine.token))).status_code == 200
