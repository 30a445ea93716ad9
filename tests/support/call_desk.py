"""The worker that calls people and clients (CIBA), beside a service of the operator's and a client that listen."""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from app.jobs.call import Calls
from app.store.database import Database
from tests.store.scene import fetch
from tests.support.approvals import ask, asking_application, newest, press
from tests.support.call_receiver import CallReceiver, call_receiver
from tests.support.elsewhere import NOTIFICATION_TOKEN, poll
from tests.support.processes import PATIENCE
from tests.support.service import Service, service, sign_in
from tests.support.signing import keep_keys

LOOK_EVERY = 0.05
HOOK_SECRET = "secret-of-the-service-that-tells-0123456789"
_numbers = itertools.count(1)


class Desk:
    """The worker that calls, the operator's service, a client that is pinged, and the requests between them."""

    def __init__(self, site: Service, hook: CallReceiver, client: CallReceiver, url: str) -> None:
        self.site, self.hook, self.client, self._url = site, hook, client, url
        self.pinged = f"pinged-{next(_numbers)}"

    async def ask(self, person: str, client_id: str = "", **params: str) -> str:
        """Have an application ask for somebody; return the id that it got."""
        known = client_id or self.pinged
        if await self.site.database.hot.gather_client(known) is None:
            await asking_application(self.site, known, endpoint="" if client_id else self.client.url)
        token = {} if client_id else {"client_notification_token": NOTIFICATION_TOKEN}
        async with self.site.browser() as till:
            return await ask(till, known, person, **token, **params)

    async def decide(self, person: str, decision: str = "approve") -> None:
        """Have somebody decide about the newest request that waits for him."""
        async with self.site.browser() as phone:
            await sign_in(phone, person)
            assert (await press(phone, await phone.get(await newest(phone)), decision)).status_code == 303

    async def poll(self, auth_req_id: str, client_id: str = "") -> dict[str, Any]:
        """Ask as the application."""
        async with self.site.browser() as till:
            answer: dict[str, Any] = (await poll(till, client_id or self.pinged, auth_req_id)).json()
        return answer

    async def rows(self) -> list[Any]:
        """The requests."""
        return await fetch(self._url, "select * from backchannel_request order by id")

    async def subject_of(self, username: str) -> str:
        """What applications know somebody by."""
        (row,) = await fetch(self._url, "select sub from user_account where username = $1", username)
        return str(row["sub"])

    async def decisions(self) -> set[tuple[str, str, str]]:
        """What the trail says about decisions: event, kind and id of the actor."""
        rows = await fetch(
            self._url, "select event, actor_kind, actor_id from audit where event like 'authorization.%'"
        )
        return {tuple(row) for row in rows}

    async def until(self, enough: Callable[[list[Any]], bool], seconds: float = PATIENCE) -> list[Any]:
        """Wait until the requests are as they should be, and return them."""
        async with asyncio.timeout(seconds):
            while not enough(rows := await self.rows()):  # noqa: ASYNC110 - nobody here knows when
                await asyncio.sleep(0.02)
        return rows

    async def settled(self) -> None:
        """Wait until nobody is to be called any more."""
        await self.until(lambda rows: all(row["call"] is None for row in rows))

    async def untold(self) -> list[dict[str, Any]]:
        """What the trail says about calls that were given up, the oldest first."""
        told = "event = 'backchannel_request.untold' and subject_id in (select id::text from backchannel_request)"
        return [
            json.loads(row["data"])
            for row in await fetch(self._url, f"select data from audit where {told} order by id")
        ]

    @contextlib.asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        """Call for the length of the block."""
        calling = asyncio.create_task(Calls(self.site.server).run(look_every=LOOK_EVERY))
        try:
            yield
        finally:
            calling.cancel()
            await asyncio.gather(calling, return_exceptions=True)


@contextlib.asynccontextmanager
async def a_desk(database: Database, url: str, **ciba: Any) -> AsyncIterator[Desk]:
    """Run one without requests; the settings of `[ciba]` by keyword, with `told=False` no service of the operator's."""
    await fetch(url, "delete from backchannel_request")
    async with call_receiver() as hook, call_receiver() as client:
        known = {"notification_url": hook.url, "notification_secret": HOOK_SECRET} if ciba.pop("told", True) else {}
        async with service(database, outbound={"allow": [hook.place, client.place]}, ciba={**known, **ciba}) as site:
            await keep_keys(site.server)
            yield Desk(site, hook, client, url)
