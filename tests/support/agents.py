"""Agents on the official Python SDK as it comes, and the people who allow agents what they ask for."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from mcp_types import TextContent

from app.outbound.visitor import Answer, Visitor
from tests.support.login import Person, go

CALLBACK = "http://127.0.0.1:43210/callback"
"""Where agents on this computer hear back; nobody has to listen there. Port numbers do not count (RFC 8252 §7.3)."""


@dataclass(slots=True)
class Principal:
    """Somebody who is sent to the server by agents, each time in a fresh browser. `asked` is what they sent him with,
    `pages` is what he saw."""

    person: Person
    asked: list[dict[str, str]] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)

    async def allow(self, url: str) -> dict[str, str]:
        """Sign in, allow what is asked, and return what the agent is called back with."""
        self.asked.append(dict(parse_qsl(urlsplit(url).query)))
        async with _Browser() as browser:
            back = await go(browser, self.person, url, callback=CALLBACK)
        self.pages += browser.pages
        answered = parse_qs(urlsplit(back).query)
        assert {len(values) for values in answered.values()} == {1}
        return {name: values[0] for name, values in answered.items()}


@dataclass(slots=True)
class Memory:
    """What an agent keeps from one start to the next."""

    client: OAuthClientInformationFull | None = None
    tokens: OAuthToken | None = None

    def kept(self) -> dict[str, Any]:
        """Return all of it, as it is now."""
        assert self.client is not None
        assert self.tokens is not None
        return {"client": self.client.model_dump(), "tokens": self.tokens.model_dump()}

    async def get_tokens(self) -> OAuthToken | None:
        """Return its tokens."""
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Keep its tokens."""
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """Return who it is."""
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Keep who it is."""
        self.client = client_info


@dataclass(frozen=True, slots=True)
class PythonAgent:
    """An agent on `mcp`. `sent` are its requests outside of MCP, each as method, path, and grant type if it has one."""

    client: Client
    memory: Memory
    provider: OAuthClientProvider
    sent: list[str]

    async def call(self, tool: str, **arguments: Any) -> str:
        """Call a tool and return what it says."""
        return await call(self.client, tool, **arguments)

    def let_token_end(self) -> None:
        """Make it believe that the lifetime of its access token is over."""
        self.provider.context.token_expiry_time = 1.0


@asynccontextmanager
async def python_agent(
    url: str, principal: Principal, memory: Memory, *, document: str | None = None
) -> AsyncIterator[PythonAgent]:
    """Connect an agent to the MCP server at `url`; `document` is its client ID if it introduces itself by one."""
    heard: list[dict[str, str]] = []
    sent: list[str] = []

    async def send_person(address: str) -> None:
        heard.append(await principal.allow(address))

    async def hear() -> AuthorizationCodeResult:
        return AuthorizationCodeResult.model_validate(heard.pop())

    async def note(request: httpx2.Request) -> None:
        if str(request.url) != url:
            form = dict(parse_qsl(request.content.decode())) if request.method == "POST" else {}
            sent.append(" ".join(filter(None, [request.method, request.url.path, form.get("grant_type")])))

    described = {"client_name": "Field agent", "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"}
    metadata = OAuthClientMetadata.model_validate(described)
    provider = OAuthClientProvider(url, metadata, memory, send_person, hear, document)
    async with connected(url, provider, note) as client:
        yield PythonAgent(client, memory, provider, sent)


@asynccontextmanager
async def connected(
    url: str, provider: OAuthClientProvider, *notes: Callable[[httpx2.Request], Awaitable[None]]
) -> AsyncIterator[Client]:
    """Connect to an MCP server; `notes` hear of every request."""
    async with (
        httpx2.AsyncClient(auth=provider, timeout=20, event_hooks={"request": list(notes)}) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        yield client


async def call(client: Client, tool: str, **arguments: Any) -> str:
    """Call a tool and return what it says."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return "\n".join(part.text for part in result.content if isinstance(part, TextContent))


class _Browser(Visitor):
    """Keeps every page."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: list[str] = []

    async def _send(self, method: str, url: str, **what: Any) -> Answer:
        answer = await super()._send(method, url, **what)
        self.pages += [answer.body.decode()] if answer.body else []
        return answer
