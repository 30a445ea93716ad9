"""People with tokens that others exchange, and everything that can happen to what stands behind them."""

from itertools import count
from uuid import UUID

import httpx

from app.models import Application, User
from app.store import records, users
from tests.store import scene as scenes
from tests.support.credentials import change
from tests.support.service import Service, obtain_code, redeem

_numbers = count(1)


async def new_person(site: Service) -> str:
    """Register somebody whom no other test knows; return the username."""
    username = f"person{next(_numbers)}"
    await site.user(username)
    return username


async def tokens_of(site: Service, username: str, client_id: str = "web", **request: str | None) -> dict[str, str]:
    """Let somebody sign in to an application and allow what it asks for; return the token answer."""
    async with site.browser() as browser:
        given = {"scope": "project:read team:read", **request}
        answer = await redeem(browser, client_id, await obtain_code(browser, client_id, username, **given))
        assert answer.status_code == 200, answer.text
        body: dict[str, str] = answer.json()
        return body


async def token_of(site: Service, username: str, client_id: str = "web", **request: str | None) -> str:
    """The access token of `tokens_of`."""
    return (await tokens_of(site, username, client_id, **request))["access_token"]


async def record_of(site: Service, username: str, client_id: str = "web") -> UUID:
    """Return the record of somebody and an application."""
    user = await users.find_for_sign_in(site.database, username)
    assert user is not None
    [record] = [one for one in await records.list_for_user(site.database, user.id) if one.client_id == client_id]
    return record.id


async def disconnect(site: Service, username: str, client_id: str = "web") -> None:
    """Let somebody end what an application may do."""
    entry = scenes.entry("authorization.revoked", site.clock())
    assert await records.revoke(site.database, await record_of(site, username, client_id), site.clock(), entry)


async def take_away(site: Service, username: str, *pairs: str, client_id: str = "web") -> None:
    """Let somebody take permissions back."""
    entry = scenes.entry("authorization.narrowed", site.clock())
    record_id = await record_of(site, username, client_id)
    assert await records.narrow(site.database, record_id, pairs, site.clock(), entry)


async def shut_out(site: Service, username: str) -> None:
    """Disable somebody, and let him in again: what he had stays dead."""
    user = await users.find_for_sign_in(site.database, username)
    assert user is not None
    await change(site, User, user.id, disabled_at=site.clock(), epoch=user.epoch + 1)
    await change(site, User, user.id, disabled_at=None)


async def switch_off(site: Service, client_id: str, *, again: bool = False) -> None:
    """Switch an application off, and on again when asked to: what it had stays dead."""
    client = await site.database.hot.gather_client(client_id)
    assert client is not None
    epochs = {"epoch": client.epoch + 1, "version": client.version + 1}
    await change(site, Application, client.id, status="inactive", **epochs)
    if again:
        await change(site, Application, client.id, status="active")


async def revoke(browser: httpx.AsyncClient, token: str, auth: tuple[str, str]) -> None:
    """Let an application give a token back."""
    assert (await browser.post("/oauth/revoke", data={"token": token}, auth=auth)).status_code == 200
