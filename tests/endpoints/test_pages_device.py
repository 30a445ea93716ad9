"""The pages on which a person connects a device: the code, the question, the end (RFC 8628 §3.3)."""

import re
from collections.abc import AsyncIterator
from html import unescape
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest

from app.crypto.derivation import derive_key
from app.models import Application
from app.protocol.device import LENGTH
from app.services import limits
from app.services.limits import WRONG_USER_CODES, WRONG_USER_CODES_OF_ADDRESS
from app.store import records, trail
from app.store.trail import Place, Selection
from tests.endpoints.test_budgets import trips_of
from tests.support import devices as flow
from tests.support.credentials import change
from tests.support.devices import GRANT_TYPE
from tests.support.service import KEYS, PASSWORD, Service, fields_of, follow, sign_in

WRONG = "BBBB-BBBB"
GRANTS = (GRANT_TYPE, "refresh_token")


@pytest.fixture
async def tv(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A device of an application that the operator answers for."""
    if await site.database.hot.gather_client("tv") is None:
        await site.application("tv", grant_types=GRANTS, redirect_uris=(), optional_scopes=("member:read",))
    async with site.browser() as fresh:
        yield fresh


async def begun(device: httpx.AsyncClient, client_id: str = "tv", **params: str) -> dict[str, str]:
    content: dict[str, str] = (await flow.begin(device, client_id, **params)).json()
    return content


async def person(site: Service, browser: httpx.AsyncClient, name: str) -> None:
    """Register somebody and have him sign in."""
    await site.user(name)
    assert (await sign_in(browser, name)).status_code == 303


def headline(page: httpx.Response) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page.text, re.DOTALL)
    assert found is not None, page.text
    return unescape(re.sub(r"<[^>]+>", "", found[1]))


@pytest.mark.spec("standards", "DV-5")
@pytest.mark.spec("standards", "DV-9")
async def test_whoever_types_a_code_signs_in_first_and_comes_back_with_it(
    site: Service, tv: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    content = await begun(tv)
    link = content["verification_uri_complete"]
    there = await browser.get(link)
    assert there.status_code == 303
    assert content["user_code"] not in there.headers["location"]
    login = await browser.get(there.headers["location"])
    await site.user("drew")
    data = {**fields_of(login), "username": "drew", "password": PASSWORD}
    page = await follow(browser, await browser.post("/login", data=data))
    assert headline(page) == "Connect a device"
    assert f'value="{content["user_code"]}"' in page.text
    assert page.headers["referrer-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "form-action 'self'" in page.headers["content-security-policy"]


@pytest.mark.spec("standards", "DV-7")
async def test_a_link_with_the_code_only_fills_it_in_and_tells_nothing(
    site: Service, tv: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    content = await begun(tv)
    await person(site, browser, "emery")
    real = await browser.get(f"/device?user_code={content['user_code'].lower()}")
    invented = await browser.get(f"/device?user_code={WRONG}")
    without = await browser.get("/device?user_code=%22%3E%3Cscript")
    assert real.text.replace(content["user_code"], WRONG) == invented.text
    assert 'name="user_code" type="text" value=""' in without.text
    assert (await flow.poll(tv, "tv", content["device_code"])).json()["error"] == "authorization_pending"


@pytest.mark.spec("standards", "DV-7")
async def test_the_question_names_the_application_the_code_and_what_is_asked(
    site: Service, tv: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    content = await begun(tv, scope="project:read member:read")
    await person(site, browser, "finley")
    site.clock.forward(150)
    page = await flow.question(browser, content["user_code"].lower().replace("-", " "))
    assert headline(page) == "Connect Deploy Diary on another device?"
    for told in (
        f'<b class="code-big">{content["user_code"]}</b>',
        "by <bdi>Saltbarn</bdi>",
        "2 minutes ago</time> from <b>127.0.0.1</b>",
        "I hold the device, and it shows this code",
        'name="scope" value="member:read"',
        "Until you disconnect it.",
    ):
        assert told in page.text, told
    assert content["user_code"] not in str(page.url)
    assert "checked" not in re.findall(r"<input[^>]*>", page.text)


@pytest.mark.spec("standards", "DV-7")
async def test_nobody_connects_a_device_without_confirming_that_he_holds_it(
    site: Service, tv: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    content = await begun(tv, scope="project:read member:read")
    await person(site, browser, "gray")
    page = await flow.question(browser, content["user_code"])
    again = await flow.answer(browser, page, holds="", scope="member:read")
    assert again.status_code == 422
    assert "Confirm" in again.text
    assert re.findall(r'<input type="checkbox"[^>]*name="(\w+)"[^>]* checked', again.text) == ["scope"]
    assert (await flow.poll(tv, "tv", content["device_code"])).json()["error"] == "authorization_pending"
    assert headline(await follow(browser, await flow.answer(browser, again))) == "Deploy Diary is connected"


async def test_optional_permissions_come_only_when_they_are_ticked(
    site: Service, tv: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(site, browser, "harper")
    got = []
    for ticked in ({}, {"scope": "member:read"}, {}):
        content = await begun(tv, scope="project:read member:read")
        await follow(browser, await flow.answer(browser, await flow.question(browser, content["user_code"]), **ticked))
        got.append((await flow.poll(tv, "tv", content["device_code"])).json()["scope"])
    assert got == ["project:read", "project:read member:read", "project:read member:read"]  # the third time it had it


async def test_when_everything_is_optional_something_has_to_be_ticked(
    site: Service, tv: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    content = await begun(tv, scope="member:read")
    await person(site, browser, "indigo")
    again = await flow.answer(browser, await flow.question(browser, content["user_code"]))
    assert again.status_code == 422
    assert "Tick at least one" in again.text


async def test_everybody_is_asked_every_time(site: Service, tv: httpx.AsyncClient, browser: httpx.AsyncClient) -> None:
    await person(site, browser, "jules")
    pages = []
    for _ in range(2):
        content = await begun(tv, scope="project:read")
        pages.append(await flow.question(browser, content["user_code"]))
        await flow.answer(browser, pages[-1])
    assert ["Already allowed" in page.text for page in pages] == [False, True]


async def test_an_application_that_nobody_checked_is_introduced_as_such(
    site: Service, tv: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    owner = await site.user("owner-of-claims")
    application = await site.application("claims", grant_types=GRANTS, redirect_uris=(), owner_user_id=owner)
    await change(site, Application, application, verified=False, version=2)
    content = await begun(tv, "claims")
    await person(site, browser, "kit")
    page = await flow.question(browser, content["user_code"])
    assert headline(page) == "Connect an application that calls itself “Deploy Diary” on another device?"
    assert "Nobody at Assent has checked it" in page.text
    assert 'class="btn" id="consent-approve"' in page.text


@pytest.mark.spec("standards", "DV-4")
async def test_a_wrong_code_keeps_what_was_typed(
    site: Service, tv: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(site, browser, "lane")
    for typed, shown in ((WRONG, WRONG), ("WDJB", "WDJB"), ("", "")):
        answer = await flow.type_code(browser, typed)
        assert answer.status_code == 422
        assert f'value="{shown}"' in answer.text
        assert "No device waits for this code" in answer.text


@pytest.mark.spec("standards", "DV-5")
async def test_after_five_wrong_codes_an_account_waits_as_long_as_a_code_lives(
    site: Service, tv: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(site, browser, "marlow")
    for _ in range(WRONG_USER_CODES):
        assert (await flow.type_code(browser, WRONG)).status_code == 422
    content = await begun(tv)
    waits = await flow.type_code(browser, content["user_code"])
    assert waits.status_code == 429
    assert waits.headers["retry-after"] == "600"
    site.clock.forward(600)
    assert (await flow.type_code(browser, (await begun(tv))["user_code"])).status_code == 303
    assert (await flow.type_code(browser, WRONG)).status_code == 422  # one more is one too many
    assert (await flow.type_code(browser, WRONG)).status_code == 429


@pytest.mark.spec("standards", "DV-5")
async def test_right_codes_in_between_buy_nobody_more_wrong_ones(
    site: Service, tv: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(site, browser, "nico")
    answers = []
    for _ in range(2 * WRONG_USER_CODES):
        answers.append((await flow.type_code(browser, (await begun(tv))["user_code"])).status_code)
        answers.append((await flow.type_code(browser, WRONG)).status_code)
    assert answers == [303, 422] * WRONG_USER_CODES + [429, 429] * WRONG_USER_CODES


@pytest.mark.spec("standards", "DV-5")
async def test_right_codes_alone_are_never_too_many(
    site: Service, tv: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(site, browser, "oakley")
    for _ in range(WRONG_USER_CODES + WRONG_USER_CODES_OF_ADDRESS):
        assert (await flow.type_code(browser, (await begun(tv))["user_code"])).status_code == 303


@pytest.mark.spec("standards", "DV-5")
async def test_an_address_waits_whatever_accounts_it_uses(site: Service, tv: httpx.AsyncClient) -> None:
    key = derive_key(KEYS.by_version[1], "user-code-limits")
    now, lifetime = site.clock(), site.server.policy.lifetimes.device_code
    admitted = 0
    for number in range(WRONG_USER_CODES_OF_ADDRESS + 1):
        keys = limits.user_code_keys(key, user_id=UUID(int=number), address="198.51.100.77")
        admitted += await limits.admit_user_code(site.database, keys, now, lifetime) is None
    assert admitted == WRONG_USER_CODES_OF_ADDRESS
    elsewhere = limits.user_code_keys(key, user_id=UUID(int=WRONG_USER_CODES_OF_ADDRESS), address="")
    assert await limits.admit_user_code(site.database, elsewhere, now, lifetime) is None
    await limits.user_code_was_right(site.database, elsewhere)


async def test_what_cannot_be_a_code_is_no_guess(
    site: Service, tv: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(site, browser, "parker")
    for _ in range(2 * WRONG_USER_CODES):
        assert (await flow.type_code(browser, "x" * (LENGTH - 1))).status_code == 422
    assert (await flow.type_code(browser, (await begun(tv))["user_code"])).status_code == 303


@pytest.mark.spec("standards", "SE-7")
async def test_nobody_else_can_open_the_question(
    site: Service, tv: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    content = await begun(tv)
    await person(site, browser, "quincy")
    page = await flow.question(browser, content["user_code"])
    async with site.browser() as other:
        await person(site, other, "reese")
        shown = await other.get(str(page.url))
        assert (shown.status_code, headline(shown)) == (400, "This page is out of date")
        own = await flow.question(other, (await begun(tv))["user_code"])
        stolen = {**fields_of(own), "device": fields_of(page)["device"]}
        answer = await other.post("/device/confirm", data={**stolen, "decision": "approve", "holds": "yes"})
        assert (answer.status_code, headline(answer)) == (400, "This page is out of date")
    assert (await flow.poll(tv, "tv", content["device_code"])).json()["error"] == "authorization_pending"


@pytest.mark.parametrize("path", ["/device/confirm", "/device/done"])
@pytest.mark.parametrize("reference", ["", "x", "é", "A" * 300, "A" * 64])
async def test_an_invented_reference_is_out_of_date(
    site: Service, browser: httpx.AsyncClient, path: str, reference: str
) -> None:
    assert (await sign_in(browser, "robin")).status_code == 303
    answer = await browser.get(path, params={"device": reference})
    assert (answer.status_code, headline(answer)) == (400, "This page is out of date")


async def test_without_a_session_every_page_asks_for_one(
    site: Service, tv: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    form = fields_of(await browser.get("/login"))
    for path in ("/device", "/device/confirm", "/device/done"):
        assert urlsplit((await browser.get(path)).headers["location"]).path == "/login"
    for path in ("/device", "/device/confirm"):
        answer = await browser.post(path, data={**form, "user_code": WRONG, "decision": "approve"})
        assert urlsplit(answer.headers["location"]).path == "/login"


@pytest.mark.spec("standards", "DV-5")
@pytest.mark.spec("standards", "SE-6")
@pytest.mark.parametrize("path", ["/device", "/device/confirm"])
async def test_forms_without_the_token_or_from_elsewhere_are_refused(
    site: Service, tv: httpx.AsyncClient, browser: httpx.AsyncClient, path: str
) -> None:
    await sign_in(browser, "sam")
    fields = {**fields_of(await browser.get("/device")), "user_code": WRONG, "decision": "approve"}
    assert (await browser.post(path, data={**fields, "csrf": "x"})).status_code == 403
    assert (await browser.post(path, data=fields, headers={"Sec-Fetch-Site": "cross-site"})).status_code == 403


async def test_a_decision_is_made_once_and_can_be_read_again(
    site: Service, tv: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    content = await begun(tv, scope="project:read")
    await person(site, browser, "sasha")
    page = await flow.question(browser, content["user_code"])
    for decision in ("deny", "approve", "deny"):
        done = await follow(browser, await flow.answer(browser, page, decision))
        assert headline(done) == "Deploy Diary was not connected"
    assert headline(await follow(browser, await browser.get(str(page.url)))) == "Deploy Diary was not connected"
    assert (await flow.type_code(browser, content["user_code"])).status_code == 422


async def test_a_decision_has_to_be_one(site: Service, tv: httpx.AsyncClient, browser: httpx.AsyncClient) -> None:
    content = await begun(tv)
    await person(site, browser, "skyler")
    page = await flow.question(browser, content["user_code"])
    assert (await flow.answer(browser, page, "perhaps")).status_code == 400


async def test_whoever_comes_second_reads_that_somebody_else_has_decided(
    site: Service, tv: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    content = await begun(tv, scope="project:read")
    await person(site, browser, "tatum")
    page = await flow.question(browser, content["user_code"])
    async with site.browser() as other:
        await flow.approve(other, "robin", content["user_code"])
    late = await follow(browser, await flow.answer(browser, page))
    assert headline(late) == "Someone else has decided about this device"
    user = await site.user("uma")
    assert await records.list_for_user(site.database, user) == []


async def test_a_question_ends_with_its_code(site: Service, tv: httpx.AsyncClient, browser: httpx.AsyncClient) -> None:
    content = await begun(tv)
    await person(site, browser, "vesper")
    page = await flow.question(browser, content["user_code"])
    site.clock.forward(600)
    late = await flow.answer(browser, page)
    assert (late.status_code, headline(late)) == (400, "This page is out of date")
    assert (await browser.get("/device/done", params={"device": fields_of(page)["device"]})).status_code == 400


@pytest.mark.parametrize(
    ("columns", "status"),
    [
        pytest.param({"status": "inactive"}, 400, id="turned off"),
        pytest.param({"grant_types": ["authorization_code"]}, 400, id="not registered for it any more"),
        pytest.param({"scopes": ["event:read"]}, 400, id="may not ask for that any more"),
    ],
)
async def test_what_changed_since_the_device_asked_is_judged_again(
    site: Service, tv: httpx.AsyncClient, browser: httpx.AsyncClient, columns: dict[str, object], status: int
) -> None:
    name = f"fickle-{next(iter(columns))}"
    application = await site.application(name, grant_types=GRANTS, redirect_uris=())
    content = await begun(tv, name, scope="project:read")
    await person(site, browser, f"wren-{next(iter(columns))}")
    page = await flow.question(browser, content["user_code"])
    await change(site, Application, application, version=2, **columns)
    assert (await browser.get(str(page.url))).status_code == status
    assert (await flow.answer(browser, page)).status_code == status


@pytest.mark.spec("standards", "AR-15")
@pytest.mark.parametrize(
    ("decision", "events"),
    [
        ("approve", ["device_code.exchanged", "authorization.granted"]),
        ("deny", ["authorization.denied"]),
    ],
)
async def test_every_decision_is_written_down(
    site: Service, tv: httpx.AsyncClient, browser: httpx.AsyncClient, decision: str, events: list[str]
) -> None:
    content = await begun(tv, scope="project:read")
    name = f"written-{decision}"
    user = await site.user(name)
    await sign_in(browser, name)
    await flow.answer(browser, await flow.question(browser, content["user_code"]), decision)
    await flow.poll(tv, "tv", content["device_code"])
    found = await trail.page(site.database, Selection(user_id=user), Place(), 100)
    mine = [entry for entry in found.entries if not entry.event.startswith(("login", "session"))]
    assert [entry.event for entry in mine] == events
    told = mine[-1]
    assert told.data["flow"] == "device"
    assert told.data["asked"] == ["project:read"]
    assert told.subject_id == "tv"
    assert told.address == "127.0.0.1"


@pytest.mark.parametrize(("decision", "settled"), [("approve", "approve_device"), ("deny", "deny_device")])
async def test_the_click_takes_one_statement_besides_what_it_reads(
    site: Service, tv: httpx.AsyncClient, browser: httpx.AsyncClient, decision: str, settled: str
) -> None:
    content = await begun(tv, scope="project:read")
    await sign_in(browser, "robin")
    page = await flow.question(browser, content["user_code"])
    _session, *trips = await trips_of(flow.answer(browser, page, decision), 303)
    assert trips == ["gather_device_request", settled]
