"""Requests of OpenID Connect, and the way from one to its tokens."""

from typing import Any

import httpx

from app.protocol.openid_settings import OpenIdSettings
from tests.support.service import authorize_url, obtain_code, redeem

ES256 = OpenIdSettings("ES256").stored
"""What an application registers that wants its ID tokens signed so."""


def ask(client_id: str = "diary", **changes: str | None) -> str:
    """Return the address of an OpenID request."""
    return authorize_url(client_id, **{"scope": "openid", **changes})


async def tokens(
    browser: httpx.AsyncClient, client_id: str = "diary", username: str = "robin", **changes: str
) -> dict[str, Any]:
    """Walk to the tokens of an OpenID request."""
    code = await obtain_code(browser, client_id, username, **{"scope": "openid", **changes})
    answer = await redeem(browser, client_id, code)
    assert answer.status_code == 200, answer.text
    got: dict[str, Any] = answer.json()
    return got
