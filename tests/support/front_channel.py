"""Requests for answers through the browser, and the way to what comes back."""

from typing import Any
from urllib.parse import parse_qsl

import httpx

from tests.support.service import REDIRECT_URI, authorize_url, decide, follow, sign_in

HYBRID: dict[str, Any] = {
    "grant_types": ("authorization_code", "implicit", "refresh_token"),
    "response_types": ("code", "code id_token", "id_token", "none"),
    "openid": {"id_token_alg": "ES256"},
}
NO_CHALLENGE: dict[str, Any] = {"code_challenge": None, "code_challenge_method": None}


def asking(client_id: str, response_type: str, /, **changes: str | list[str] | None) -> str:
    """Return the address of an OpenID request for a response type."""
    challenge = {} if "code" in response_type.split() else NO_CHALLENGE
    asked = {"response_type": response_type, "scope": "openid", "nonce": "n-0S6", **challenge, **changes}
    return authorize_url(client_id, **asked)


async def walk(browser: httpx.AsyncClient, address: str, username: str = "robin") -> httpx.Response:
    """Go from the authorization request to whatever is answered to the application, through the pages on the way."""
    response = await follow(browser, await browser.get(address))
    if response.status_code == 200 and 'id="login-submit"' in response.text:
        response = await follow(browser, await sign_in(browser, username, response))
    if response.status_code == 200 and 'id="consent-approve"' in response.text:
        response = await decide(browser, response)
    return response


def fragment_of(response: httpx.Response) -> dict[str, str]:
    """Return the members of an answer in the fragment, which stands behind the redirect URI as it was registered."""
    assert response.status_code == 303, response.text
    uri, _, fragment = response.headers["location"].partition("#")
    assert uri == REDIRECT_URI
    return dict(parse_qsl(fragment, strict_parsing=True))
