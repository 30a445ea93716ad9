"""Lines A12 to A17: the implicit flow, where the operator has switched it on, and what is left of it elsewhere."""

import asyncio
import re
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from app.protocol.token_format import Prefix, parse_credential
from app.store import records, users
from app.store.database import Database
from app.store.hot_connection import counting_trips
from app.telemetry.metrics import REQUESTS
from tests.support.history import history
from tests.support.service import ISSUER, REDIRECT_URI, SECRET, Service, authorize_url, decide, follow, service, sign_in

_BARE: dict[str, str | None] = {
    "response_type": "token",
    "redirect_uri": None,
    "scope": None,
    "state": None,
    "code_challenge": None,
    "code_challenge_method": None,
}


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A server that has the flow on, and robin."""
    async with service(database, features={"implicit": True}) as running:
        await running.user("robin")
        yield running


@pytest.fixture
async def robin(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A browser with robin signed in."""
    async with site.browser() as browser:
        assert (await sign_in(browser, "robin")).status_code == 303
        yield browser


async def legacy(site: Service, client_id: str) -> str:
    """Register an application that may use the flow, and authenticates in order to introspect."""
    await site.application(client_id, policy={"allow_implicit": True})
    return client_id


async def ask(browser: httpx.AsyncClient, client_id: str | None, **changes: str | None) -> httpx.Response:
    """Send a minimal request, and follow it as long as it stays on the server."""
    return await follow(browser, await browser.get(authorize_url(client_id, **_BARE | changes)))


def fragment_of(answer: httpx.Response) -> dict[str, str]:
    """Return what the fragment of a way back says; nothing is in its query."""
    assert answer.status_code == 303, answer.text
    parts = urlsplit(answer.headers["location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == REDIRECT_URI
    assert parts.query == ""
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    return dict(parse_qsl(parts.fragment, keep_blank_values=True))


async def approved(browser: httpx.AsyncClient, client_id: str, **changes: str | None) -> dict[str, str]:
    """Ask, approve, and return what comes back."""
    return fragment_of(await decide(browser, await ask(browser, client_id, **changes)))


async def introspect(browser: httpx.AsyncClient, client_id: str, token: str) -> dict[str, object]:
    """Return what the server says of a token."""
    answer = await browser.post("/oauth/introspect", data={"token": token}, auth=(client_id, SECRET))
    content: dict[str, object] = answer.json()
    return content


async def count(site: Service, table: str) -> int:
    """Return how many rows there are."""
    async with site.database.transaction() as transaction:
        return int((await transaction.execute(text(f"select count(*) from {table}"))).scalar_one())


@pytest.mark.spec("original", "A12")
async def test_a_request_without_response_type_goes_back_in_the_query(site: Service, robin: httpx.AsyncClient) -> None:
    answer = await ask(robin, await legacy(site, "a12"), response_type=None)
    assert dict(parse_qsl(urlsplit(answer.headers["location"]).query))["error"] == "invalid_request"


@pytest.mark.spec("original", "A13")
async def test_an_unknown_response_type_goes_back_in_the_query(site: Service, robin: httpx.AsyncClient) -> None:
    answer = await ask(robin, await legacy(site, "a13"), response_type="foobar")
    assert dict(parse_qsl(urlsplit(answer.headers["location"]).query))["error"] == "unsupported_response_type"


@pytest.mark.spec("original", "A14")
async def test_a_request_without_client_id_is_a_page(robin: httpx.AsyncClient) -> None:
    answer = await ask(robin, None)
    assert answer.status_code == 400
    assert "client_id" in answer.text


@pytest.mark.spec("original", "A15")
async def test_an_unknown_scope_goes_back_in_the_fragment(site: Service, robin: httpx.AsyncClient) -> None:
    assert fragment_of(await ask(robin, await legacy(site, "a15"), scope="foo"))["error"] == "invalid_scope"


@pytest.mark.spec("original", "A16")
@pytest.mark.spec("original", "BUG 2")
async def test_bug_2_a_minimal_request_yields_one_token_with_positive_whole_seconds(
    site: Service, robin: httpx.AsyncClient
) -> None:
    client_id = await legacy(site, "a16")
    codes, tokens = await count(site, "grant_code"), await count(site, "access_token")
    answer = await approved(robin, client_id)
    assert answer.keys() == {"access_token", "token_type", "expires_in", "iss"}
    assert (answer["token_type"], answer["expires_in"], answer["iss"]) == ("Bearer", "3600", ISSUER)
    assert await count(site, "grant_code") == codes
    assert await count(site, "access_token") == tokens + 1
    told = await introspect(robin, client_id, answer["access_token"])
    assert (told["active"], told["client_id"], told["username"]) == (True, client_id, "robin")
    assert "scope" not in told


@pytest.mark.spec("original", "A17")
async def test_denying_goes_back_in_the_fragment_and_writes_no_token(site: Service, robin: httpx.AsyncClient) -> None:
    page = await ask(robin, await legacy(site, "a17"))
    tokens = await count(site, "access_token")
    answer = fragment_of(await decide(robin, page, "deny"))
    assert answer.pop("error_description")
    assert answer == {"error": "access_denied", "iss": ISSUER}
    assert await count(site, "access_token") == tokens


@pytest.mark.spec("original", "BUG 21")
async def test_bug_21_it_is_off_unless_server_and_application_are_switched_on(
    database: Database, site: Service, robin: httpx.AsyncClient
) -> None:
    await site.application("bug21")
    assert fragment_of(await ask(robin, "bug21"))["error"] == "unauthorized_client"
    metadata = (await robin.get("/.well-known/oauth-authorization-server")).json()
    assert "token" in metadata["response_types_supported"]
    client_id = await legacy(site, "bug21-legacy")
    async with service(database) as usual, usual.browser() as browser:
        await sign_in(browser, "robin")
        answer = await ask(browser, client_id)
        query = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
        assert query["error"] == "unsupported_response_type"
        metadata = (await browser.get("/.well-known/oauth-authorization-server")).json()
    assert not [one for one in metadata["response_types_supported"] if "token" in one.split()]


async def test_the_record_is_merged_and_the_token_copies_what_was_asked(
    site: Service, robin: httpx.AsyncClient
) -> None:
    client_id = await legacy(site, "merged")
    first = await approved(robin, client_id, scope="org:write", state="s 1")
    assert (first["scope"], first["state"]) == ("org:write", "s 1")
    second = await approved(robin, client_id, scope="org:read")
    assert (await introspect(robin, client_id, second["access_token"]))["scope"] == "org:read"
    account = await users.find_for_sign_in(site.database, "robin")
    assert account is not None
    [record] = [one for one in await records.list_for_user(site.database, account.id) if one.client_id == client_id]
    assert [pair.pair for pair in record.pairs] == ["org:write", "org:read"]
    [granted] = (await history(site.database, record.id))[:1]
    assert granted.data["token"] == str(_credential_id(second["access_token"]))
    assert (granted.data["before"], granted.data["after"]) == (["org:write"], ["org:write", "org:read"])
    assert second["access_token"] not in repr(granted)


async def test_what_was_allowed_before_comes_without_a_page_and_in_two_trips(
    site: Service, robin: httpx.AsyncClient
) -> None:
    client_id = await legacy(site, "silent")
    page = await ask(robin, client_id, scope="org:read")
    with counting_trips() as clicked:
        fragment_of(await decide(robin, page))
    with counting_trips() as silent:
        answer = fragment_of(await robin.get(authorize_url(client_id, **_BARE | {"scope": "org:read"})))
    assert [clicked[-1], *silent] == ["settle_front_token", "gather_authorize", "settle_front_token"]
    assert len(clicked) == 2
    assert answer["scope"] == "org:read"


async def test_the_page_promises_no_more_than_the_token_holds(site: Service, robin: httpx.AsyncClient) -> None:
    page = await ask(robin, await legacy(site, "promised"), scope="org:read")
    assert "<b>For 1 hour.</b>" in page.text
    assert "Until you disconnect it" not in page.text


async def test_the_token_is_worth_nothing_at_the_token_endpoint(site: Service, robin: httpx.AsyncClient) -> None:
    client_id = await legacy(site, "redeemed")
    token = (await approved(robin, client_id))["access_token"]
    for data in (
        {"grant_type": "refresh_token", "refresh_token": token},
        {"grant_type": "authorization_code", "code": token, "redirect_uri": REDIRECT_URI},
        {"grant_type": "implicit"},
    ):
        answer = await robin.post("/oauth/token", data=data, auth=(client_id, SECRET))
        assert answer.status_code == 400
        assert answer.json()["error"] in ("invalid_grant", "unsupported_grant_type")


@pytest.mark.parametrize("how", ["record", "token", "user", "expiry"])
async def test_the_token_dies_with_what_it_stands_on(site: Service, how: str) -> None:
    await site.user(f"mortal-{how}")
    async with site.browser() as browser:
        await sign_in(browser, f"mortal-{how}")
        client_id = await legacy(site, f"mortal-{how}")
        token = (await approved(browser, client_id, scope="org:read"))["access_token"]
        assert (await introspect(browser, client_id, token))["active"] is True
        account = await users.find_for_sign_in(site.database, f"mortal-{how}")
        assert account is not None
        now = site.clock.now
        match how:
            case "record":
                [listed] = re.findall(
                    r'href="(/account/applications/[0-9a-f-]{36})"', (await browser.get("/account/applications")).text
                )[:1]
                question = await browser.get(f"{listed}/disconnect")
                fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', question.text))
                assert (await browser.post(f"{listed}/disconnect", data=fields)).status_code == 303
            case "token":
                await browser.post("/oauth/revoke", data={"token": token}, auth=(client_id, SECRET))
            case "user":
                async with site.database.transaction() as transaction:
                    await users.disable(transaction, account.id, site.clock())
                    await users.enable(transaction, account.id, site.clock())
            case _:
                site.clock.forward(3600)
        assert await introspect(browser, client_id, token) == {"active": False}
        site.clock.now = now


async def test_twenty_clicks_on_one_page_yield_one_token(site: Service, robin: httpx.AsyncClient) -> None:
    page = await ask(robin, await legacy(site, "clicked"))
    tokens = await count(site, "access_token")
    answers = await asyncio.gather(*(decide(robin, page) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers)[:2] == [303, 400]
    assert len([answer for answer in answers if answer.status_code == 303]) == 1
    assert await count(site, "access_token") == tokens + 1


async def test_each_token_is_counted_for_the_operator(site: Service, robin: httpx.AsyncClient) -> None:
    client_id = await legacy(site, "counted")
    await approved(robin, client_id)
    fragment_of(await ask(robin, client_id))
    assert ("front_channel", [client_id], [2]) in REQUESTS.snapshot()


def _credential_id(token: str) -> UUID:
    credential = parse_credential(Prefix.ACCESS_TOKEN, token)
    assert credential is not None
    return credential.id
