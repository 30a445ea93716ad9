"""The JSON API over a person's connected applications: seen, narrowed and disconnected by nobody but himself."""

from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest

from tests.support.api_person import AUTHORIZATIONS as PATH
from tests.support.api_person import HERE, NOBODYS, Person, assert_problem, enter
from tests.support.service import SECRET, Service, authorize_url, follow, obtain_code, redeem, sign_in

ASKED = "project:read org:read"


@pytest.fixture
async def robin(site: Service, browser: httpx.AsyncClient) -> Person:
    """Robin, who has connected `web` with two permissions, and nothing else."""
    person = await enter(browser, "robin")
    await obtain_code(browser, "web", "robin", scope=ASKED)
    site.clock.forward(1)
    return person


@pytest.fixture
async def sam(site: Service) -> AsyncIterator[Person]:
    """Somebody else, in another browser, who has connected nothing."""
    async with site.browser() as other:
        yield await enter(other, "sam")


async def test_the_list_names_what_is_connected(robin: Person) -> None:
    [item] = (await robin.get(PATH))["items"]
    assert item["application"] == {
        "client_id": "web",
        "name": "Deploy Diary",
        "host": "client.example",
        "owner": "Saltbarn",
        "verified": True,
    }
    assert item["permissions"] == [
        {"scope": "project:read", "resource": None},
        {"scope": "org:read", "resource": None},
    ]
    assert item["last_used_at"] is None
    assert item["created_at"].endswith("Z")


async def test_each_person_sees_his_own_alone(robin: Person, sam: Person) -> None:
    await obtain_code(sam.browser, "web", "sam")
    own, others = (await robin.get(PATH))["items"], (await sam.get(PATH))["items"]
    assert [len(own), len(others)] == [1, 1]
    assert own[0]["id"] != others[0]["id"]


@pytest.mark.spec("standards", "AR-14")
@pytest.mark.spec("standards", "O-12")
async def test_one_connection_tells_scopes_dates_use_and_history(site: Service, robin: Person) -> None:
    path = await robin.only()
    tokens = await redeem(robin.browser, "web", await obtain_code(robin.browser, "web", "robin", scope=ASKED))
    assert tokens.status_code == 200
    site.clock.forward(1)
    answer = await robin.browser.get(path, headers=HERE)
    content = answer.json()
    assert answer.headers["etag"] == f'"{content["version"]}"'
    assert answer.headers["cache-control"] == "no-store"
    [plain] = content["resources"]
    assert plain["resource"] is None
    assert [scope["scope"] for scope in plain["scopes"]] == ["project:read", "org:read"]
    first = plain["scopes"][0]
    assert (first["title"], first["kind"]) == ("See projects", "see")
    assert first["first_granted_at"] <= first["last_granted_at"]
    assert content["live_token_families"] == 1
    assert content["last_used_at"] is not None
    oldest = content["history"][-1]
    assert (oldest["by"], oldest["before"]) == ("you", [])
    assert [permission["scope"] for permission in oldest["after"]] == ["project:read", "org:read"]
    assert oldest["request_id"].startswith("req_")


async def test_families_that_have_run_out_are_not_counted(site: Service, robin: Person) -> None:
    await redeem(robin.browser, "web", await obtain_code(robin.browser, "web", "robin", scope=ASKED))
    path = await robin.only()
    assert (await robin.get(path))["live_token_families"] == 1
    now = site.clock.now
    site.clock.forward(31 * 86_400)
    async with site.browser() as later:
        await sign_in(later, "robin")
        counted = (await later.get(path)).json()["live_token_families"]
    site.clock.now = now
    assert counted == 0


async def test_a_removed_scope_is_gone_at_once_from_live_tokens(site: Service, robin: Person) -> None:
    code = await obtain_code(robin.browser, "web", "robin", scope=ASKED)
    tokens = (await redeem(robin.browser, "web", code)).json()
    site.clock.forward(1)
    path = await robin.only()
    before = await robin.get(path)
    answer = await robin.delete(f"{path}/scopes/org:read")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["cache-control"] == "no-store"
    seen = await robin.browser.post("/oauth/introspect", data={"token": tokens["access_token"]}, auth=("web", SECRET))
    assert seen.json()["scope"] == "project:read"
    after = await robin.get(path)
    assert after["version"] == before["version"] + 1
    assert after["permissions"] == [{"scope": "project:read", "resource": None}]
    newest = after["history"][0]
    assert (newest["event"], newest["by"]) == ("authorization.narrowed", "you")
    assert newest["request_id"] == answer.headers["x-request-id"]
    assert [permission["scope"] for permission in newest["before"]] == ["project:read", "org:read"]
    assert newest["after"] == after["permissions"]


async def test_what_is_removed_twice_or_was_never_there_is_not_found_and_changes_nothing(robin: Person) -> None:
    path = await robin.only()
    assert (await robin.delete(f"{path}/scopes/org:read")).status_code == 204
    before = await robin.get(path)
    for scope in ("org:read", "team:read", "%00", "%ff", "a%2Fb", "%E2%80%AE", "x" * 5000, "project:read%20x"):
        assert_problem(await robin.delete(f"{path}/scopes/{scope}"), 404, "not-found")
    elsewhere = await robin.delete(f"{path}/scopes/project:read?resource={quote('https://api.example')}")
    assert_problem(elsewhere, 404, "not-found")
    assert await robin.get(path) == before


async def test_disconnecting_ends_tokens_and_codes_at_once(robin: Person) -> None:
    browser = robin.browser
    tokens = (await redeem(browser, "web", await obtain_code(browser, "web", "robin", scope=ASKED))).json()
    in_flight = await obtain_code(browser, "web", "robin", scope=ASKED)
    path = await robin.only()
    answer = await robin.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    seen = await browser.post("/oauth/introspect", data={"token": tokens["access_token"]}, auth=("web", SECRET))
    assert seen.json() == {"active": False}
    refreshing = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    refreshed = await browser.post("/oauth/token", data=refreshing, auth=("web", SECRET))
    redeemed = await redeem(browser, "web", in_flight)
    for refused in (refreshed, redeemed):
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert (await robin.get(PATH))["items"] == []
    assert_problem(await browser.get(path, headers=HERE), 404, "not-found")
    assert_problem(await robin.delete(path), 404, "not-found")
    page = await follow(browser, await browser.get(authorize_url("web", scope=ASKED)))
    assert 'id="consent-approve"' in page.text


async def test_a_change_meant_for_another_version_is_refused(robin: Person) -> None:
    path = await robin.only()
    read = (await robin.browser.get(path, headers=HERE)).headers["etag"]
    assert (await robin.delete(f"{path}/scopes/org:read", If_Match=read)).status_code == 204
    for target in (f"{path}/scopes/project:read", path):
        for stale in (read, "", "x", f"W/{read}", '"0", "999"', '"' * 500):
            assert_problem(await robin.delete(target, If_Match=stale), 412, "version-changed")
    assert len((await robin.get(path))["permissions"]) == 1
    current = (await robin.browser.get(path, headers=HERE)).headers["etag"]
    assert (await robin.delete(f"{path}/scopes/project:read", If_Match=f'"0", {current}')).status_code == 204
    assert (await robin.delete(path, If_Match="*")).status_code == 204


async def test_somebody_elses_record_is_answered_like_none_at_all(robin: Person, sam: Person) -> None:
    path = await robin.only()
    before = await robin.get(path)
    seen = set()
    for address in (path, f"{PATH}/{NOBODYS}", f"{PATH}/nonsense"):
        for answer in (
            await sam.browser.get(address, headers=HERE),
            await sam.delete(address),
            await sam.delete(address, If_Match='"1"'),
            await sam.delete(f"{address}/scopes/org:read"),
        ):
            content = answer.json()
            assert content.pop("instance")
            seen.add((answer.status_code, str(content)))
    assert len(seen) == 1
    assert seen.pop()[0] == 404
    assert await robin.get(path) == before


@pytest.mark.parametrize("record", ["x", "%00", "%ff", "1" * 5000, "{0}", "urn:uuid:0", "..%2f..%2fetc", "\u202e"])
async def test_no_address_below_the_list_breaks_anything(robin: Person, record: str) -> None:
    for answer in (
        await robin.browser.get(f"{PATH}/{record}", headers=HERE),
        await robin.delete(f"{PATH}/{record}"),
        await robin.delete(f"{PATH}/{record}/scopes/{record}?resource={quote(record)}"),
    ):
        assert answer.status_code == 404


async def test_a_record_has_one_spelling(robin: Person) -> None:
    path = await robin.only()
    record = path.removeprefix(f"{PATH}/")
    for other in (record.upper(), record.replace("-", ""), f"{{{record}}}"):
        assert_problem(await robin.browser.get(f"{PATH}/{other}", headers=HERE), 404, "not-found")
