"""A client that pushes its authorization requests, and a browser that comes with what it got."""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from tests.support.service import SECRET, answer_of, authorize_url, decide, follow, sign_in

ENDPOINT = "/oauth/par"


def request_of(client_id: str | None, **changes: str | list[str] | None) -> dict[str, str | list[str]]:
    """Return the parameters of `authorize_url` as a form."""
    pairs = parse_qsl(urlsplit(authorize_url(client_id, **changes)).query)
    names = {name: [value for other, value in pairs if other == name] for name, _ in pairs}
    return {name: values[0] if len(values) == 1 else values for name, values in names.items()}


async def push(
    client: httpx.AsyncClient,
    client_id: str,
    *,
    secret: str | None = SECRET,
    proof: str | None = None,
    **changes: str | list[str] | None,
) -> httpx.Response:
    """Push a request as `authorize_url` makes it; without a secret as a public client."""
    credentials: dict[str, Any] = {"auth": (client_id, secret)} if secret else {}
    headers = {} if proof is None else {"dpop": proof}
    return await client.post(ENDPOINT, data=request_of(client_id, **changes), headers=headers, **credentials)


async def pushed(client: httpx.AsyncClient, client_id: str, **how: Any) -> str:
    """Push a request and return its `request_uri`."""
    answer = await push(client, client_id, **how)
    assert answer.status_code == 201, answer.text
    request_uri: str = answer.json()["request_uri"]
    return request_uri


def pushed_url(client_id: str | None, request_uri: str, **more: str) -> str:
    """Return the address that the browser is sent to, with whatever else somebody put there."""
    named = {} if client_id is None else {"client_id": client_id}
    return "/oauth/authorize?" + urlencode({**named, "request_uri": request_uri, **more})


async def question(browser: httpx.AsyncClient, url: str, username: str = "robin") -> httpx.Response:
    """Go to an address, sign in when asked, and return the page that is shown then, or the answer to the client."""
    page = await follow(browser, await browser.get(url))
    if 'id="login-submit"' in page.text:
        page = await follow(browser, await sign_in(browser, username, page))
    return page


async def answered(browser: httpx.AsyncClient, url: str, username: str = "robin") -> dict[str, str]:
    """Go there and allow what is asked; return the answer."""
    page = await question(browser, url, username)
    return answer_of(await decide(browser, page) if 'id="consent-approve"' in page.text else page)


def interaction_of(response: httpx.Response) -> str:
    """Return the reference to the request that a redirect to one of our pages carries."""
    return dict(parse_qsl(urlsplit(response.headers["location"]).query))["interaction"]
