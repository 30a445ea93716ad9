"""An application that asks for a person who is elsewhere (CIBA), and that person with his browser."""

from typing import Any

import httpx

from tests.support import elsewhere
from tests.support.elsewhere import PINGED, POLLING
from tests.support.service import Service, fields_of

SCOPE = "openid project:read"


async def asking_application(site: Service, client_id: str, *, endpoint: str = "", **changes: Any) -> None:
    """Register an application that asks people elsewhere; with an endpoint it is pinged there, without it polls."""
    described = POLLING
    if endpoint:
        described = {**PINGED, "requests": {**PINGED["requests"], "ciba_endpoint": endpoint}}
    await site.application(client_id, **{**described, **changes})


async def ask(client: httpx.AsyncClient, client_id: str, person: str, **params: str) -> str:
    """Ask for somebody by his username; return the `auth_req_id`."""
    return await elsewhere.asked(client, client_id, **{"scope": SCOPE, "login_hint": person, **params})


async def outcome(client: httpx.AsyncClient, client_id: str, auth_req_id: str) -> str:
    """Return what the application gets: an error, or the scopes of its token."""
    content = (await elsewhere.poll(client, client_id, auth_req_id)).json()
    return str(content.get("error") or content["scope"])


async def newest(browser: httpx.AsyncClient) -> str:
    """Return the path of the newest request that waits for whoever is signed in."""
    listed = await browser.get("/api/v1/approvals", headers={"Sec-Fetch-Site": "same-origin"})
    return f"/approvals/{listed.json()['items'][0]['id']}"


async def press(
    browser: httpx.AsyncClient, page: httpx.Response, decision: str = "approve", **more: Any
) -> httpx.Response:
    """Press a button of the page that asks."""
    return await browser.post(page.url.path, data={**fields_of(page), "decision": decision, **more})
