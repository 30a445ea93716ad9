"""What people see of a client that is known by a metadata document."""

from collections.abc import AsyncIterator

import httpx
import pytest

from app.store.database import Database
from tests.protocol.test_logos import png
from tests.support.client_site import ClientSite, allow, ask, client_site
from tests.support.client_site import trusted as trusted
from tests.support.far_server import Trust, answer
from tests.support.service import decide

LOCAL = "http://localhost:8123/callback"


@pytest.fixture(scope="module")
async def website(database: Database, trusted: Trust) -> AsyncIterator[ClientSite]:
    async with client_site(database, trusted) as running:
        await running.site.user("robin")
        yield running


@pytest.fixture
async def browser(website: ClientSite) -> AsyncIterator[httpx.AsyncClient]:
    async with website.site.browser() as fresh:
        yield fresh


@pytest.mark.spec("standards", "CI-12")
@pytest.mark.spec("standards", "MC-6")
async def test_the_host_of_its_document_is_named_beside_that_of_the_answer(
    website: ClientSite, browser: httpx.AsyncClient
) -> None:
    website.says(redirect_uris=[website.redirect_uri, LOCAL], policy_uri=f"{website.origin}/privacy")
    page = await ask(website, browser, "robin")
    assert "Described at <b>127.0.0.1</b>" in page.text
    assert "Not seen here before" in page.text
    assert "It introduced itself, and the name is its own claim" in page.text
    assert f'<a href="{website.origin}/privacy" rel="noopener noreferrer nofollow">Privacy policy</a>' in page.text
    page = await ask(website, browser, "robin", redirect_uri=LOCAL)
    assert "Answers go to <b>localhost</b>" in page.text
    assert "any program on this computer could receive it" in page.text
    await allow(website, browser, "robin")
    connected = (await browser.get("/account/applications")).text
    assert "127.0.0.1" in connected
    record = connected.partition("/account/applications/")[2][:36]
    assert "Described at <b>127.0.0.1</b>" in (await browser.get(f"/account/applications/{record}")).text


@pytest.mark.spec("standards", "CI-11")
async def test_what_is_different_since_it_was_allowed_is_named(website: ClientSite, browser: httpx.AsyncClient) -> None:
    website.says(client_name="Scribe")
    await ask(website, browser, "robin")
    website.says(client_name="Scribe the Second", logo_uri=f"{website.origin}/logo.png")
    website.site.clock.forward(3601)
    page = await ask(website, browser, "robin")
    assert "It has changed since you allowed it" in page.text
    assert "New: its name, its logo." in page.text


@pytest.mark.spec("standards", "CI-12")
async def test_a_logo_of_its_own_host_is_shown_unless_it_goes_by_the_name_of_another(
    database: Database, trusted: Trust
) -> None:
    async with client_site(database, trusted) as website, website.site.browser() as browser:
        await website.site.user("sam")
        await website.site.application("known", name="Known Scribe")
        website.says(client_name="Scribbler", logo_uri=f"{website.origin}/logo.png")
        document = website.far.says
        # One listener is the whole website: it gives the document first, and then the logo.
        await website.site.server.client_documents.get(website.client_id, website.site.clock())
        website.far.says = answer(png(), content_type="image/png")
        assert '<img src="/logos/' in (await ask(website, browser, "sam")).text
        website.far.says = document
        website.says(client_name="Kn0wn Scribe")
        website.site.clock.forward(3601)
        page = await ask(website, browser, "sam")
        assert "It is not the <bdi>Known Scribe</bdi> that is known here" in page.text
        assert "<img" not in page.text


async def test_a_host_that_the_operator_answers_for_is_shown_as_checked(database: Database, trusted: Trust) -> None:
    documents = {"vouched": ["127.0.0.1"]}
    async with client_site(database, trusted, client_documents=documents) as website, website.site.browser() as browser:
        await website.site.user("kim")
        website.says(client_name="Scribe of the house")
        page = await ask(website, browser, "kim")
        assert "Described at <b>127.0.0.1</b>" in page.text
        assert "Checked by Assent" in page.text
        assert "Nobody at Assent has checked it" not in page.text
        await decide(browser, page)
        assert "Not checked" not in (await browser.get("/account/applications")).text
