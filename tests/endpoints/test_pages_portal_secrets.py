"""Secrets of an application, and what ends it: asked first, done at once, and brought back while there is time."""

import asyncio
import re
from datetime import timedelta

import pytest

from app.crypto.hashing import digest
from app.services import applications
from app.services.operator import Operator
from tests.support.browser import Browser
from tests.support.portal_person import (
    APPS,
    client_id_on,
    create,
    done,
    form_to,
    listed,
    press,
    problems_on,
    secret_on,
    send,
    table_secrets,
)
from tests.support.portal_person import ada as ada
from tests.support.portal_person import url as url
from tests.support.site import Site


async def test_a_secret_is_changed_without_an_outage(pages: Site, ada: Browser) -> None:
    answer = await create(ada)
    url, old = f"{APPS}/{client_id_on(answer)}", secret_on(answer)
    assert table_secrets(await ada.get(url)) == []
    added = await press(ada, url, "secrets")
    new = secret_on(added)
    assert "The old one stays valid until you remove it" in added.text
    client = await pages.server.database.hot.gather_client(client_id_on(added))
    assert client is not None
    assert set(client.secret_digests) == {digest(old.encode()), digest(new.encode())}
    shown = await ada.get(url)
    assert new not in shown.text
    assert 'id="add-secret"' not in shown.text
    assert re.search(r'<li aria-current="step">Put it into your application', shown.text)
    _, remove_old = table_secrets(shown)
    question = await ada.get(remove_old)
    assert f"…{old[-4:]}" in question.text
    assert await done(ada, await send(ada, question, remove_old, {})) == "Secret removed. It stopped working at once."
    client = await pages.server.database.hot.gather_client(client_id_on(added))
    assert client is not None
    assert client.secret_digests == (digest(new.encode()),)


async def test_a_reload_adds_no_second_secret(ada: Browser, url: str) -> None:
    page = await ada.get(url)
    first = await send(ada, page, f"{url}/secrets", {})
    second = await send(ada, page, f"{url}/secrets", {})
    assert second.status_code == 409
    assert "You have seen this secret once" in second.text
    assert secret_on(first) not in second.text


async def test_of_twenty_clicks_one_adds_a_secret(ada: Browser, url: str) -> None:
    fresh = [await ada.get(url) for _ in range(20)]
    answers = await asyncio.gather(*(send(ada, page, f"{url}/secrets", {}) for page in fresh))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 19
    assert len(table_secrets(await ada.get(url))) == 2


async def test_the_last_secret_stays(ada: Browser, url: str) -> None:
    await press(ada, url, "secrets")
    newer, older = table_secrets(await ada.get(url))
    question = await ada.get(newer)
    await send(ada, await ada.get(older), older, {})
    answer = await send(ada, question, newer, {})
    assert answer.status_code == 409
    assert "Somebody changed this application meanwhile" in answer.text


@pytest.mark.parametrize("below", ["secrets", "delete", "removal"])
async def test_whoever_signed_in_long_ago_confirms_that_it_is_he(
    pages: Site, ada: Browser, url: str, below: str
) -> None:
    await press(ada, url, "secrets")
    remove = table_secrets(await ada.get(url))[0]
    form = form_to(await ada.get(url), f"{url}/details")
    pages.clock.move(minutes=16)
    path = remove if below == "removal" else f"{url}/{below}"
    answers = [await ada.post(path, form | {"name": "Deploy Diary"})]
    if below != "secrets":
        answers.append(await ada.get(path))
    for answer in answers:
        assert (answer.status_code, answer.headers["location"][:18]) == (303, "/login?again=1&to=")
    assert len(table_secrets(await ada.get(url))) == 2


async def test_turning_off_asks_first_and_turning_on_does_not(pages: Site, ada: Browser, url: str) -> None:
    client_id = url.removeprefix(f"{APPS}/")
    question = await ada.get(f"{url}/off")
    assert await pages.server.database.hot.gather_client(client_id) is not None
    assert (await done(ada, await send(ada, question, f"{url}/off", {}))).startswith("Turned off")
    assert await pages.server.database.hot.gather_client(client_id) is None
    assert '<span class="badge">Off</span>' in (await ada.get(APPS)).text
    assert (await done(ada, await press(ada, url, "on"))).startswith("Turned on")
    assert await pages.server.database.hot.gather_client(client_id) is not None


async def test_what_the_operator_turned_off_its_owner_cannot_turn_on(pages: Site, ada: Browser, url: str) -> None:
    off = form_to(await ada.get(url), f"{url}/details")
    operator = Operator("cli", pages.clock())
    assert await applications.disable(pages.server.database, url.removeprefix(f"{APPS}/"), operator)
    shown = await ada.get(url)
    assert "The operators of Lumenfold turned it off" in shown.text
    assert 'id="turn-on"' not in shown.text
    answer = await ada.post(f"{url}/on", off)
    assert answer.status_code == 409
    assert await pages.server.database.hot.gather_client(url.removeprefix(f"{APPS}/")) is None


async def test_deleting_asks_for_the_name_and_can_be_undone_for_an_hour(pages: Site, ada: Browser, url: str) -> None:
    client_id = url.removeprefix(f"{APPS}/")
    wrong = await send(ada, await ada.get(f"{url}/delete"), f"{url}/delete", {"name": "Dairy"})
    assert problems_on(wrong) == {"name": "Type the name as it stands above"}
    answer = await send(ada, wrong, f"{url}/delete", {"name": " Deploy  Diary "})
    assert (answer.status_code, answer.headers["location"]) == (303, url)
    assert await pages.server.database.hot.gather_client(client_id) is None
    shown = await ada.get(url)
    pages.clock.move(hours=1)
    assert re.search(rf"restore it until <time[^>]+>{pages.clock():%H:%M} UTC", shown.text)
    assert "<form" not in shown.text.replace(f'<form method="post" action="{url}/restore">', "")
    pages.clock.move(seconds=-1)
    assert (await done(ada, await send(ada, shown, f"{url}/restore", {}))).startswith("Restored")
    assert await pages.server.database.hot.gather_client(client_id) is not None


async def test_what_is_being_deleted_is_not_changed(ada: Browser, url: str) -> None:
    seen = await ada.get(url)
    await send(ada, await ada.get(f"{url}/delete"), f"{url}/delete", {"name": "Deploy Diary"})
    for below, typed in (("redirect-uris", {"uri": "https://other.example/"}), ("secrets", {}), ("on", {})):
        action = f"{url}/{below}"
        form = form_to(seen, action) if below != "on" else form_to(seen, f"{url}/details")
        answer = await ada.post(action, form | typed)
        assert answer.status_code == 409
        assert "Deleted. You can restore it until" in answer.text
    for below in ("off", "hand-over"):
        assert (await ada.get(f"{url}/{below}")).status_code == 303


async def test_an_hour_later_it_cannot_be_restored(pages: Site, ada: Browser, url: str) -> None:
    await send(ada, await ada.get(f"{url}/delete"), f"{url}/delete", {"name": "Deploy Diary"})
    shown = await ada.get(url)
    pages.clock.move(hours=1)
    answer = await send(ada, shown, f"{url}/restore", {})
    assert answer.status_code == 409
    late = await ada.get(url)
    assert "It is being deleted" in late.text
    assert 'id="restore-application"' not in late.text


async def test_an_application_is_handed_to_an_organization_and_back(pages: Site, ada: Browser, url: str) -> None:
    question = await ada.get(f"{url}/hand-over")
    assert re.findall(r'<option value="([^"]*)"', question.text) == ["northquay"]
    for owner in ("saltbarn", "me", "nobodys", ""):
        refused = await send(ada, question, f"{url}/hand-over", {"owner": owner})
        assert list(problems_on(refused)) == ["owner"]
    assert await done(ada, await send(ada, question, f"{url}/hand-over", {"owner": "northquay"})) == "Handed over"
    assert listed(await ada.get("/organizations/northquay/applications")) == ["Deploy Diary"]
    question = await ada.get(f"{url}/hand-over")
    assert await done(ada, await send(ada, question, f"{url}/hand-over", {"owner": "me"})) == "Handed over"
    assert listed(await ada.get("/organizations/northquay/applications")) == []


async def test_handing_over_asks_whoever_signed_in_long_ago_to_sign_in_again(
    pages: Site, ada: Browser, url: str
) -> None:
    question = await ada.get(f"{url}/hand-over")
    pages.clock.now += pages.server.policy.lifetimes.recent_login + timedelta(seconds=1)
    for answer in (
        await ada.get(f"{url}/hand-over"),
        await send(ada, question, f"{url}/hand-over", {"owner": "northquay"}),
    ):
        assert (answer.status_code, answer.headers["location"].partition("&")[0]) == (303, "/login?again=1")
    assert listed(await ada.get("/organizations/northquay/applications")) == []
