"""A device that asks for authorization and polls, and a person who types its code into a browser."""

from typing import Any

import httpx

from app.protocol.grant_types import device_code
from tests.support.service import SECRET, fields_of, follow, sign_in

GRANT_TYPE = device_code.NAME
ENDPOINT = "/oauth/device_authorization"


def _credentials(client_id: str, secret: str | None) -> dict[str, Any]:
    return {"auth": (client_id, secret)} if secret else {}


async def begin(
    device: httpx.AsyncClient, client_id: str, *, secret: str | None = SECRET, **params: str | list[str]
) -> httpx.Response:
    """Ask for a device code; without a secret as a public client."""
    return await device.post(ENDPOINT, data={"client_id": client_id, **params}, **_credentials(client_id, secret))


async def poll(
    device: httpx.AsyncClient,
    client_id: str,
    code: str,
    *,
    secret: str | None = SECRET,
    headers: dict[str, str] | None = None,
    **params: str,
) -> httpx.Response:
    """Ask whether the person has decided."""
    data = {"grant_type": GRANT_TYPE, "device_code": code, "client_id": client_id, **params}
    return await device.post("/oauth/token", data=data, headers=headers, **_credentials(client_id, secret))


async def type_code(browser: httpx.AsyncClient, user_code: str) -> httpx.Response:
    """Type a code into the page and send it; return the answer."""
    page = await browser.get("/device")
    return await browser.post("/device", data={**fields_of(page), "user_code": user_code})


async def question(browser: httpx.AsyncClient, user_code: str) -> httpx.Response:
    """Type a code and return the page that asks for a decision."""
    page = await follow(browser, await type_code(browser, user_code))
    assert 'id="consent-approve"' in page.text, page.text
    return page


async def answer(
    browser: httpx.AsyncClient, page: httpx.Response, decision: str = "approve", **more: Any
) -> httpx.Response:
    """Press a button of that page, having confirmed that the device shows the code."""
    fields = {**fields_of(page), "decision": decision, "holds": "yes", **more}
    return await browser.post("/device/confirm", data={name: value for name, value in fields.items() if value})


async def approve(browser: httpx.AsyncClient, username: str, user_code: str, **more: Any) -> httpx.Response:
    """Sign in and approve; return the page at the end."""
    assert (await sign_in(browser, username)).status_code == 303
    return await follow(browser, await answer(browser, await question(browser, user_code), **more))
