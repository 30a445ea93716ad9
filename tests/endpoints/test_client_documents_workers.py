"""Clients that are known by a metadata document, at workers of which each has read it at another time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from app.store.hot_connection import counting_trips
from tests.support.client_site import ClientSite, allow, ask, person, refresh, row_of
from tests.support.client_site import trusted as trusted
from tests.support.client_site import website as website
from tests.support.far_server import Trust, answer
from tests.support.service import answer_of, decide, service


@asynccontextmanager
async def other_worker(
    website: ClientSite, trusted: Trust, browser: httpx.AsyncClient
) -> AsyncIterator[httpx.AsyncClient]:
    """Another worker, which has read nothing, as the same browser sees it at the same moment."""
    outbound = {"allow": [f"127.0.0.1:{website.far.port}"], "ca_file": trusted.ca_file}
    limits = {"document_fetches": 10_000}
    async with service(website.site.database, outbound=outbound, limits=limits) as worker:
        worker.clock.now = website.site.clock.now
        async with worker.browser() as fresh:
            fresh.cookies.update(browser.cookies)
            yield fresh
        await worker.server.client_documents.close()


async def test_what_was_read_stays_as_it_was_until_the_person_has_decided(website: ClientSite, trusted: Trust) -> None:
    async with website.site.browser() as browser:
        page = await ask(website, browser, person(website))
        website.says(client_name="Another", redirect_uris=["https://elsewhere.example/callback"])
        async with other_worker(website, trusted, browser) as other:
            assert answer_of(await decide(other, page))["code"]
    row = await row_of(website)
    assert row is not None
    assert row.name == "Scribe"
    assert len(website.far.requests) == 1


@pytest.mark.spec("standards", "CI-10")
@pytest.mark.spec("standards", "CI-11")
@pytest.mark.parametrize("changed", [False, True], ids=["the same", "changed"])
async def test_a_worker_reads_again_what_another_one_has_seen_change(
    website: ClientSite, trusted: Trust, *, changed: bool
) -> None:
    website.says("Cache-Control: max-age=86400")
    async with website.site.browser() as browser:
        tokens = (
            await website.redeem(browser, answer_of(await allow(website, browser, person(website)))["code"])
        ).json()
        website.says("Cache-Control: max-age=300", client_name="Scribe Two" if changed else "Scribe")
        website.site.clock.forward(10)
        async with other_worker(website, trusted, browser) as other:
            answer_of(await allow(website, other, person(website), prompt="consent"))
        assert answer_of(await browser.get(website.url()))["code"]
        row = await row_of(website)
        assert row is not None
        assert (row.name, row.version) == (("Scribe Two", 2) if changed else ("Scribe", 1))
        assert len(website.far.requests) == 2 + changed
        website.site.clock.forward(301)
        with counting_trips() as trips:
            assert (await refresh(website, browser, tokens)).status_code == 200
    # What is at hand here counts longer, unless it is not what counts any more.
    assert ("refresh_introduced" in trips) is changed
    assert len(website.far.requests) == 2 + 2 * changed


async def test_a_worker_goes_on_with_its_copy_when_it_cannot_read_again(website: ClientSite, trusted: Trust) -> None:
    website.says("Cache-Control: max-age=86400")
    async with website.site.browser() as browser:
        await allow(website, browser, person(website))
        website.says(client_name="Scribe Two")
        website.site.clock.forward(10)
        async with other_worker(website, trusted, browser) as other:
            await allow(website, other, person(website))
        website.far.says = answer(b"gone", status="404 Not Found")
        page = await ask(website, browser, person(website))
        assert (page.status_code, "Scribe Two" in page.text) == (200, False)
