"""What people are told of applications that nobody here answers for, and the logos that pages show."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.models import Application
from app.protocol.grant_types import device_code
from app.store.database import Database
from app.store.hot_connection import counting_trips
from tests.protocol.test_logos import png
from tests.support.credentials import change
from tests.support.far_server import FarServer, answer, far_server
from tests.support.service import Service, authorize_url, decide, follow, obtain_code, service, sign_in


@pytest.fixture(scope="module")
async def far() -> AsyncIterator[FarServer]:
    """Where logos stand."""
    async with far_server(None) as running:
        running.says = answer(png(), content_type="image/png")
        yield running


@pytest.fixture(scope="module")
async def site(database: Database, far: FarServer) -> AsyncIterator[Service]:
    """A server that may fetch from there, with one application that is known."""
    async with service(database, outbound={"allow": [f"127.0.0.1:{far.port}"]}) as running:
        await running.user("robin")
        await running.application("web")
        yield running


async def register(site: Service, client_id: str, name: str, **changes: Any) -> None:
    """Have an application register itself."""
    application_id = await site.application(client_id, name=name, owner_name="", auth_method="none", **changes)
    await change(site, Application, application_id, self_registered=True, verified=False)


async def question(browser: httpx.AsyncClient, client_id: str, **changes: Any) -> httpx.Response:
    """Go to the consent page."""
    page = await follow(browser, await browser.get(authorize_url(client_id, **changes)))
    if 'id="login-submit"' in page.text:
        page = await follow(browser, await sign_in(browser, "robin", page))
    assert 'id="consent-approve"' in page.text
    return page


async def trips_to(browser: httpx.AsyncClient, page: httpx.Response) -> list[str]:
    with counting_trips() as trips:
        assert (await browser.get(page.url)).text.count("consent-approve") == 1
    return trips


@pytest.mark.spec("standards", "DR-13")
async def test_a_name_like_a_known_one_is_marked_where_people_decide(site: Service, browser: httpx.AsyncClient) -> None:
    await register(site, "imitator", "D\u0435p1oy-Diary")
    page = await question(browser, "imitator")
    assert "It is not the <bdi>Deploy Diary</bdi> that is known here" in page.text
    assert "Nobody at Assent has checked it" in page.text
    assert "First seen just now" in page.text
    await register(site, "us", "\u0391ssent")
    assert "It is no part of Assent" in (await question(browser, "us")).text
    await register(site, "honest", "Harbour Watch")
    honest = await question(browser, "honest")
    assert 'id="imitation"' not in honest.text
    assert "registered itself" in honest.text


@pytest.mark.spec("standards", "DR-13")
async def test_it_is_marked_on_the_page_of_a_device_too(site: Service, browser: httpx.AsyncClient) -> None:
    own = {"client_uri": "https://box.example", "introduction": {"policy_uri": "https://box.example/privacy"}}
    await register(site, "box", "Deploy D1ary", grant_types=(device_code.NAME,), redirect_uris=(), **own)
    asked = await browser.post("/oauth/device_authorization", data={"client_id": "box", "scope": "project:read"})
    await sign_in(browser, "robin")
    form = await browser.get("/device", params={"user_code": asked.json()["user_code"]})
    csrf = form.text.partition('name="csrf" value="')[2].partition('"')[0]
    sent = await browser.post("/device", data={"csrf": csrf, "user_code": asked.json()["user_code"]})
    page = await follow(browser, sent)
    assert "It is not the <bdi>Deploy Diary</bdi> that is known here" in page.text
    assert "If you meant that one, choose “Don’t connect”" in page.text
    assert "Privacy policy at box.example</a>" in page.text


@pytest.mark.spec("standards", "DR-13")
async def test_whoever_registered_itself_is_asked_about_each_time_and_what_it_has_is_told_from_what_is_new(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await register(site, "again", "Tide Table")
    await obtain_code(browser, "again", "robin")
    page = await question(browser, "again", scope="project:read team:read")
    assert "asks for 1 more permission" in page.text
    assert "Already allowed" in page.text
    assert (await decide(browser, page)).status_code == 303
    assert "asks you to confirm" in (await question(browser, "again", scope="project:read team:read")).text


async def test_only_who_nobody_answers_for_costs_a_trip_more(site: Service, browser: httpx.AsyncClient) -> None:
    ordinary = await trips_to(browser, await question(browser, "web"))
    await register(site, "stranger", "Kelp Forest")
    strange = await trips_to(browser, await question(browser, "stranger"))
    assert len(strange) == len(ordinary) + 1


@pytest.mark.spec("standards", "CI-12")
@pytest.mark.spec("standards", "DR-13")
async def test_a_logo_comes_from_here_and_from_nowhere_else(
    site: Service, browser: httpx.AsyncClient, far: FarServer
) -> None:
    logo_uri = f"http://127.0.0.1:{far.port}/logo.png"
    await site.application("with-logo", name="Pier Light", introduction={"logo_uri": logo_uri})
    page = await question(browser, "with-logo")
    address = page.text.partition('<img src="')[2].partition('"')[0]
    assert address.startswith("/logos/")
    assert logo_uri not in page.text
    shown = await browser.get(address)
    assert shown.content == png()
    assert shown.headers["content-type"] == "image/png"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert shown.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert shown.headers["cache-control"] == "private, max-age=3600"
    assert (await browser.get(address[:-2] + "AA")).status_code == 404
    assert (await browser.get("/logos/" + logo_uri.replace("/", "%2F"))).status_code == 404
    site.clock.forward(3601)
    assert (await browser.get(address)).status_code == 404


@pytest.mark.spec("standards", "DR-13")
@pytest.mark.parametrize(
    ("client_id", "path", "self_registered"),
    [("own-logo", "own.png", True), ("lost-logo", "lost.png", False)],
    ids=["of one that registered itself", "that is not there"],
)
async def test_without_a_logo_that_counts_there_are_letters(
    site: Service, browser: httpx.AsyncClient, far: FarServer, client_id: str, path: str, self_registered: bool
) -> None:
    introduction = {"logo_uri": f"http://127.0.0.1:{far.port}/{path}"}
    says = far.says
    if self_registered:
        await register(site, client_id, "Gull Rock", introduction=introduction)
    else:
        far.says = answer(b"", status="404 Not Found")
        await site.application(client_id, name="Gull Stone", introduction=introduction)
    page = await question(browser, client_id)
    far.says = says
    assert "<img" not in page.text
    assert not (self_registered and any(path in request for request in far.requests))
