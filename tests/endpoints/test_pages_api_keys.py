"""The pages of an organization's API keys: for whoever may manage them, without scripts, each secret shown once."""

import re
from collections.abc import AsyncIterator
from html import unescape

import httpx
import pytest
from sqlalchemy import text

from app.services.api_keys import MAX_KEYS
from app.store.database import Database
from tests.support.api_keys import FILL, ROLES, two_organizations
from tests.support.api_person import NOBODYS
from tests.support.service import Service, fields_of, follow, service, sign_in

PATH = "/organizations/northquay/api-keys"
SECRET = re.compile(r"<textarea[^>]* readonly[^>]*>(asak_[\w-]+)</textarea>")
FIVE = ("project:read", "event:read", "team:read", "org:read", "member:read")


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """The application with northquay and its people, and saltbarn, which olga owns."""
    async with service(database) as running:
        await two_organizations(running)
        yield running


@pytest.fixture
async def owner(site: Service, browser: httpx.AsyncClient) -> httpx.AsyncClient:
    """The browser of northquay's owner; there are no keys."""
    assert (await sign_in(browser, "owner")).status_code == 303
    for url in await listed(browser):
        await browser.post(f"{url}/remove", data=fields_of(await browser.get(f"{url}/remove")))
    return browser


async def listed(browser: httpx.AsyncClient) -> list[str]:
    """Return the addresses of the keys in the list."""
    page = await browser.get(PATH)
    assert page.status_code == 200, page.text
    return list(dict.fromkeys(re.findall(rf'href="({PATH}/[0-9a-f-]{{36}})"', page.text)))


async def create(browser: httpx.AsyncClient, **typed: str | list[str]) -> httpx.Response:
    """Fill in the form of a new key."""
    form = fields_of(await browser.get(f"{PATH}/new"))
    return await browser.post(f"{PATH}/new", data={**form, "label": "Nightly build", "scope": ["org:read"], **typed})


async def made(browser: httpx.AsyncClient, **typed: str | list[str]) -> tuple[str, str]:
    """Make a key; return its address and its secret."""
    page = await create(browser, **typed)
    assert page.status_code == 200, page.text
    [secret], [url] = SECRET.findall(page.text), set(re.findall(rf'action="({PATH}/[0-9a-f-]{{36}})"', page.text))
    return url, secret


def form_to(page: httpx.Response, action: str) -> dict[str, str]:
    """Return the hidden fields of the form that is sent to an address."""
    [form] = [part for part in page.text.split("<form")[1:] if f'action="{action}"' in part]
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form.partition("</form>")[0])
    return {name: unescape(value) for name, value in found}


async def may(site: Service, secret: str) -> list[str] | None:
    """Return what a key may do now; None when it is refused."""
    async with site.browser() as machine:
        answer = await machine.get("/api/v1/", auth=(secret, ""))
    return answer.json()["auth"]["scopes"] if answer.status_code == 200 else None


@pytest.mark.spec("original", "K01")
@pytest.mark.spec("original", "K02")
@pytest.mark.parametrize("role", ROLES[:3])
async def test_member_admin_and_manager_get_the_page_that_says_who_can_give_access(
    site: Service, owner: httpx.AsyncClient, role: str
) -> None:
    url, _ = await made(owner)
    async with site.browser() as browser:
        await sign_in(browser, role)
        form = {"csrf": fields_of(await browser.get("/logout"))["csrf"]}
        for answer in (
            *[await browser.get(path) for path in (PATH, f"{PATH}/new", url, f"{url}/retire", f"{url}/remove")],
            *[await browser.post(path, data=form) for path in (f"{PATH}/new", url, f"{url}/rotate", f"{url}/remove")],
        ):
            assert answer.status_code == 403
            assert "“owner”" in answer.text
    assert await listed(owner) == [url]


@pytest.mark.spec("original", "K01")
@pytest.mark.spec("original", "K02")
async def test_the_owner_opens_the_list_and_the_settings(owner: httpx.AsyncClient) -> None:
    assert "No API keys yet" in (await owner.get(PATH)).text
    url, _ = await made(owner)
    for path in (PATH, url):
        page = await owner.get(path)
        assert (page.status_code, "Nightly build" in page.text) == (200, True)


async def test_whoever_is_not_signed_in_signs_in_first_and_strangers_find_nothing(
    site: Service, owner: httpx.AsyncClient
) -> None:
    url, _ = await made(owner)
    async with site.browser() as nobody:
        answer = await nobody.get(PATH)
        assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/login")
    async with site.browser() as olga:
        await sign_in(olga, "olga")
        form = {"csrf": fields_of(await olga.get("/logout"))["csrf"]}
        for answer in (
            *[await olga.get(path) for path in (PATH, f"{PATH}/new", url, url.replace("northquay", "saltbarn"))],
            await olga.post(f"{url}/remove", data=form),
            await olga.post(f"{url.replace('northquay', 'saltbarn')}/remove", data=form),
            await olga.post(f"{url}/rotate", data=form),
        ):
            assert answer.status_code == 404
    assert await listed(owner) == [url]


@pytest.mark.spec("original", "K05")
@pytest.mark.spec("original", "BUG 18")
@pytest.mark.parametrize("key", [NOBODYS, "x", "%ff", "1" * 5000, "{0}", "\u202e"])
async def test_an_unknown_key_is_not_found_whatever_is_done_with_it(owner: httpx.AsyncClient, key: str) -> None:
    form = {"csrf": fields_of(await owner.get("/logout"))["csrf"], "label": "x"}
    for answer in (
        *[await owner.get(f"{PATH}/{key}{below}") for below in ("", "/retire", "/remove")],
        *[await owner.post(f"{PATH}/{key}{below}", data=form) for below in ("", "/rotate", "/retire", "/remove")],
    ):
        assert answer.status_code == 404


@pytest.mark.spec("original", "K03")
async def test_the_list_is_sorted_by_label_and_tells_what_should_be_seen(
    site: Service, owner: httpx.AsyncClient
) -> None:
    for label in ("beta", "Gamma"):
        await made(owner, label=label)
    url, secret = await made(owner, label="alpha", allowed_origins="*.example.com")
    page = await owner.get(PATH)
    assert re.findall(r"<bdi>(alpha|beta|Gamma)</bdi></a>", page.text) == ["alpha", "beta", "Gamma"]
    assert f"…{secret[-4:]}" in page.text
    assert "In browsers: *.example.com" in page.text
    assert ">Off</span>" not in page.text
    await save(owner, url, status="inactive")
    assert ">Off</span>" in (await owner.get(PATH)).text


@pytest.mark.spec("original", "K04")
async def test_the_form_of_a_new_key_has_the_usual_five_ticked_and_its_answer_shows_the_secret_once(
    site: Service, owner: httpx.AsyncClient
) -> None:
    form = await owner.get(f"{PATH}/new")
    ticked = re.findall(r'name="scope" value="([^"]+)" checked', form.text)
    assert sorted(ticked) == sorted(FIVE)
    answer = await create(owner, scope=ticked)
    [secret] = SECRET.findall(answer.text)
    assert answer.headers["cache-control"] == "no-store"
    assert sorted(await may(site, secret) or ()) == sorted(FIVE)
    [url] = await listed(owner)
    for page in (await owner.get(url), await owner.get(PATH)):
        assert secret not in page.text


async def test_a_form_that_is_sent_again_makes_no_second_key(site: Service, owner: httpx.AsyncClient) -> None:
    form = {**fields_of(await owner.get(f"{PATH}/new")), "label": "Once", "scope": "org:read"}
    first, again = [await owner.post(f"{PATH}/new", data=form) for _ in range(2)]
    assert (first.status_code, again.status_code) == (200, 409)
    assert "You have seen this key once" in again.text
    assert SECRET.findall(again.text) == []
    [url] = await listed(owner)
    await owner.post(f"{url}/remove", data=fields_of(await owner.get(f"{url}/remove")))
    assert (await owner.post(f"{PATH}/new", data=form)).status_code == 404


@pytest.mark.spec("original", "K06")
async def test_what_is_wrong_is_told_at_its_field_and_what_was_typed_stays(owner: httpx.AsyncClient) -> None:
    answer = await create(owner, label="x" * 65, scope=["org:rule"], allowed_origins="localhost\nexample.com:80")
    assert answer.status_code == 422
    assert "<title>Error: " in answer.text
    for expected in (
        "There are 3 problems",
        '<a href="#label">The label must have 64 characters or fewer</a>',
        '<a href="#scopes">org:rule is not known here</a>',
        '<a href="#allowed_origins">example.com:80 must have no port',
        "localhost\nexample.com:80</textarea>",
        "x" * 65,
    ):
        assert expected in answer.text
    assert await listed(owner) == []
    kept = await create(owner, allowed_origins="*\n\n *.example.com \nexample.com\nlocalhost\nhttps://example.com")
    assert "*\n*.example.com\nexample.com\nlocalhost\nhttps://example.com</textarea>" in kept.text


async def test_an_organization_that_has_as_many_keys_as_it_may_have_is_told_so(
    site: Service, owner: httpx.AsyncClient
) -> None:
    async with site.database.transaction() as transaction:
        await transaction.execute(text(FILL % MAX_KEYS))
    answer = await create(owner, label="One too many", allowed_origins="localhost")
    assert answer.status_code == 409
    assert f"has {MAX_KEYS} keys, and can’t have more" in answer.text
    assert 'value="One too many"' in answer.text
    assert "localhost</textarea>" in answer.text
    async with site.database.transaction() as transaction:
        await transaction.execute(text("delete from api_key where label = 'Filler'"))


async def save(browser: httpx.AsyncClient, url: str, **typed: str | list[str]) -> httpx.Response:
    """Change a key on its page."""
    form = form_to(await browser.get(url), url)
    typed = {"label": "Nightly build", "scope": ["org:read"], "allowed_origins": "", "status": "active", **typed}
    return await browser.post(url, data={**form, **typed})


@pytest.mark.spec("original", "BUG 15")
async def test_bug_15_what_the_settings_page_saves_is_what_is_enforced_and_shown(
    site: Service, owner: httpx.AsyncClient
) -> None:
    url, secret = await made(owner)
    answer = await save(owner, url, scope=["team:read", "org:write"], label="Other")
    assert answer.status_code == 303
    page = await follow(owner, answer)
    assert "<h2>Saved</h2>" in page.text
    assert sorted(re.findall(r'name="scope" value="([^"]+)" checked', page.text)) == ["org:write", "team:read"]
    assert sorted(await may(site, secret) or ()) == ["org:write", "team:read"]
    await save(owner, url, scope=[])
    assert await may(site, secret) == []
    await save(owner, url, status="inactive")
    assert await may(site, secret) is None
    await save(owner, url)
    assert await may(site, secret) == ["org:read"]


async def test_the_banner_says_nothing_that_did_not_happen(site: Service, owner: httpx.AsyncClient) -> None:
    url, _ = await made(owner)
    for claimed in ("saved=1", "retired=1", "saved=2", "saved=x", "saved=%3Cb%3E"):
        page = (await owner.get(f"{url}?{claimed}")).text
        assert "<h2>Saved</h2>" not in page
        assert "has ended" not in page
    for claimed in (url[-36:], NOBODYS, "x", "%ff"):
        assert "is removed" not in (await owner.get(f"{PATH}?removed={claimed}")).text


async def test_a_form_of_an_older_version_changes_nothing(owner: httpx.AsyncClient) -> None:
    url, _ = await made(owner)
    old = form_to(await owner.get(url), url)
    await save(owner, url, label="First")
    for version in (old["version"], "", "x", "-1", "9" * 30):
        answer = await owner.post(url, data={**old, "version": version, "label": "Second"})
        assert (answer.status_code, "Somebody changed this key meanwhile" in answer.text) == (409, True)
        assert 'value="First"' in answer.text


async def test_a_secret_is_changed_in_three_steps(site: Service, owner: httpx.AsyncClient) -> None:
    url, old = await made(owner)
    form = form_to(await owner.get(url), f"{url}/rotate")
    shown = await owner.post(f"{url}/rotate", data=form)
    [new] = SECRET.findall(shown.text)
    assert await may(site, old) == await may(site, new) == ["org:read"]
    again = await owner.post(f"{url}/rotate", data=form)
    assert (again.status_code, "You have seen this key once" in again.text) == (409, True)
    page = await owner.get(url)
    assert new not in page.text
    assert f"…{old[-4:]}" in page.text
    refused = await owner.post(f"{url}/rotate", data=form | {"once": "another"})
    assert (refused.status_code, "two secrets already" in refused.text) == (409, True)
    question = await owner.get(f"{url}/retire")
    assert f"End the secret <code>…{old[-4:]}</code>?" in question.text
    ended = await owner.post(f"{url}/retire", data=fields_of(question))
    assert "The secret before has ended" in (await follow(owner, ended)).text
    assert [await may(site, secret) for secret in (old, new)] == [None, ["org:read"]]
    assert (await owner.get(f"{url}/retire")).headers["location"] == url
    late = await owner.post(f"{url}/retire", data=fields_of(question))
    assert (late.status_code, "This key has one secret" in late.text) == (409, True)


async def test_removing_asks_first_and_then_ends_the_key(site: Service, owner: httpx.AsyncClient) -> None:
    url, secret = await made(owner, label="Old dashboard")
    question = await owner.get(f"{url}/remove")
    assert "Remove <bdi>Old dashboard</bdi>?" in question.text
    assert await may(site, secret) == ["org:read"]
    page = await follow(owner, await owner.post(f"{url}/remove", data=fields_of(question)))
    assert "<bdi>Old dashboard</bdi> is removed" in page.text
    assert await may(site, secret) is None
    assert (await owner.post(f"{url}/remove", data=fields_of(question))).status_code == 404
    site.clock.forward(600)
    assert "is removed" not in (await owner.get(f"{PATH}?removed={url[-36:]}")).text


async def test_after_a_while_making_and_changing_keys_needs_another_sign_in(
    site: Service, owner: httpx.AsyncClient
) -> None:
    url, secret = await made(owner)
    forms = {"csrf": form_to(await owner.get(url), url)["csrf"], "label": "x", "version": "1"}
    site.clock.forward(3600)
    for answer in (
        await owner.get(f"{PATH}/new"),
        *[await owner.post(path, data=forms) for path in (f"{PATH}/new", url, f"{url}/rotate")],
    ):
        assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/login")
    assert await may(site, secret) == ["org:read"]
    assert (await owner.get(url)).status_code == 200


async def test_the_form_of_another_site_changes_nothing(owner: httpx.AsyncClient) -> None:
    url, _ = await made(owner)
    page = await owner.get(url)
    for path in (f"{PATH}/new", url, f"{url}/rotate", f"{url}/remove"):
        form = {**form_to(page, url), "label": "theirs"}
        for headers in ({"Origin": "https://attacker.example"}, {"Sec-Fetch-Site": "cross-site"}):
            assert (await owner.post(path, data=form, headers=headers)).status_code == 403
        assert (await owner.post(path, data=form | {"csrf": ""})).status_code == 403
    assert await listed(owner) == [url]
    assert 'name="version" value="1"' in (await owner.get(url)).text
