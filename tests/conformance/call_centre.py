"""An application as the FAPI-CIBA plan plays one: it asks people who are elsewhere, and hears of their decision."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Any

import httpx

from app.jobs.call import Calls
from app.protocol.grant_types import ciba
from tests.conformance.ciba_plans import PING, Calling
from tests.conformance.fapi_parties import EMAIL, OPENID_SCOPE, Belongings, belongings
from tests.conformance.fintech import API, TOKEN, Answered, certified
from tests.support.assertions import claims_of, form, signed
from tests.support.certificates import Issued
from tests.support.far_server import FarServer, answer
from tests.support.service import ISSUER, Service, fields_of

BACKCHANNEL = "/oauth/bc-authorize"
Changes = Mapping[str, Any]

_LENGTH = re.compile(r"content-length: (\d+)", re.IGNORECASE)
_APPROVAL = re.compile(r'href="(/approvals/[^"]+)"')


@dataclass(slots=True)
class CallCentre:
    """An application, and the browser of the person whom it asks. `notification` is what the server proves itself with
    when it calls."""

    site: Service
    browser: httpx.AsyncClient
    wire: httpx.AsyncClient
    bell: FarServer
    variant: Calling
    client_id: str
    notification: str = ""
    calls: list[tuple[str, Any]] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def has(self) -> Belongings:
        """Its key and its certificate."""
        return belongings(self.client_id)

    def assertion(self, *, key: Changes | None = None, audience: object = ISSUER, **changes: Any) -> str:
        """Return a client assertion, changed by keyword."""
        return signed(claims_of(self.client_id, audience, self.site.clock(), **changes), key or self.has.signing)

    def proves(self) -> dict[str, str]:
        """Return the parameters with which it authenticates."""
        return form(self.assertion()) if self.variant.by_key else {"client_id": self.client_id}

    async def post(self, path: str, data: Mapping[str, str], *, shown: Issued | None = None) -> Answered:
        """Send a form from its own server, with its certificate."""
        return await self.wire.post(path, data=dict(data), headers=certified(shown or self.has.certificate))

    def asked(self, **changes: Any) -> dict[str, Any]:
        """Return the parameters of a request, changed by keyword; None leaves one out."""
        self.notification = token_urlsafe(24)
        pinged = {"client_notification_token": self.notification} if self.variant.mode == PING else {}
        params = {"scope": OPENID_SCOPE, "login_hint": EMAIL, "binding_message": "W4SCT", **pinged, **changes}
        return {name: value for name, value in params.items() if value is not None}

    def request_object(self, params: Changes, *, key: Changes | None = None, typ: str = "JWT", **changes: Any) -> str:
        """Return the request as a JWT, its own claims changed by keyword; None leaves one out."""
        now = int(self.site.clock().timestamp())
        claims = {"iss": self.client_id, "aud": ISSUER, "iat": now, "nbf": now, "exp": now + 300}
        claims |= {"jti": token_urlsafe(12), **changes}
        given = {name: value for name, value in claims.items() if value is not None}
        return signed({**params, **given}, key or self.has.signing, typ=typ)

    async def send(self, request: str, proves: Mapping[str, str] | None = None) -> Answered:
        """Send a request object."""
        return await self.post(BACKCHANNEL, {"request": request, **(self.proves() if proves is None else proves)})

    async def begin(self, *, typ: str = "JWT", **changes: Any) -> str:
        """Ask for the person; returns the `auth_req_id`, having judged the answer (CIBA §7.3)."""
        return self.begun(await self.send(self.request_object(self.asked(**changes), typ=typ)))

    @staticmethod
    def begun(told: Answered) -> str:
        """Judge the answer to a request that was taken."""
        assert (told.status_code, told.headers["content-type"]) == (200, "application/json"), told.text
        kept: dict[str, Any] = told.json()
        assert kept["expires_in"] > 0
        assert kept["interval"] > 0
        assert re.fullmatch(r"[A-Za-z0-9._-]{27,}", kept["auth_req_id"])  # 160 random bits
        return str(kept["auth_req_id"])

    async def decide(self, decision: str = "approve") -> None:
        """Let the person decide about the newest request on his page."""
        [path, *_] = _APPROVAL.findall((await self.browser.get("/approvals")).text)
        page = await self.browser.get(path)
        assert page.status_code == 200, page.text
        decided = await self.browser.post(path, data={**fields_of(page), "decision": decision})
        assert decided.status_code == 303, decided.text

    async def token(self, data: Mapping[str, str], proves: Mapping[str, str] | None = None) -> Answered:
        """Send a request to the token endpoint."""
        return await self.post(TOKEN, {**data, **(self.proves() if proves is None else proves)})

    async def poll(self, auth_req_id: str, proves: Mapping[str, str] | None = None) -> Answered:
        """Ask whether the person has decided."""
        return await self.token({"grant_type": ciba.NAME, "auth_req_id": auth_req_id}, proves)

    async def approved(self, **changes: Any) -> dict[str, Any]:
        """Go the whole way to tokens: the person has not decided, then he has."""
        auth_req_id = await self.begin(**changes)
        told = await self.poll(auth_req_id)
        assert (told.status_code, told.json()["error"]) == (400, "authorization_pending")
        await self.decide()
        return await self.tokens(auth_req_id)

    async def tokens(self, auth_req_id: str) -> dict[str, Any]:
        """Redeem a request that was approved."""
        told = await self.poll(auth_req_id)
        assert told.status_code == 200, told.text
        tokens: dict[str, Any] = told.json()
        assert tokens["token_type"] == "Bearer"
        assert tokens["id_token"]
        return tokens

    async def call(self, token: str, shown: Issued | None = None) -> Answered:
        """Send a request to an API, with its certificate or another one."""
        headers = {"authorization": f"Bearer {token}"} | certified(shown or self.has.certificate)
        return await self.wire.get(API, headers=headers)

    @contextlib.asynccontextmanager
    async def listening(self, says: bytes) -> AsyncIterator[None]:
        """Let the server make its calls for the length of the block; each is answered with `says`."""

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = self.bell.requests[-1]
            length = _LENGTH.search(head)
            body = json.loads(await reader.readexactly(int(length[1]) if length else 0))
            self.calls.append((head, body))
            self.came.set()
            writer.write(says)
            await writer.drain()

        self.bell.behave = take
        calling = asyncio.create_task(Calls(self.site.server).run(look_every=0.02))
        try:
            yield
        finally:
            calling.cancel()
            await asyncio.gather(calling, return_exceptions=True)

    async def rung(self, auth_req_id: str) -> None:
        """Wait until it was called about a request, and judge the call (CIBA §10.2)."""
        async with asyncio.timeout(60):
            while not (calls := self.calls_about(auth_req_id)):
                await self.came.wait()
                self.came.clear()
        [head] = calls
        assert head.startswith(f"POST /{self.client_id} ")
        assert f"authorization: Bearer {self.notification}\r\n".lower() in head.lower()

    def calls_about(self, auth_req_id: str) -> list[str]:
        """Return what stood before each call about a request."""
        return [head for head, told in self.calls if told == {"auth_req_id": auth_req_id}]


def thanks(status: str = "204 No Content", body: bytes = b"", *headers: str) -> bytes:
    """Return what the application says to a call."""
    return answer(body, *headers, status=status)
