"""An agent of one's own, on the official Python SDK: `python -m examples.mcp_server.agent "Buy bread"`.

It connects to the notes server with its address alone, sends its person to Assent in his browser, reads the notes, and
keeps what is said behind the command as another one. It forgets everything when it ends.
"""

import asyncio
import os
import sys
import webbrowser
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from mcp_types import TextContent

URL = os.environ.get("NOTES_URL", "http://localhost:8003/mcp")
NAME = "Field agent"

Send = Callable[[str], Awaitable[None]]


@dataclass(slots=True)
class Memory:
    """Who the agent is to Assent, and its tokens. One that is to know them again after a restart writes them down."""

    client: OAuthClientInformationFull | None = None
    tokens: OAuthToken | None = None

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """Return who it is; None before it is known."""
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Keep who it is."""
        self.client = client_info

    async def get_tokens(self) -> OAuthToken | None:
        """Return its tokens; None before it has any."""
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Keep its tokens."""
        self.tokens = tokens


async def send_to_browser(address: str) -> None:
    """Open the page where the person decides."""
    print(f"Sign in at {address}", file=sys.stderr)
    await asyncio.to_thread(webbrowser.open, address)


@asynccontextmanager
async def connected(url: str, send: Send, document: str | None = None) -> AsyncIterator[Client]:
    """Connect to the MCP server at `url`.

    `send` takes the person to an address. `document` is where the agent's metadata document stands, if it has one;
    otherwise it registers itself. Raises PermissionError, in a group, when the person says no.
    """
    answers: asyncio.Queue[dict[str, str]] = asyncio.Queue()

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _method, target, *_ = (await reader.readline()).decode().split(" ")
        if urlsplit(target).path == "/callback":
            answers.put_nowait(dict(parse_qsl(urlsplit(target).query)))
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
        writer.write(head + b"Go back to your agent now.")
        await writer.drain()
        writer.close()

    async def hear_back() -> AuthorizationCodeResult:
        answer = await answers.get()
        if "error" in answer:
            raise PermissionError(answer.get("error_description", answer["error"]))
        return AuthorizationCodeResult.model_validate(answer)

    async with await asyncio.start_server(answered, "127.0.0.1", 0) as ear:
        described = {
            "client_name": NAME,
            "redirect_uris": [f"http://127.0.0.1:{ear.sockets[0].getsockname()[1]}/callback"],
            "token_endpoint_auth_method": "none",
        }
        metadata = OAuthClientMetadata.model_validate(described)
        provider = OAuthClientProvider(url, metadata, Memory(), send, hear_back, client_metadata_url=document)
        async with (
            httpx2.AsyncClient(auth=provider, timeout=30) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            yield client


async def call(client: Client, tool: str, **arguments: str | int) -> list[str]:
    """Call a tool and return what it says; raises RuntimeError when it fails."""
    result = await client.call_tool(tool, arguments)
    said = [part.text for part in result.content if isinstance(part, TextContent)]
    if result.is_error:
        raise RuntimeError(" ".join(said))
    return said


async def main(words: str) -> None:
    """Keep `words` as a note, if there are any, and print all notes."""
    try:
        async with connected(URL, send_to_browser) as client:
            if words:
                await call(client, "add_note", text=words)
            for note in await call(client, "list_notes"):
                print(note)
    except* PermissionError as refused:
        print(f"That was not allowed: {refused.exceptions[0]}", file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main(" ".join(sys.argv[1:])))
