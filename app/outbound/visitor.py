"""A visitor of our own server: a browser as far as forms and cookies go, and an API client as far as JSON goes.

For `login-test` and `doctor`, which talk to the one address that the operator names; the ban on private addresses is
for addresses that strangers name, and does not apply.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx


class Unreachable(Exception):
    """The server did not answer; `str()` says why, in one sentence."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form of a page: where it goes and the fields that it carries anyway."""

    action: str
    fields: dict[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer. `location` is absolute, "" when there is none; `date` is the server's clock as sent."""

    status: int
    url: str
    location: str
    date: str
    body: bytes = field(repr=False)

    def json(self) -> dict[str, Any]:
        """Return the JSON object of the body, an empty one when it is something else."""
        try:
            content = httpx.Response(200, content=self.body).json()
        except ValueError:
            return {}
        return content if isinstance(content, dict) else {}

    def form_with(self, element_id: str) -> Form | None:
        """Return the form around the element with this id; pressing it is part of the fields."""
        reader = _FormReader(element_id)
        reader.feed(self.body.decode("utf-8", "replace"))
        return None if reader.found is None else Form(urljoin(self.url, reader.found.action), reader.found.fields)

    def returned(self) -> dict[str, str]:
        """Return the query parameters of `location`."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.location).query).items()}


class Visitor:
    """One browser session with the server. Redirects are not followed: the caller looks at each."""

    def __init__(self, *, ca_file: str | None = None) -> None:
        verify: ssl.SSLContext | bool = ssl.create_default_context(cafile=ca_file) if ca_file else True
        self._client = httpx.AsyncClient(verify=verify, timeout=10.0, follow_redirects=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def get(self, url: str, *, query: Mapping[str, str] | None = None, bearer: str = "") -> Answer:
        """GET a page or, with `bearer`, an API resource. Raises Unreachable."""
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        return await self._send("GET", url, params=query, headers=headers)

    async def post(self, url: str, fields: Mapping[str, str], *, basic: tuple[str, str] | None = None) -> Answer:
        """POST a form, as a browser or, with `basic`, as an application that authenticates. Raises Unreachable."""
        return await self._send("POST", url, data=dict(fields), auth=httpx.BasicAuth(*basic) if basic else None)

    async def _send(self, method: str, url: str, **what: Any) -> Answer:
        try:
            answer = await self._client.request(method, url, **what)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            where = f"{urlsplit(url).scheme}://{urlsplit(url).netloc}"
            raise Unreachable(f"{where} does not answer ({str(error) or type(error).__name__})") from error
        location = answer.headers.get("location", "")
        return Answer(
            status=answer.status_code,
            url=url,
            location=urljoin(url, location) if location else "",
            date=answer.headers.get("date", ""),
            body=answer.content,
        )


class _FormReader(HTMLParser):
    """Finds the form around one element; forms do not nest."""

    def __init__(self, element_id: str) -> None:
        super().__init__()
        self.found: Form | None = None
        self._wanted = element_id
        self._current: Form | None = None

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attributes}
        if tag == "form":
            self._current = Form(said.get("action", ""), {})
        if self._current is None or tag not in {"input", "button"}:
            return
        pressed = said.get("id") == self._wanted
        if pressed:
            self.found = self._current
        if "name" in said and (pressed or _carried(tag, said)):
            self._current.fields[said["name"]] = said.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._current = None


def _carried(tag: str, said: Mapping[str, str]) -> bool:
    """Tell whether a browser would send the field without the person doing anything."""
    if tag == "button" or said.get("type") == "submit":
        return False
    return said.get("type") not in {"checkbox", "radio"} or "checked" in said
