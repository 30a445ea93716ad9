"""A browser without a screen: keeps cookies, sends what browsers send with a form, and fills in forms from the page."""

import re
from dataclasses import dataclass, field
from html import unescape
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

import httpx
from starlette.types import ASGIApp

_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


@dataclass
class Browser:
    """One person's browser at the server. `headers` stand for what a modern browser says about a form of ours."""

    app: ASGIApp
    origin: str = "http://localhost:8000"
    address: str = "203.0.113.7"
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        transport = httpx.ASGITransport(self.app, client=(self.address, 40_000))
        self.client = httpx.AsyncClient(transport=transport, base_url=self.origin, follow_redirects=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.aclose()

    async def get(self, path: str) -> httpx.Response:
        """Follow a link of ours, or type an address."""
        return await self.client.get(path, headers={"Sec-Fetch-Site": "none"} | self.headers)

    async def post(self, path: str, fields: dict[str, str] | list[tuple[str, str]]) -> httpx.Response:
        """Send a form from a page of ours."""
        pairs = list(fields.items()) if isinstance(fields, dict) else fields
        return await self.client.post(
            path,
            content=urlencode(pairs).encode("ascii"),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "Sec-Fetch-Site": "same-origin",
                "Origin": self.origin,
            }
            | self.headers,
        )

    async def fill(self, page: str, to: str, **typed: str) -> httpx.Response:
        """Open a page, fill in its form and send it, hidden fields included."""
        return await self.post(to, hidden_fields(await self.get(page)) | typed)

    def cookie(self, name: str) -> str | None:
        """Return a cookie's value."""
        return next((cookie.value for cookie in self.client.cookies.jar if cookie.name == name), None)


def hidden_fields(page: httpx.Response) -> dict[str, str]:
    """Return the hidden fields of the page's first form."""
    assert page.status_code in (200, 422), page.text
    form = page.text.partition("<form")[2].partition("</form>")[0]
    return {name: unescape(value) for name, value in _HIDDEN.findall(form)}
