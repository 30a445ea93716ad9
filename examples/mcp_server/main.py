"""Notes: an MCP server that keeps notes for people, whose agents call it. Assent says who they are and what they allow.

The official Python SDK does the protocol; `tokens.py` judges access tokens, `step_up.py` asks for what a tool needs
beyond them. Run it with `python -m examples.mcp_server.main`; the README says what it needs.
"""

import re
from collections import defaultdict
from urllib.parse import urlsplit

import uvicorn
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from examples.mcp_server.step_up import StepUp
from examples.mcp_server.tokens import AskedTokens, SignedTokens

READ, WRITE = "notes:read", "notes:write"
NEEDS_MORE = {"add_note": WRITE, "remove_note": WRITE}
"""Tools that `READ`, without which nobody gets in, is not enough for."""

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
"""Where browsers find this computer. No other website may reach a server here through them."""


class NotesSettings(BaseSettings):
    """Read from the environment: `NOTES_ISSUER`, `NOTES_URL`, `NOTES_CLIENT_ID`, `NOTES_CLIENT_SECRET`.

    With a secret it asks the server about every token (RFC 7662); without one it checks signed tokens by itself
    (RFC 9068).
    """

    model_config = SettingsConfigDict(env_prefix="NOTES_")

    issuer: str = "http://localhost:8000"
    url: str = "http://localhost:8003/mcp"
    client_id: str = "notes-server"
    client_secret: SecretStr | None = None


def create_app(settings: NotesSettings | None = None) -> Starlette:
    """Return the application; the settings come from the environment unless given."""
    here = settings or NotesSettings()
    if here.client_secret is None:
        tokens: SignedTokens | AskedTokens = SignedTokens(here.issuer, here.url)
    else:
        tokens = AskedTokens(here.issuer, here.url, (here.client_id, here.client_secret.get_secret_value()))
    # From strings: the SDK then leaves the issuer without a slash at its end, as clients compare it.
    auth = {
        "issuer_url": here.issuer,
        "resource_server_url": here.url,
        "required_scopes": [READ],  # also what its metadata tells clients to ask for first
        "validate_token_resource": True,
    }
    server = MCPServer("Notes", auth=AuthSettings.model_validate(auth), token_verifier=tokens)
    _add_tools(server)
    where = urlsplit(here.url)
    # Without sessions of its own it can be restarted at any time, and have any number of processes.
    app = server.streamable_http_app(
        streamable_http_path=where.path,
        stateless_http=True,
        json_response=True,
        transport_security=TransportSecuritySettings(
            allowed_hosts=[where.netloc, *(f"{host}:*" for host in LOOPBACK)],
            allowed_origins=[f"{where.scheme}://{where.netloc}", *(f"http://{host}:*" for host in LOOPBACK)],
        ),
    )
    # The last one: it knows the token already.
    app.user_middleware.append(Middleware(StepUp, resource_url=here.url, enough=READ, needs=NEEDS_MORE))
    app.add_middleware(
        CORSMiddleware,
        allow_origin_regex=f"http://({'|'.join(map(re.escape, LOOPBACK))})(:[0-9]+)?",
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["*"],
        expose_headers=["WWW-Authenticate", "Mcp-Session-Id"],
    )
    return app


def _add_tools(server: MCPServer) -> None:
    kept: dict[str, list[str]] = defaultdict(list)

    @server.tool()
    async def list_notes() -> list[str]:
        """List all notes, the oldest first."""
        return kept[_person(READ)]

    @server.tool()
    async def add_note(text: str) -> str:
        """Keep a note."""
        notes = kept[_person(WRITE)]
        notes.append(text)
        return f"That is note {len(notes)}."

    @server.tool()
    async def remove_note(number: int) -> str:
        """Remove a note by its number: 1 is the oldest."""
        notes = kept[_person(WRITE)]
        if not 1 <= number <= len(notes):
            raise ToolError(f"There is no note {number}; the last one is {len(notes)}.")
        return f"Removed: {notes.pop(number - 1)}"


def _person(scope: str) -> str:
    """Return whose notes a call is about, named as the server names people; raises PermissionError without `scope`.

    `StepUp` has seen to the scope in a way that clients can act on. Here it costs a line, and nothing gets past it.
    """
    token = get_access_token()
    if token is None or token.subject is None or scope not in token.scopes:
        raise PermissionError(f"This needs {scope}.")
    return token.subject


def main() -> None:
    """Serve on the loopback interface until Ctrl-C."""
    settings = NotesSettings()
    uvicorn.run(create_app(settings), host="127.0.0.1", port=urlsplit(settings.url).port or 8003)


if __name__ == "__main__":
    main()
