"""A person's own desk: seen, narrowed and disconnected by its owner alone, with effect on live tokens."""

import re

import httpx
import pytest

from tests.support.service import Service, authorize_url, fields_of, follow, obtain_code, redeem, sign_in

PATH = "/account/applications"
ASKED = "project:read org:read"


@pytest.fixture
async def robin(site: Service, browser: httpx.AsyncClient) -> httpx.AsyncClient:
    """A browser in which robin has connected `web` with two permissions, and nothing else."""
    await sign_in(browser, "robin")
    for url in await connected(browser):
        await browser.post(f"{url}/disconnect", data=fields_of(await browser.get(f"{url}/disconnect")))
    await obtain_code(browser, "web", "robin", scope=ASKED)
    site.clock.forward(1)
    return browser


async def connected(browser: httpx.AsyncClient) -> list[str]:
    """Return the addresses of the connected applications."""
    page = await browser.get(PATH)
    assert page.status_code == 200, page.text
    live, _, _ = page.text.partition('id="h-ended"')
    return list(dict.fromkeys(re.findall(rf'href="({PATH}/[0-9a-f-]{{36}})"', live)))


def form_of(page: httpx.Response, scope: str) -> dict[str, str]:
    """Return the Remove form of one permission."""
    [form] = [part for part in page.text.split("<form")[1:] if f'name="scope" value="{scope}"' in part]
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form.partition("</form>")[0])
    return dict(found)


NOBODYS = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize("path", ["/account", PATH, f"{PATH}/{NOBODYS}", f"{PATH}/{NOBODYS}/disconnect"])
async def test_whoever_is_not_signed_in_signs_in_first_and_is_led_back(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].partition("?")[0] == "/login"
    assert path.removeprefix("/account") not in answer.headers["location"] or path == "/account"
    answer = await sign_in(browser, "robin", await browser.get(answer.headers["location"]))
    assert (answer.status_code, answer.headers["location"]) == (303, path)


@pytest.mark.parametrize("act", ["remove", "disconnect"])
async def test_a_form_of_somebody_who_is_not_signed_in_changes_nothing(browser: httpx.AsyncClient, act: str) -> None:
    form = fields_of(await browser.get("/login"))
    answer = await browser.post(f"{PATH}/{NOBODYS}/{act}", data={"csrf": form["csrf"], "scope": "org:read"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


async def test_the_overview_and_the_list_name_what_is_connected(robin: httpx.AsyncClient) -> None:
    overview, listed = await robin.get("/account"), await robin.get(PATH)
    assert "Deploy Diary" in overview.text
    assert "2 permissions" in overview.text
    for expected in ("Deploy Diary", "client.example", "See 2 things"):
        assert expected in listed.text


async def test_the_page_of_an_application_tells_permissions_dates_and_history(robin: httpx.AsyncClient) -> None:
    [url] = await connected(robin)
    page = await robin.get(url)
    assert page.status_code == 200
    for expected in ("See projects", "See your organizations", "project:read", "You connected", "with 2 permissions"):
        assert expected in page.text
    assert "Not used yet" in page.text


async def test_a_removed_permission_is_gone_at_once_also_from_live_tokens(
    site: Service, robin: httpx.AsyncClient
) -> None:
    tokens = (await redeem(robin, "web", await obtain_code(robin, "web", "robin", scope=ASKED))).json()
    site.clock.forward(1)
    [url] = await connected(robin)
    page = await robin.get(url)
    assert re.search(r"Last used <time [^>]+>just now</time>", page.text)
    answer = await robin.post(f"{url}/remove", data=form_of(page, "org:read"))
    assert answer.status_code == 303
    shown = await follow(robin, answer)
    assert "“See your organizations” removed from" in shown.text
    assert "You removed 1 permission" in shown.text
    assert "org:read" not in shown.text.partition("History")[0].replace("removed=org", "")
    me = await robin.get("/api/v1/", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert "org:read" not in me.text
    assert "project:read" in me.text
    assert "removed from" not in (await robin.get(url)).text


async def test_what_was_removed_is_asked_again(robin: httpx.AsyncClient) -> None:
    [url] = await connected(robin)
    await robin.post(f"{url}/remove", data=form_of(await robin.get(url), "org:read"))
    page = await follow(robin, await robin.get(authorize_url("web", scope=ASKED)))
    assert 'id="consent-approve"' in page.text
    await obtain_code(robin, "web", "robin", scope=ASKED)
    assert "You allowed 1 more" in (await robin.get(url)).text


async def test_removing_twice_or_what_was_never_there_changes_nothing(robin: httpx.AsyncClient) -> None:
    [url] = await connected(robin)
    form = form_of(await robin.get(url), "org:read")
    for scope in ("org:read", "org:read", "team:read", "", "\u202e", "x" * 5000, "org:read team:read"):
        answer = await robin.post(f"{url}/remove", data=form | {"scope": scope})
        assert answer.status_code == 303
        assert (await follow(robin, answer)).status_code == 200
    assert (await robin.get(url)).text.count("You removed") == 1


async def test_the_banner_says_nothing_that_did_not_happen(robin: httpx.AsyncClient) -> None:
    [url] = await connected(robin)
    for claimed in ("org:read", "<b>everything</b>", "\u202e", "x" * 5000):
        assert "removed from" not in (await robin.get(url, params={"removed": claimed})).text
        assert "is disconnected" not in (await robin.get(PATH, params={"disconnected": claimed})).text


@pytest.mark.spec("standards", "AR-9")
@pytest.mark.spec("standards", "O-12")
async def test_disconnecting_asks_first_and_then_ends_everything(site: Service, robin: httpx.AsyncClient) -> None:
    tokens = (await redeem(robin, "web", await obtain_code(robin, "web", "robin", scope=ASKED))).json()
    site.clock.forward(1)
    [url] = await connected(robin)
    question = await robin.get(f"{url}/disconnect")
    assert "It loses all 2 permissions" in question.text
    assert await connected(robin) == [url]
    answer = await robin.post(f"{url}/disconnect", data=fields_of(question))
    assert answer.status_code == 303
    shown = await follow(robin, answer)
    assert "Deploy Diary</bdi> is disconnected" in shown.text
    assert await connected(robin) == []
    assert "You disconnected" in (await robin.get(url)).text
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await robin.get("/api/v1/me", headers=bearer)).status_code == 401
    assert "Nothing is connected" in (await robin.get(PATH)).text


async def test_somebody_elses_record_is_answered_like_none_at_all(site: Service, robin: httpx.AsyncClient) -> None:
    [url] = await connected(robin)
    seen = set()
    async with site.browser() as sam:
        await sign_in(sam, "sam")
        form = {"csrf": fields_of(await sam.get("/logout"))["csrf"], "scope": "org:read"}
        for address in (url, f"{PATH}/{NOBODYS}"):
            for answer in (
                await sam.get(address),
                await sam.get(f"{address}/disconnect"),
                await sam.post(f"{address}/remove", data=form),
                await sam.post(f"{address}/disconnect", data=form),
            ):
                seen.add((answer.status_code, re.sub(r"req_\w+", "", answer.text)))
        assert len(seen) == 1
        assert seen.pop()[0] == 404
        record = url.removeprefix(f"{PATH}/")
        assert "is disconnected" not in (await sam.get(PATH, params={"disconnected": record})).text
    assert await connected(robin) == [url]


@pytest.mark.parametrize("record", ["x", "%00", "%ff", "1" * 5000, "{0}", "urn:uuid:0", "..%2f..%2fetc", "\u202e"])
async def test_no_address_below_the_list_breaks_anything(robin: httpx.AsyncClient, record: str) -> None:
    form = {"csrf": fields_of(await robin.get("/logout"))["csrf"]}
    for answer in (
        await robin.get(f"{PATH}/{record}"),
        await robin.get(f"{PATH}/{record}/disconnect"),
        await robin.post(f"{PATH}/{record}/remove", data=form),
        await robin.post(f"{PATH}/{record}/disconnect", data=form),
    ):
        assert answer.status_code == 404


async def test_a_record_has_one_spelling(robin: httpx.AsyncClient) -> None:
    [url] = await connected(robin)
    record = url.removeprefix(f"{PATH}/")
    for other in (record.upper(), record.replace("-", ""), f"{{{record}}}"):
        if other != record:
            assert (await robin.get(f"{PATH}/{other}")).status_code == 404


async def test_the_form_of_another_site_changes_nothing(robin: httpx.AsyncClient) -> None:
    [url] = await connected(robin)
    form = form_of(await robin.get(url), "org:read")
    for headers in ({"Origin": "https://attacker.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert (await robin.post(f"{url}/remove", data=form, headers=headers)).status_code == 403
        assert (await robin.post(f"{url}/disconnect", data=form, headers=headers)).status_code == 403
    assert (await robin.post(f"{url}/disconnect", data={"csrf": ""})).status_code == 403
    assert "org:read" in (await robin.get(url)).text


async def test_an_application_that_nobody_uses_is_worth_a_look(site: Service, robin: httpx.AsyncClient) -> None:
    assert "Worth a look" not in (await robin.get("/account")).text
    async with site.browser() as later:
        now = site.clock.now
        site.clock.forward(181 * 86_400)
        await sign_in(later, "robin")
        overview, listed = await later.get("/account"), await later.get(PATH)
        site.clock.now = now
    assert "Worth a look" in overview.text
    assert "Unused" in listed.text
