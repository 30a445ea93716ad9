"""`/apps`: what a person manages, and a new application with its secret, which is shown once."""

import asyncio
import re
from datetime import timedelta

import pytest

from app.crypto.hashing import digest
from app.protocol.token_format import Prefix, parse_credential
from app.services import own_applications
from app.services.application_settings import read_settings
from app.services.occasion import Occasion
from app.services.own_applications import Holder
from tests.support.browser import Browser, hidden_fields
from tests.support.portal_person import (
    APPS,
    CALLBACK,
    client_id_on,
    create,
    created,
    form_to,
    listed,
    problems_on,
    secret_on,
    send,
)
from tests.support.portal_person import ada as ada
from tests.support.site import Site

NEW = f"{APPS}/new"


async def digests_of(pages: Site, client_id: str) -> tuple[bytes, ...]:
    """Return the digests of an application's secrets as the token endpoint compares them."""
    client = await pages.server.database.hot.gather_client(client_id)
    assert client is not None
    return client.secret_digests


async def register(pages: Site, username: str, *names: str) -> None:
    """Register applications of a person, without the pages."""
    person = await pages.add_user(username, f"{username}@example.com")
    holder = Holder(person, username, (), pages.server.roles)
    occasion = Occasion(pages.clock(), "req_test", "203.0.113.7")
    for name in names:
        settings = read_settings({"client_name": name, "redirect_uris": [CALLBACK]})
        await own_applications.create(pages.server.database, holder, settings, occasion, scopes=pages.server.scopes)


@pytest.mark.parametrize("path", [APPS, NEW, f"{APPS}/x", f"{APPS}/x/off", f"{APPS}/x/delete", f"{APPS}/x/hand-over"])
async def test_whoever_is_not_signed_in_signs_in_first(pages: Site, path: str) -> None:
    async with pages.browser() as browser:
        answer = await browser.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login?to=")


async def test_an_empty_list_says_what_an_application_is_for(ada: Browser) -> None:
    shown = await ada.get(APPS)
    assert listed(shown) == []
    assert "You have no application yet" in shown.text
    assert f'href="{NEW}"' in shown.text


async def test_a_new_application_has_a_name_of_two_words_until_it_gets_a_better_one(ada: Browser) -> None:
    shown = await ada.get(NEW)
    [name] = re.findall(r'name="name" type="text" value="([^"]+)"', shown.text)
    assert re.fullmatch(r"[A-Z][a-z]+ [A-Z][a-z]+", name)


async def test_the_secret_is_shown_on_the_answer_to_the_form_and_never_again(pages: Site, ada: Browser) -> None:
    answer = await create(ada)
    secret, client_id = secret_on(answer), client_id_on(answer)
    assert answer.headers["cache-control"] == "no-store"
    assert re.search(r"<textarea[^>]* readonly autofocus[ >]", answer.text)
    assert parse_credential(Prefix.CLIENT_SECRET, secret) is not None
    assert await digests_of(pages, client_id) == (digest(secret.encode()),)
    shown = await ada.get(f"{APPS}/{client_id}")
    assert f"…{secret[-4:]}" in shown.text
    assert secret not in shown.text + (await ada.get(APPS)).text


async def test_a_reload_makes_nothing_new_and_shows_no_secret_twice(ada: Browser) -> None:
    fields = hidden_fields(await ada.get(NEW))
    typed = fields | {"name": "Deploy Diary", "kind": "web", "owner": "me", "redirect_uris": CALLBACK}
    first, second = await ada.post(NEW, typed), await ada.post(NEW, typed)
    assert second.status_code == 409
    assert "You have seen this secret once" in second.text
    assert secret_on(first) not in second.text
    assert f'href="{APPS}/{client_id_on(first)}"' in second.text
    assert listed(await ada.get(APPS)) == ["Deploy Diary"]


async def test_a_reload_that_had_no_secret_to_show_leads_to_the_application(ada: Browser) -> None:
    fields = hidden_fields(await ada.get(NEW))
    typed = fields | {"name": "Deploy Diary", "kind": "browser", "owner": "me", "redirect_uris": CALLBACK}
    first, second = await ada.post(NEW, typed), await ada.post(NEW, typed)
    assert (second.status_code, second.headers["location"]) == (303, f"{APPS}/{client_id_on(first)}")
    assert listed(await ada.get(APPS)) == ["Deploy Diary"]


async def test_of_twenty_clicks_one_makes_the_application(ada: Browser) -> None:
    fields = hidden_fields(await ada.get(NEW))
    typed = fields | {"name": "Deploy Diary", "kind": "web", "owner": "me", "redirect_uris": CALLBACK}
    answers = await asyncio.gather(*(ada.post(NEW, typed) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 19
    assert listed(await ada.get(APPS)) == ["Deploy Diary"]


@pytest.mark.parametrize(
    ("kind", "uris", "words", "secret"),
    [
        ("web", CALLBACK, "Web", True),
        ("browser", CALLBACK, "Browser", False),
        ("browser", "http://localhost:3000/callback", "Browser", False),
        ("native", "com.example.app:/callback", "Phone or desktop", False),
        ("native", "http://127.0.0.1/callback", "Phone or desktop", False),
        ("machine", "", "Machine", True),
    ],
)
async def test_a_kind_decides_whether_there_is_a_secret(
    ada: Browser, kind: str, uris: str, words: str, secret: bool
) -> None:
    answer = await create(ada, kind=kind, redirect_uris=uris)
    assert answer.status_code == 200, answer.text
    assert ('id="secret"' in answer.text) == secret
    shown = await ada.get(f"{APPS}/{client_id_on(answer)}")
    assert f"<li>{words} application</li>" in shown.text
    assert ('id="add-secret"' in shown.text) == secret
    assert ('id="uri"' in shown.text) == (kind != "machine")


async def test_a_machine_may_get_tokens_for_itself_and_its_page_says_that_nobody_decides(
    pages: Site, ada: Browser
) -> None:
    url = await created(ada, kind="machine", redirect_uris="")
    client = await pages.server.database.hot.gather_client(url.removeprefix(f"{APPS}/"))
    assert client is not None
    assert client.grant_types == {"client_credentials"}
    shown = (await ada.get(url)).text
    assert "Nobody decides about it: it speaks for itself alone." in shown
    assert "People still decide each time." not in shown


async def test_several_redirect_uris_stand_one_per_line(pages: Site, ada: Browser) -> None:
    url = await created(ada, redirect_uris=f"\r\n  {CALLBACK}  \r\n\r\nhttps://two.example/\r\n")
    client = await pages.server.database.hot.gather_client(url.removeprefix(f"{APPS}/"))
    assert client is not None
    assert client.redirect_uris == (CALLBACK, "https://two.example/")


@pytest.mark.parametrize(
    ("typed", "field", "message"),
    [
        ({"name": " "}, "name", "Give the application a name"),
        ({"name": "n" * 65}, "name", "Use 64 characters or fewer"),
        ({"name": "a\u202eb"}, "name", "It must not have line breaks or other control characters."),
        ({"kind": "device"}, "kind", "Choose what kind of application it is"),
        ({"kind": ""}, "kind", "Choose what kind of application it is"),
        ({"owner": "saltbarn"}, "owner", "It must be the slug of an organization whose applications you manage."),
        ({"owner": "nobodys"}, "owner", "It must be the slug of an organization whose applications you manage."),
        ({"redirect_uris": ""}, "redirect_uris", "Give the address where we send people back to"),
        ({"kind": "machine"}, "redirect_uris", "Leave this empty for a machine, or choose another kind"),
        (
            {"redirect_uris": f"{CALLBACK}\nhttp://client.example/"},
            "redirect_uris",
            "Line 2: it must use https; plain http is accepted only for 127.0.0.1, [::1] and localhost.",
        ),
        ({"redirect_uris": "https://a.example/#x"}, "redirect_uris", "Line 1: it must not have a fragment."),
        (
            {"redirect_uris": "https://a.example/\n" * 1000},
            "redirect_uris",
            "Give fewer addresses; you can add more later",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 20 else "",
)
async def test_what_is_wrong_is_said_at_its_field_and_the_input_is_kept(
    ada: Browser, typed: dict[str, str], field: str, message: str
) -> None:
    answer = await create(ada, **{"name": "Kept & Dear", **typed})
    assert problems_on(answer) == {field: message}
    assert "name" in typed or 'value="Kept &amp; Dear"' in answer.text
    assert listed(await ada.get(APPS)) == []


async def test_a_form_with_mistakes_can_be_mended_and_sent_again(ada: Browser) -> None:
    answer = await create(ada, name="")
    mended = {"name": "Deploy Diary", "kind": "web", "owner": "northquay", "redirect_uris": CALLBACK}
    assert secret_on(await send(ada, answer, NEW, mended))


async def test_names_stay_text(ada: Browser) -> None:
    for name in ("<script>alert(1)</script>", "يوميات النشر", "N" * 64):
        await created(ada, name=name)
    shown = await ada.get(APPS)
    assert "<script" not in shown.text
    assert listed(shown) == ["<script>alert(1)</script>", "N" * 64, "يوميات النشر"]


async def test_whoever_signed_in_long_ago_confirms_that_it_is_he_before_a_secret_is_made(
    pages: Site, ada: Browser
) -> None:
    form = hidden_fields(await ada.get(NEW))
    pages.clock.now += pages.server.policy.lifetimes.recent_login + timedelta(seconds=1)
    for answer in (await ada.get(NEW), await ada.post(NEW, form | {"name": "Deploy Diary", "kind": "web"})):
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login?again=1&to=")
    assert listed(await ada.get(APPS)) == []


async def test_what_belongs_to_an_organization_is_managed_by_its_managers(pages: Site, ada: Browser) -> None:
    shown = await ada.get(NEW)
    assert re.findall(r'<option value="([^"]*)"', shown.text) == ["me", "northquay"]
    await created(ada, name="Ours", owner="northquay")
    await created(ada, name="Mine")
    listing = await ada.get(APPS)
    assert listed(listing) == ["Mine", "Ours"]
    assert "Northquay" in listing.text
    assert listed(await ada.get("/organizations/northquay/applications")) == ["Ours"]


async def test_the_applications_of_an_organization_are_for_its_managers(pages: Site, ada: Browser) -> None:
    assert (await ada.get("/organizations/saltbarn/applications")).status_code == 403
    assert (await ada.get("/organizations/nobodys/applications")).status_code == 404
    empty = await ada.get("/organizations/northquay/applications")
    assert "has no application yet" in empty.text
    assert f'href="{NEW}?owner=northquay"' in empty.text
    chosen = await ada.get(f"{NEW}?owner=northquay")
    assert '<option value="northquay" selected>' in chosen.text


async def test_a_list_is_narrowed_by_name_owner_and_status(pages: Site, ada: Browser) -> None:
    for name in ("Alpha", "Beta", "Gamma", "Delta", "Epsilon"):
        await created(ada, name=name)
    assert 'role="search"' not in (await ada.get(APPS)).text
    url = await created(ada, name="Zeta", owner="northquay")
    off = f"{url}/off"
    await send(ada, await ada.get(off), off, {})
    assert 'role="search"' in (await ada.get(APPS)).text
    for query, names in (
        ("q=ET", ["Beta", "Zeta"]),
        (f"q={url.removeprefix('/apps/')}", ["Zeta"]),
        ("owner=me&q=eta", ["Beta"]),
        ("owner=northquay", ["Zeta"]),
        ("state=off", ["Zeta"]),
        ("state=active&q=eta", ["Beta"]),
        ("state=<b>&q=eta", ["Beta", "Zeta"]),
        ("q=" + "x" * 5000, []),
        ("owner=saltbarn", []),
    ):
        shown = await ada.get(f"{APPS}?{query}")
        assert listed(shown) == names
        assert names or "Nothing fits" in shown.text


async def test_a_long_list_comes_in_pages_that_keep_what_it_is_narrowed_to(pages: Site) -> None:
    await register(pages, "robin", *(f"Build {number:03}" for number in range(120)), "Other")
    browser = await pages.signed_in("robin")
    seen, path = [], f"{APPS}?q=build"
    while path:
        shown = await browser.get(path)
        seen += listed(shown)
        onwards = re.findall(r'href="([^"]+)" rel="next"', shown.text)
        path = onwards[0].replace("&amp;", "&") if onwards else ""
    assert seen == [f"Build {number:03}" for number in range(120)]


@pytest.mark.parametrize("place", ["x", "00000000-0000-4000-8000-000000000000", "%00", "1" * 500])
async def test_a_place_that_is_no_more_leads_to_the_beginning(ada: Browser, place: str) -> None:
    await created(ada)
    answer = await ada.get(f"{APPS}?after={place}")
    if answer.status_code == 303:
        answer = await ada.get(answer.headers["location"])
    assert listed(answer) == ["Deploy Diary"]


async def test_the_form_of_another_site_makes_nothing(ada: Browser) -> None:
    form = form_to(await ada.get(NEW), NEW) | {"name": "x", "kind": "machine"}
    for headers in ({"Origin": "https://attacker.example"}, {"Sec-Fetch-Site": "cross-site"}):
        ada.headers = headers
        assert (await ada.post(NEW, form)).status_code == 403
    ada.headers = {}
    assert (await ada.post(NEW, form | {"csrf": ""})).status_code == 403
    assert listed(await ada.get(APPS)) == []
