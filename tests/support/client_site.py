"""Websites of clients that are known by a metadata document: what they say, and an application that may read it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import select
from sqlmodel import col

from app.models import Application, Audit
from app.store.database import Database
from tests.support.facts import VERIFIER
from tests.support.far_server import FarServer, Trust, answer, far_server, trust
from tests.support.service import Service, authorize_url, decide, follow, service, sign_in


@dataclass(slots=True)
class ClientSite:
    """The website of a client, and our own server that may ask it."""

    far: FarServer
    site: Service
    members: dict[str, Any] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        """Where it is."""
        return f"https://127.0.0.1:{self.far.port}"

    @property
    def client_id(self) -> str:
        """The address of its document, which no other test has: a port may come again."""
        return f"{self.origin}/{self.far.number}/client.json"

    @property
    def redirect_uri(self) -> str:
        """Where its answers go: on its own website."""
        return f"{self.origin}/callback"

    def says(self, *headers: str, **members: Any) -> None:
        """Let the document say something else from now on; None leaves a member out."""
        self.members |= members
        document = {"client_id": self.client_id, **self.members}
        body = orjson.dumps({name: value for name, value in document.items() if value is not None})
        self.far.says = answer(body, *headers)

    def url(self, **changes: str | list[str] | None) -> str:
        """The address of an authorization request of it."""
        return authorize_url(self.client_id, **{"redirect_uri": self.redirect_uri, **changes})

    async def redeem(self, browser: httpx.AsyncClient, code: str, **changes: str) -> httpx.Response:
        """Exchange a code."""
        data = {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": VERIFIER,
        }
        return await browser.post("/oauth/token", data={**data, **changes})


@asynccontextmanager
async def client_site(database: Database, trusted: Trust, **settings: Any) -> AsyncIterator[ClientSite]:
    """Run both."""
    async with far_server(trusted.context) as far:
        # All websites of tests are on one host, and their clocks go their own ways: who counts must not see them all.
        outbound = {"allow": [f"127.0.0.1:{far.port}"], "ca_file": trusted.ca_file}
        limits = {"document_fetches": 10_000, "document_requests": 10_000, **settings.pop("limits", {})}
        async with service(database, outbound=outbound, limits=limits, **settings) as running:
            website = ClientSite(far, running)
            website.says(
                client_name="Scribe",
                redirect_uris=[website.redirect_uri],
                grant_types=["authorization_code", "refresh_token"],
            )
            yield website
            await running.server.client_documents.close()


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    """An authority of the module's, for websites on this computer."""
    return trust(tmp_path_factory.mktemp("far"), "127.0.0.1")


@pytest.fixture
async def website(database: Database, trusted: Trust) -> AsyncIterator[ClientSite]:
    """A client of the test's own, and a person who may allow it something."""
    async with client_site(database, trusted) as running:
        await running.site.user(person(running))
        yield running


def person(website: ClientSite) -> str:
    """The person of a website: no other test has him."""
    return f"robin{website.far.number}"


async def ask(website: ClientSite, browser: httpx.AsyncClient, username: str, **changes: Any) -> httpx.Response:
    """Walk to the consent page of a request, or to the answer where nobody is asked."""
    page = await follow(browser, await browser.get(website.url(**changes)))
    if page.status_code == 200 and 'id="login-submit"' in page.text:
        page = await follow(browser, await sign_in(browser, username, page))
    return page


async def allow(website: ClientSite, browser: httpx.AsyncClient, username: str, **changes: Any) -> httpx.Response:
    """Walk to the consent page and agree; return the redirect to the client."""
    page = await ask(website, browser, username, **changes)
    assert 'id="consent-approve"' in page.text, page.text
    return await decide(browser, page)


async def refresh(website: ClientSite, browser: httpx.AsyncClient, tokens: dict[str, Any]) -> httpx.Response:
    """Refresh as a client without keys."""
    data = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "client_id": website.client_id}
    return await browser.post("/oauth/token", data=data)


async def row_of(website: ClientSite) -> Application | None:
    """The row of the application, if it has one."""
    async with website.site.database.transaction() as transaction:
        found = await transaction.scalars(select(Application).where(col(Application.client_id) == website.client_id))
        return found.one_or_none()


async def told(website: ClientSite) -> list[str]:
    """What the audit trail was told of the application itself."""
    query = select(col(Audit.event)).where(
        col(Audit.subject_id) == website.client_id, col(Audit.event).like("application.%")
    )
    async with website.site.database.transaction() as transaction:
        return list(await transaction.scalars(query.order_by(col(Audit.at), col(Audit.id))))
