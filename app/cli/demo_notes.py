"""The demo's MCP server: `examples/mcp_server`, what it needs in settings and data, and how agents connect to it.

It runs as a child of the server, from the first connection on: whoever has no agent pays nothing for it.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import app
from app.cli.order import Listeners, Order
from app.cli.sockets import door
from app.cli.worker_process import Worker
from app.protocol.redirect_uri import LOOPBACK_NAMES
from app.protocol.scopes import DEFAULT, ScopeDefinition
from app.settings import Settings
from app.settings.model import ScopeSettings
from app.telemetry.style import LogStyle

CLIENT_ID = "notes-agent"
"""An agent that is registered, for those that cannot introduce themselves, or shall not."""

SCOPES = {
    "notes:read": ScopeSettings(description="Read your notes"),
    "notes:write": ScopeSettings(description="Add and remove notes", kind="change"),
}
ACCESS_TOKEN = 300
"""Seconds. The notes server checks tokens by itself: so long it may honour what was taken away."""

_CHECKOUT = Path(app.__file__).resolve().parent.parent
_ADDRESS = "127.0.0.1"
_DRAIN_SECONDS = 2


def is_available() -> bool:
    """Tell whether the notes server can run here."""
    return (_CHECKOUT / "examples" / "mcp_server" / "main.py").is_file() and find_spec("mcp") is not None


def url_at(port: int) -> str:
    """Return where agents reach it: its identifier as a resource."""
    return f"http://localhost:{port}/mcp"


def opened(settings: Settings) -> Settings:
    """Return the settings with its scopes, and with registration open to everybody unless the operator has decided.

    That is the profile in which every agent connects by itself, and none for a server that strangers reach: it stays
    closed unless the issuer is an address of this computer.
    """
    own = {one.name: _as_settings(one) for one in DEFAULT} if settings.scopes is None else settings.scopes
    update: dict[str, object] = {"scopes": {**SCOPES, **own}}
    here = urlsplit(settings.issuer_url).hostname in LOOPBACK_NAMES
    if here and "mode" not in settings.registration.model_fields_set:
        update["registration"] = settings.registration.model_copy(update={"mode": "open"})
    return settings.model_copy(update=update)


def resource(url: str) -> dict[str, object]:
    """Return the notes server as an entry of a data file."""
    return {
        "identifier": url,
        "name": "Notes",
        "scopes": list(SCOPES),
        "token_format": "jwt",
        "access_token": ACCESS_TOKEN,
    }


def agent(owner: str) -> dict[str, object]:
    """Return the registered agent as an entry of a data file. Loopback addresses count with any port."""
    return {
        "client_id": CLIENT_ID,
        "client_name": "Notes agent",
        "owner": owner,
        "application_type": "native",
        "redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    }


def snippets(url: str) -> list[str]:
    """Return how agents connect: a command each."""
    vscode = json.dumps({"name": "notes", "type": "http", "url": url})
    return [
        f"claude mcp add --transport http notes {url}   (then /mcp there)",
        f"code --add-mcp '{vscode}'",
        f"npx @modelcontextprotocol/inspector --transport http --server-url {url}",
    ]


@contextmanager
def notes_worker(issuer: str, port: int, style: LogStyle) -> Iterator[Worker]:
    """Listen where agents connect; yields the place among the workers of who will answer them."""
    with door(_ADDRESS, port) as front:
        order = Order(
            "examples.mcp_server.main:create_app",
            environment={"NOTES_ISSUER": issuer, "NOTES_URL": url_at(port)},
            import_path=str(_CHECKOUT),
            drain_seconds=_DRAIN_SECONDS,
            log_style=style,
        )
        worker = Worker("notes", preload="json", essential=False, order=order, listeners=Listeners(front.open()))
        try:
            yield worker
        finally:
            worker.kill()


def _as_settings(definition: ScopeDefinition) -> ScopeSettings:
    return ScopeSettings(
        description=definition.title,
        detail=definition.detail,
        kind=definition.kind,
        set=definition.set,
        covers=definition.covers,
        optional=definition.optional,
        legacy_bit=definition.legacy_bit,
        acr=definition.acr,
    )
