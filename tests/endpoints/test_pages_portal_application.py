"""`/apps/{application}`: changed with one press of a button, seen by nobody but those who manage it."""

import asyncio
import re

import httpx
import pytest

from app.store import members, organizations
from tests.support import membership
from tests.support.browser import Browser
from tests.support.portal_person import (
    APPS,
    CALLBACK,
    client_id_on,
    created,
    done,
    form_to,
    listed,
    press,
    problems_on,
    send,
    table_secrets,
)
from tests.support.portal_person import ada as ada
from tests.support.portal_person import url as url
from tests.support.site import Site


def addresses_on(shown: httpx.Response, field: str) -> list[str]:
    """Return the entries of a list of addresses."""
    return re.findall(rf'<input type="hidden" name="{field}" value="([^"]*)">', shown.text)


async def test_the_page_tells_what_a_program_must_know(pages: Site, ada: Browser, url: str) -> None:
    shown = await ada.get(url)
    assert client_id_on(shown) == url.removeprefix(f"{APPS}/")
    for fact in (
        f'<code class="id">{pages.server.issuer}</code>',
        f'href="{pages.server.issuer}/.well-known/openid-configuration"',
        "Client secret in the Authorization header",
        "Nobody connected yet",
        "by <bdi>you</bdi>",
    ):
        assert fact in shown.text


async def test_redirect_uris_are_added_and_removed_one_by_one(pages: Site, ada: Browser, url: str) -> None:
    added = await press(ada, url, "redirect-uris", uri=" com.example.app:/callback ")
    assert await done(ada, added) == "Redirect URI added"
    assert addresses_on(await ada.get(url), "uri") == [CALLBACK, "com.example.app:/callback"]
    removed = await press(ada, url, "redirect-uris/remove", uri=CALLBACK)
    assert (await done(ada, removed)).startswith("Redirect URI removed")
    assert addresses_on(await ada.get(url), "uri") == ["com.example.app:/callback"]
    await press(ada, url, "redirect-uris/remove")
    shown = await ada.get(url)
    assert "Nobody can sign in to it yet" in shown.text
    assert "<li>Web application</li>" in shown.text


@pytest.mark.parametrize("below", ["redirect-uris/remove", "origins/remove"])
async def test_removing_what_is_not_there_changes_nothing_and_says_nothing(ada: Browser, url: str, below: str) -> None:
    form = form_to(await ada.get(url), f"{url}/details")
    answer = await ada.post(f"{url}/{below}", form | {"uri": "https://other.example/", "origin": "example.com"})
    assert (answer.status_code, answer.headers["location"]) == (303, url)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "Give the address"),
        (CALLBACK, "It is in the list already"),
        (
            "http://client.example/callback",
            "It must use https; plain http is accepted only for 127.0.0.1, [::1] and localhost.",
        ),
        (
            "https://*.example.com/",
            "It must be an absolute URI of at most 2000 printable ASCII characters, without user name or wildcard.",
        ),
        ("javascript:alert(1)", "It must not use the scheme javascript."),
        (
            "https://a.example/" + "x" * 5000,
            "It must be an absolute URI of at most 2000 printable ASCII characters, without user name or wildcard.",
        ),
    ],
    ids=["nothing", "again", "plain", "wildcard", "script", "long"],
)
async def test_a_refused_redirect_uri_is_kept_in_its_field_under_the_rule_it_breaks(
    ada: Browser, url: str, typed: str, message: str
) -> None:
    answer = await press(ada, url, "redirect-uris", uri=typed)
    assert problems_on(answer) == {"uri": message}
    assert f'id="uri" name="uri" type="url" value="{typed[:2000]}"' in answer.text
    assert addresses_on(await ada.get(url), "uri") == [CALLBACK]


async def test_allowed_origins_are_kept_by_the_rules_of_origins(ada: Browser, url: str) -> None:
    for origin in ("*", "*.example.com", "example.com", "localhost", "https://example.com"):
        assert await done(ada, await press(ada, url, "origins", origin=origin)) == "Origin added"
    answer = await press(ada, url, "origins", origin="http://example.com:80")
    assert problems_on(answer) == {"origin": "It must have no port; a host without one stands for all of its ports."}
    assert (await done(ada, await press(ada, url, "origins/remove", origin="*"))).startswith("Origin removed")
    kept = ["*.example.com", "example.com", "localhost", "https://example.com"]
    assert addresses_on(await ada.get(url), "origin") == kept


async def test_the_most_it_may_ask_for_is_everything_or_what_is_ticked(pages: Site, ada: Browser, url: str) -> None:
    client_id = url.removeprefix(f"{APPS}/")
    chosen = await press(ada, url, "permissions", ask="chosen", scope=["project:read", "org:read"])
    assert await done(ada, chosen) == "Permissions saved"
    client = await pages.server.database.hot.gather_client(client_id)
    assert client is not None
    assert client.scopes == frozenset({"project:read", "org:read"})
    shown = await ada.get(url)
    ticked = re.findall(r'name="scope" value="([^"]+)" checked', shown.text)
    assert sorted(ticked) == ["org:read", "project:read"]
    answer = await press(ada, url, "permissions", ask="chosen", scope=["project:read", "no:such"])
    assert list(problems_on(answer)) == ["scopes"]
    assert list(problems_on(await press(ada, url, "permissions"))) == ["scopes"]
    await press(ada, url, "permissions", ask="everything", scope=["project:read"])
    client = await pages.server.database.hot.gather_client(client_id)
    assert client is not None
    assert client.scopes is None


async def test_what_people_see_is_changed_as_a_whole(ada: Browser, url: str) -> None:
    typed = {"name": "Build Badge", "home_page": "https://a.example/", "privacy": "https://a.example/p", "terms": ""}
    assert (await done(ada, await press(ada, url, "details", **typed))).startswith("Saved")
    shown = await ada.get(url)
    assert "<h1><bdi>Build Badge</bdi></h1>" in shown.text
    assert 'value="https://a.example/p"' in shown.text
    wrong = {"name": "", "home_page": "a.example", "privacy": "javascript:alert(1)", "terms": "https://ok.example/"}
    answer = await press(ada, url, "details", **wrong)
    assert list(problems_on(answer)) == ["name", "home_page", "privacy"]
    for value in ("a.example", "javascript:alert(1)", "https://ok.example/"):
        assert f'value="{value}"' in answer.text
    await press(ada, url, "details", name="Build Badge", home_page="", privacy="", terms="")
    assert "a.example" not in (await ada.get(url)).text


@pytest.mark.parametrize(
    ("below", "typed"),
    [
        ("redirect-uris", {"uri": "https://other.example/"}),
        ("redirect-uris/remove", {"uri": CALLBACK}),
        ("origins", {"origin": "example.com"}),
        ("permissions", {"ask": "chosen"}),
        ("details", {"name": "Overwritten"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_nobody_overwrites_what_he_has_not_seen(
    ada: Browser, url: str, below: str, typed: dict[str, str]
) -> None:
    seen = await ada.get(url)
    await press(ada, url, "details", name="Changed by another")
    answer = await send(ada, seen, f"{url}/{below}", typed)
    assert answer.status_code == 409
    assert "Somebody changed this application meanwhile" in answer.text
    assert "<h1><bdi>Changed by another</bdi></h1>" in answer.text
    assert addresses_on(answer, "uri") == [CALLBACK]
    again = await send(ada, answer, f"{url}/{below}", typed)
    assert again.status_code == 303


async def test_of_twenty_changes_to_one_version_one_is_made(ada: Browser, url: str) -> None:
    seen = await ada.get(url)
    sent = (send(ada, seen, f"{url}/redirect-uris", {"uri": f"https://{n}.example/"}) for n in range(20))
    answers = await asyncio.gather(*sent)
    assert sorted(answer.status_code for answer in answers) == [303] + [409] * 19
    assert len(addresses_on(await ada.get(url), "uri")) == 2


@pytest.mark.parametrize("version", ["", "x", "-1", "٣", "9" * 5000])
async def test_a_form_without_a_version_changes_nothing(ada: Browser, url: str, version: str) -> None:
    answer = await press(ada, url, "details", name="Overwritten", version=version)
    assert answer.status_code == 409


async def test_the_banner_says_nothing_that_did_not_happen(ada: Browser, url: str) -> None:
    version = form_to(await ada.get(url), f"{url}/details")["version"]
    for query in ("done=off", f"done=off&at={int(version) + 1}", f"done=<b>x</b>&at={version}", "at=1"):
        assert 'role="status"' not in (await ada.get(f"{url}?{query}")).text


async def test_a_manager_of_the_organization_manages_what_it_owns_until_he_is_none(pages: Site, ada: Browser) -> None:
    url, mine = await created(ada, owner="northquay"), await created(ada, name="Mine")
    database = pages.server.database
    found = await organizations.find_with_role(database, "northquay", None)
    assert found is not None
    person = await pages.add_user("sam", "sam@example.com")
    sam = await pages.signed_in("sam")
    assert (await sam.get(url)).status_code == 404
    await membership.join(database, found[0].id, person, "owner", pages.clock())
    await press(sam, url, "details", name="Renamed by Sam")
    assert listed(await sam.get(APPS)) == ["Renamed by Sam"]
    assert (await sam.get(mine)).status_code == 404
    form = form_to(await sam.get(url), f"{url}/details")
    async with database.transaction() as transaction:
        await members.set_role(transaction, found[0].id, person, "member")
    assert (await sam.post(f"{url}/details", form | {"name": "Too late"})).status_code == 404
    assert listed(await sam.get(APPS)) == []
    assert listed(await ada.get(APPS)) == ["Mine", "Renamed by Sam"]


PATHS = ("", "/off", "/delete", "/hand-over", "/secrets/00000000-0000-4000-8000-000000000000/remove")
POSTS = (
    *("/off", "/on", "/restore", "/delete", "/hand-over", "/secrets", "/details", "/permissions"),
    *("/redirect-uris", "/redirect-uris/remove", "/origins", "/origins/remove"),
    "/secrets/00000000-0000-4000-8000-000000000000/remove",
)


async def test_somebody_elses_application_is_answered_like_none_at_all(pages: Site, ada: Browser, url: str) -> None:
    await press(ada, url, "secrets")
    before = await ada.get(url)
    await pages.add_user("sam", "sam@example.com")
    sam = await pages.signed_in("sam")
    form = form_to(await sam.get(f"{APPS}/new"), f"{APPS}/new") | {"name": "Deploy Diary", "version": "1"}
    seen = set()
    own_secret = table_secrets(before)[0].removeprefix(url)
    for address in (url, f"{APPS}/nothing"):
        for below in (*PATHS, own_secret):
            seen.add(unmarked(await sam.get(address + below)))
        for below in (*POSTS, own_secret):
            seen.add(unmarked(await sam.post(address + below, form)))
    [(status, text)] = seen
    assert status == 404
    assert "Deploy Diary" not in text
    assert client_id_on(before) == client_id_on(await ada.get(url))
    assert len(table_secrets(await ada.get(url))) == 2


def unmarked(answer: httpx.Response) -> tuple[int, str]:
    """Return an answer without what tells one request from another."""
    return answer.status_code, re.sub(r"req_\w+", "", answer.text)


@pytest.mark.parametrize(
    "segment", ["%00", "%ff", "x" * 5000, "{0}", "=", "=AA", "=" + "A" * 400, "..%2f..%2fetc", "\u202e", "<b>"]
)
async def test_no_address_breaks_anything(ada: Browser, segment: str) -> None:
    form = form_to(await ada.get(f"{APPS}/new"), f"{APPS}/new")
    for below in PATHS:
        assert (await ada.get(f"{APPS}/{segment}{below}")).status_code == 404
    for below in POSTS:
        assert (await ada.post(f"{APPS}/{segment}{below}", form)).status_code == 404


@pytest.mark.parametrize("value", ["\ud7ff\u202e", "\x7f", "x" * 50_000, "{0}%s", "<script>"], ids=range(5))
async def test_hostile_fields_break_nothing(ada: Browser, url: str, value: str) -> None:
    for below, field in (("redirect-uris", "uri"), ("origins", "origin"), ("details", "home_page")):
        assert (await press(ada, url, below, **{field: value})).status_code == 422
    assert (await press(ada, url, "permissions", ask="chosen", scope=[value])).status_code == 422
    assert (await press(ada, url, "redirect-uris/remove", uri=value)).status_code == 303
    assert addresses_on(await ada.get(url), "uri") == [CALLBACK]
