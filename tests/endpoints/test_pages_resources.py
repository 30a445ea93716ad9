"""What operators read about resources, and copy into an API, so that its clients find this server."""

import json
from collections.abc import AsyncIterator
from html import unescape
from typing import Any

import httpx
import pytest

from app.store.database import Database
from app.views.addresses import segment_of
from tests.support.api_person import enter
from tests.support.service import ISSUER, Service, service

PATH = "/admin/resources"
DIARY = "https://mcp.example.com/mcp"
RESOURCES: dict[str, Any] = {
    DIARY: {"name": "Diary tools", "scopes": ["project:read"], "introspection_clients": ["diary-server"]},
    f"{ISSUER}/mcp": {"token_format": "jwt", "signing_alg": "RS256", "access_token": 300},
    "urn:example:billing": {"name": "Billing <b>"},
}


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A server with resources in its settings."""
    async with service(database, resources=RESOURCES) as running:
        await running.user("robin")
        await running.user("ada", operator=True)
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with site.browser() as fresh:
        yield fresh


def copied(page: httpx.Response, field: str) -> str:
    """Return the text that a page offers to copy."""
    _, _, after = page.text.partition(f'id="{field}"')
    return unescape(after.partition(">")[2].partition("</textarea>")[0]).strip()


async def shown(browser: httpx.AsyncClient, identifier: str) -> httpx.Response:
    """Return the page of a resource."""
    await enter(browser, "ada")
    page = await browser.get(f"{PATH}/{segment_of(identifier)}")
    assert page.status_code == 200
    return page


async def test_the_list_has_every_resource_and_leads_to_each(browser: httpx.AsyncClient) -> None:
    await enter(browser, "ada")
    page = await browser.get(PATH)
    for identifier in (*RESOURCES, f"{ISSUER}/api/v1", f"{ISSUER}/oauth/userinfo"):
        assert f'href="{PATH}/{segment_of(identifier)}"' in page.text
    assert "Billing &lt;b&gt;" in page.text


@pytest.mark.spec("standards", "PR-1")
@pytest.mark.spec("standards", "PR-2")
@pytest.mark.spec("standards", "PR-3")
async def test_an_api_elsewhere_gets_its_document_its_header_and_code_that_publishes_them(
    browser: httpx.AsyncClient,
) -> None:
    page = await shown(browser, DIARY)
    document = json.loads(copied(page, "document"))
    assert document["resource"] == DIARY
    assert document["authorization_servers"] == [ISSUER]
    at = "https://mcp.example.com/.well-known/oauth-protected-resource/mcp"
    assert f"<b>{at}</b>" in page.text
    assert copied(page, "header") == f'WWW-Authenticate: Bearer resource_metadata="{at}"'
    assert "diary-server" in page.text
    published = _published_by(copied(page, "route"))
    assert published == ("/.well-known/oauth-protected-resource/mcp", document)
    assert _given_by(copied(page, "mcp")) == {
        "issuer_url": ISSUER,
        "resource_server_url": DIARY,
        "required_scopes": ["project:read"],
        "validate_token_resource": True,
    }


async def test_what_this_server_publishes_itself_is_said_to_be_there(browser: httpx.AsyncClient) -> None:
    for identifier in (f"{ISSUER}/api/v1", f"{ISSUER}/mcp"):
        page = await shown(browser, identifier)
        address = f"/.well-known/oauth-protected-resource{identifier.removeprefix(ISSUER)}"
        assert f'This server publishes it at <a href="{ISSUER}{address}"' in page.text
        assert (await browser.get(address)).json() == json.loads(copied(page, "document"))
        assert ("JWT, RS256" in page.text, "5 minutes" in page.text) == (identifier in RESOURCES,) * 2


async def test_a_resource_that_is_no_place_has_nothing_to_publish(browser: httpx.AsyncClient) -> None:
    page = await shown(browser, "urn:example:billing")
    assert "no place on the web" in page.text
    assert 'id="document"' not in page.text


async def test_to_everybody_but_operators_there_are_no_such_pages(site: Service, browser: httpx.AsyncClient) -> None:
    await enter(browser, "robin")
    async with site.browser() as nobody, site.browser() as operator:
        for path in (PATH, f"{PATH}/{segment_of(DIARY)}"):
            for somebody in (nobody, browser):
                assert (await somebody.get(path)).status_code == 404
        await enter(operator, "ada")
        assert (await operator.get(f"{PATH}/nothing")).status_code == 404


def _published_by(code: str) -> tuple[str, Any]:
    """Run a route as the page shows it, and return its path and what it answers."""
    lines = code.splitlines()
    assert lines[1] == "async def metadata():"
    told: Any = eval("\n".join(lines[2:]).strip().removeprefix("return "))  # noqa: S307
    return json.loads(lines[0].removeprefix("@app.get(").removesuffix(")")), told


def _given_by(code: str) -> Any:
    """Return what the code gives to the SDK."""
    return eval(code.removeprefix("auth = AuthSettings.model_validate(").removesuffix(")"))  # noqa: S307
