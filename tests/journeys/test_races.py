"""What may happen only once happens once, and what must not get lost does not, however many ask at the same moment.

Two worker processes serve, on every PostgreSQL that is installed.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import httpx
import pytest

from app.protocol.token_format import Prefix, parse_credential
from app.store import records
from app.store.database import Database
from tests.store.conftest import engine as engine
from tests.support.database import FreshDatabase
from tests.support.facts import VERIFIER
from tests.support.history import history
from tests.support.race import (
    CLIENT_ID,
    CONNECTIONS,
    SCOPES,
    USERNAME,
    RacedServer,
    active,
    errors_of,
    raced_server,
    refresh,
)
from tests.support.service import (
    SECRET,
    answer_of,
    authorize_url,
    decide,
    fields_of,
    follow,
    obtain_code,
    redeem,
    sign_in,
)

OTHER_VERIFIER = "x" * 43


@pytest.fixture(scope="module")
async def raced(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[RacedServer]:
    async with raced_server(database, fresh_database) as running:
        yield running


@pytest.fixture
async def browser(raced: RacedServer) -> AsyncIterator[httpx.AsyncClient]:
    """A browser in which the person has signed in."""
    async with raced.browser() as fresh:
        assert (await sign_in(fresh, USERNAME)).status_code == 303
        yield fresh


async def consent_page(browser: httpx.AsyncClient, scope: str) -> httpx.Response:
    url = authorize_url(CLIENT_ID, scope=scope, prompt="consent")
    page = await follow(browser, await browser.get(url))
    assert 'id="consent-approve"' in page.text, page.text
    return page


async def disconnect(raced: RacedServer, browser: httpx.AsyncClient) -> None:
    """Take everything back on the account page, if there is anything."""
    for record in await records.list_for_user(raced.database, raced.user.id):
        path = f"/account/applications/{record.id}/disconnect"
        answer = await browser.post(path, data=fields_of(await browser.get(path)))
        assert answer.status_code == 303, answer.text


async def replay(raced: RacedServer, record_id: UUID) -> list[str]:
    """Follow a record through the audit trail: every change begins where the one before it ended."""
    changes = [entry.data for entry in await history(raced.database, record_id)]
    pairs: list[str] = []
    for change in sorted(changes, key=lambda change: (change["version"], change["before"] == change["after"])):
        assert change["before"] == pairs
        pairs = [*pairs, *(scope for scope in change["scopes"] if scope not in pairs)]
        assert change["after"] == pairs
    return pairs


async def families_of(raced: RacedServer, codes: list[str]) -> list[tuple[str | None, int]]:
    """Return of each family that the codes bought why it was revoked (None: it lives), and its access tokens."""
    ids = [credential.id for code in codes if (credential := parse_credential(Prefix.AUTHORIZATION_CODE, code))]
    query = """
        select case when f.revoked_at is not null then f.revoked_reason end reason,
            (select count(*) from access_token t where t.family_id = f.id) tokens
        from grant_code c join token_family f on f.id = c.family_id where c.id = any($1)"""
    return [(row["reason"], row["tokens"]) for row in await raced.fetch(query, ids)]


@pytest.mark.spec("standards", "AC-7")
@pytest.mark.spec("standards", "SR-3")
@pytest.mark.soak
@pytest.mark.spec("RFC 6749", "4.1.2")
async def test_a_code_is_redeemed_once_and_every_replay_ends_its_family(
    raced: RacedServer, volume: Callable[[int], int]
) -> None:
    codes: list[str] = []
    async with raced.rivals() as rivals:
        for _ in range(volume(200)):
            codes.append(await raced.new_code(SCOPES[0]))
            answers = await asyncio.gather(*(redeem(rival, CLIENT_ID, codes[-1]) for rival in rivals))
            assert [answer.status_code for answer in answers].count(200) == 1
            assert errors_of(answers) == {(400, "invalid_grant")}
            (winner,) = [answer.json() for answer in answers if answer.status_code == 200]
            assert not await active(rivals[0], winner["access_token"])
    assert await families_of(raced, codes) == [("code_replayed", 1)] * len(codes)


@pytest.mark.soak
@pytest.mark.spec("OAuth 2.1", "7.5.2")
async def test_rivals_without_the_verifier_neither_redeem_a_code_nor_end_its_family(
    raced: RacedServer, volume: Callable[[int], int]
) -> None:
    codes: list[str] = []
    async with raced.rivals() as rivals:
        for number in range(volume(200)):
            codes.append(await raced.new_code(SCOPES[0]))
            verifiers = [OTHER_VERIFIER] * CONNECTIONS
            verifiers[number % CONNECTIONS] = VERIFIER
            answers = await asyncio.gather(
                *(
                    redeem(rival, CLIENT_ID, codes[-1], code_verifier=verifier)
                    for rival, verifier in zip(rivals, verifiers, strict=True)
                )
            )
            owner = answers.pop(number % CONNECTIONS)
            assert owner.status_code == 200, owner.text
            assert {(answer.status_code, answer.json()["error"]) for answer in answers} == {(400, "invalid_grant")}
            assert await active(rivals[0], owner.json()["access_token"])
    assert await families_of(raced, codes) == [(None, 1)] * len(codes)


@pytest.mark.spec("standards", "RF-5")
@pytest.mark.soak
@pytest.mark.spec("RFC 9700", "4.14.2")
async def test_within_the_grace_everybody_gets_the_same_successor(
    raced: RacedServer, volume: Callable[[int], int]
) -> None:
    async with raced.rivals() as rivals:
        bought = await redeem(rivals[0], CLIENT_ID, await raced.new_code(SCOPES[0]))
        token = bought.json()["refresh_token"]
        for _ in range(volume(100)):
            answers = await asyncio.gather(*(refresh(rival, token) for rival in rivals))
            assert errors_of(answers) == set()
            tokens = [answer.json() for answer in answers]
            (successor,) = {one["refresh_token"] for one in tokens}
            assert successor != token
            assert len({one["access_token"] for one in tokens}) == CONNECTIONS
            assert all([await active(rivals[0], one["access_token"]) for one in tokens])
            token = successor


async def test_twenty_that_ask_for_themselves_at_once_get_a_token_each(raced: RacedServer) -> None:
    machine = {"client_id": "sweeper", "client_secret": SECRET, "grant_types": ["client_credentials"]}
    raced.server.apply({"applications": [machine]})
    data = {"grant_type": "client_credentials", "scope": SCOPES[0]}
    async with raced.rivals() as rivals:
        answers = await asyncio.gather(
            *(rival.post("/oauth/token", data=data, auth=("sweeper", SECRET)) for rival in rivals)
        )
        assert errors_of(answers) == set()
        tokens = {answer.json()["access_token"] for answer in answers}
        assert len(tokens) == CONNECTIONS
        assert all([await active(rivals[0], token) for token in tokens])


@pytest.mark.spec("standards", "AR-17 (a)")
@pytest.mark.spec("RFC 9700", "4.14.2")
async def test_fifty_consents_at_once_end_in_their_union_in_the_order_in_which_they_came(
    raced: RacedServer, browser: httpx.AsyncClient
) -> None:
    await disconnect(raced, browser)
    asked = [(scope, SCOPES[number - 1]) for number, scope in enumerate(SCOPES)]
    pages = [await consent_page(browser, " ".join(scopes)) for scopes in asked]
    async with raced.rivals(len(pages), browser=browser) as rivals:
        answers = await asyncio.gather(*(decide(rival, page) for rival, page in zip(rivals, pages, strict=True)))
    codes = [answer_of(answer)["code"] for answer in answers]

    (record,) = await records.list_for_user(raced.database, raced.user.id)
    pairs = [granted.pair for granted in record.pairs]
    assert set(pairs) == set(SCOPES)
    assert len(pairs) == len(SCOPES)
    assert await replay(raced, record.id) == pairs
    bought = [await redeem(browser, CLIENT_ID, code) for code in codes]
    assert [tuple(answer.json()["scope"].split(" ")) for answer in bought] == asked


async def test_twenty_clicks_on_one_consent_page_are_one_code(raced: RacedServer, browser: httpx.AsyncClient) -> None:
    page = await consent_page(browser, SCOPES[0])
    before = await raced.fetch("select id from grant_code")
    async with raced.rivals(browser=browser) as rivals:
        answers = await asyncio.gather(*(decide(rival, page) for rival in rivals))
    (answered,) = [answer for answer in answers if answer.status_code == 303]
    late = [answer for answer in answers if answer is not answered]
    assert {answer.status_code for answer in late} == {400}
    assert all("This page is out of date" in answer.text for answer in late)
    assert len(await raced.fetch("select id from grant_code")) == len(before) + 1
    assert (await redeem(browser, CLIENT_ID, answer_of(answered)["code"])).status_code == 200


async def test_approving_and_denying_at_once_is_one_answer(raced: RacedServer, browser: httpx.AsyncClient) -> None:
    page = await consent_page(browser, SCOPES[0])
    decisions = ["approve", "deny"] * (CONNECTIONS // 2)
    async with raced.rivals(browser=browser) as rivals:
        clicks = (decide(rival, page, decision) for rival, decision in zip(rivals, decisions, strict=True))
        answers = await asyncio.gather(*clicks)
    assert sorted(answer.status_code for answer in answers) == [303] + [400] * (CONNECTIONS - 1)


async def test_a_posted_request_is_taken_up_once(raced: RacedServer, browser: httpx.AsyncClient) -> None:
    request = dict(parse_qsl(urlsplit(authorize_url(CLIENT_ID, scope=SCOPES[0], prompt="consent")).query))
    location = (await browser.post("/oauth/authorize", data=request)).headers["location"]
    async with raced.rivals(browser=browser) as rivals:
        answers = await asyncio.gather(*(rival.get(location) for rival in rivals))
    assert sorted(answer.status_code for answer in answers) == [303] + [400] * (CONNECTIONS - 1)


@pytest.mark.spec("standards", "AR-9")
async def test_what_was_taken_back_stays_dead_when_it_is_allowed_again(
    raced: RacedServer, browser: httpx.AsyncClient
) -> None:
    old = (await redeem(browser, CLIENT_ID, await obtain_code(browser, CLIENT_ID, USERNAME, scope=SCOPES[0]))).json()
    assert await active(browser, old["access_token"])
    await disconnect(raced, browser)
    new = (await redeem(browser, CLIENT_ID, await obtain_code(browser, CLIENT_ID, USERNAME, scope=SCOPES[0]))).json()
    assert await active(browser, new["access_token"])
    assert not await active(browser, old["access_token"])
    assert (await refresh(browser, old["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await refresh(browser, new["refresh_token"])).status_code == 200


async def test_nothing_that_is_bought_while_everything_is_taken_back_survives(
    raced: RacedServer, browser: httpx.AsyncClient
) -> None:
    codes = [await raced.new_code(SCOPES[0]) for _ in range(CONNECTIONS)]
    families = [(await redeem(browser, CLIENT_ID, code)).json() for code in codes[::2]]
    async with raced.rivals() as rivals:
        exchanges = (redeem(rival, CLIENT_ID, code) for rival, code in zip(rivals, codes[1::2], strict=False))
        refreshes = (refresh(rival, one["refresh_token"]) for rival, one in zip(rivals, families, strict=False))
        taking_back = asyncio.create_task(disconnect(raced, browser))
        answers = await asyncio.gather(*exchanges, *refreshes)
        await taking_back
    assert errors_of(answers) <= {(400, "invalid_grant")}
    tokens = families + [answer.json() for answer in answers if answer.status_code == 200]
    assert not [one for one in tokens if await active(browser, one["access_token"])]
    assert {(await refresh(browser, one["refresh_token"])).json()["error"] for one in tokens} == {"invalid_grant"}
