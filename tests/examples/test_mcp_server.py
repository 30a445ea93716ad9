"""The example MCP server by itself: which tokens it takes, and what it asks of agents for its tools.

That agents get along with it is a journey (`test_mcp_agents`).
"""

import asyncio
import json
import time
import tomllib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey
from pydantic import SecretStr

from app.cli import demo_notes
from examples.mcp_server.main import NotesSettings, create_app
from examples.mcp_server.tokens import SignedTokens
from tests.support.far_server import FarServer, answer, far_server

HOME = Path(__file__).parents[2] / "examples" / "mcp_server"
URL = "http://localhost:8003/mcp"
KEY, OTHER_KEY = (ECKey.generate_key("P-256", {"kid": name}) for name in ("known", "unknown"))


@pytest.fixture
async def issuer() -> AsyncIterator[FarServer]:
    """An authorization server as far as an MCP server sees it; `says` is what it thinks of tokens."""
    async with far_server(None) as far:
        here = f"http://127.0.0.1:{far.port}"
        fixed = {
            "/.well-known/oauth-authorization-server": {
                "jwks_uri": f"{here}/keys",
                "introspection_endpoint": f"{here}/introspect",
            },
            "/keys": KeySet([KEY]).as_dict(private=False),
        }

        async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            path = far.requests[-1].split(" ")[1]
            writer.write(answer(json.dumps(fixed[path]).encode()) if path in fixed else far.says)
            await writer.drain()

        far.behave = behave
        yield far


def settings_of(issuer: FarServer, secret: str | None = None) -> NotesSettings:
    return NotesSettings(
        issuer=f"http://127.0.0.1:{issuer.port}",
        url=URL,
        client_secret=None if secret is None else SecretStr(secret),
    )


def token_of(
    issuer: FarServer, header: Mapping[str, Any] | None = None, key: ECKey | OctKey = KEY, **claims: Any
) -> str:
    """Return a token as it should be, but for what is given."""
    said = {
        "iss": f"http://127.0.0.1:{issuer.port}",
        "aud": URL,
        "sub": "robin",
        "client_id": "agent",
        "scope": "notes:read",
        "exp": int(time.time()) + 60,
        **claims,
    }
    shown = {"alg": "ES256", "kid": key.kid, "typ": "at+jwt", **(header or {})}
    return jwt.encode(shown, said, key, algorithms=["ES256", "HS256"])


async def ask(
    settings: NotesSettings, token: str | None, *messages: Mapping[str, Any], raw: bytes = b"", **sent: str
) -> httpx.Response:
    """Send JSON-RPC to a server with these settings: one message alone, several as a batch. `sent` are headers."""
    app = create_app(settings)
    headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json", **sent}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    body = raw or json.dumps(messages[0] if len(messages) == 1 else messages).encode()
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost:8003") as agent,
    ):
        return await agent.post("/mcp", content=body, headers=headers)


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    parameters = {"name": tool, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": parameters}


def challenge(response: httpx.Response) -> dict[str, str]:
    """Return what a challenge says."""
    scheme, _, said = response.headers["www-authenticate"].partition(" ")
    assert scheme == "Bearer"
    return {name: value.strip('"') for name, value in (part.split("=", 1) for part in said.split(", "))}


async def test_a_stranger_is_told_where_its_metadata_is(issuer: FarServer) -> None:
    refused = await ask(settings_of(issuer), None, call("list_notes"))
    assert refused.status_code == 401
    assert challenge(refused)["resource_metadata"] == "http://localhost:8003/.well-known/oauth-protected-resource/mcp"


async def test_a_signed_token_for_it_opens_it(issuer: FarServer) -> None:
    allowed = await ask(settings_of(issuer), token_of(issuer), call("list_notes"))
    assert allowed.status_code == 200
    assert allowed.json()["result"]["isError"] is False


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://id.example"},
        {"aud": "http://localhost:8003/other"},
        {"exp": int(time.time()) - 60},
        {"header": {"typ": "JWT"}},
        {"key": OTHER_KEY},
        {"key": OTHER_KEY, "header": {"kid": "known"}},
        {"key": OctKey.generate_key(256), "header": {"alg": "HS256", "kid": "known"}},
    ],
    ids=["issuer", "audience", "ended", "id-token", "unknown-key", "forged", "symmetric"],
)
@pytest.mark.spec("standards", "MC-8")
async def test_any_other_token_is_refused(issuer: FarServer, wrong: dict[str, Any]) -> None:
    refused = await ask(settings_of(issuer), token_of(issuer, **wrong), call("list_notes"))
    assert (refused.status_code, challenge(refused)["error"]) == (401, "invalid_token")


async def test_what_is_no_token_is_refused(issuer: FarServer) -> None:
    assert (await ask(settings_of(issuer), "abc", call("list_notes"))).status_code == 401


@pytest.mark.parametrize(("patience", "fetched"), [(30.0, 1), (0.0, 3)], ids=["soon", "later"])
async def test_tokens_that_name_unknown_keys_make_it_fetch_the_keys_again_but_not_all_the_time(
    issuer: FarServer, patience: float, fetched: int
) -> None:
    tokens = SignedTokens(f"http://127.0.0.1:{issuer.port}", URL, patience)
    for _ in range(2):
        assert await tokens.verify_token(token_of(issuer, key=OTHER_KEY)) is None
    assert await tokens.verify_token(token_of(issuer)) is not None
    assert [request.split(" ")[1] for request in issuer.requests].count("/keys") == fetched


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"active": True}, 200),
        ({"active": False}, 401),
        ({"active": True, "aud": ["https://files.example", URL]}, 200),
        ({"active": True, "aud": "https://files.example"}, 401),
    ],
    ids=["alive", "dead", "several-audiences", "another-audience"],
)
async def test_with_a_secret_it_asks_about_each_token(issuer: FarServer, said: dict[str, Any], status: int) -> None:
    settings = settings_of(issuer, "its-secret")
    known = {"iss": settings.issuer, "aud": URL, "sub": "robin", "client_id": "agent", "scope": "notes:read"}
    issuer.says = answer(json.dumps({**known, "exp": int(time.time()) + 60, **said}).encode())

    response = await ask(settings, "opaque", call("list_notes"))

    assert response.status_code == status
    assert "authorization: basic" in issuer.requests[-1].lower()


@pytest.mark.parametrize(
    "messages",
    [[call("add_note", text="Water the figs")], [call("list_notes"), call("remove_note", number=1)]],
    ids=["alone", "among-others"],
)
async def test_a_tool_that_needs_more_is_answered_with_what_to_ask_for(
    issuer: FarServer, messages: list[dict[str, Any]]
) -> None:
    token = token_of(issuer, scope="openid notes:read offline_access")
    refused = await ask(settings_of(issuer), token, *messages)
    assert refused.status_code == 403
    said = challenge(refused)
    assert (said["error"], said["scope"]) == ("insufficient_scope", "notes:read notes:write")
    assert said["resource_metadata"] == "http://localhost:8003/.well-known/oauth-protected-resource/mcp"


async def test_nobody_gets_in_without_the_first_scope(issuer: FarServer) -> None:
    refused = await ask(settings_of(issuer), token_of(issuer, scope="notes:write"), call("list_notes"))
    assert (refused.status_code, challenge(refused)["error"]) == (403, "insufficient_scope")


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"[" * 100_000, 400), (b'{"a": "%s"}' % (b"x" * (1 << 20)), 413)],
    ids=["broken", "deep", "huge"],
)
async def test_a_body_that_is_no_message_is_refused(issuer: FarServer, body: bytes, status: int) -> None:
    assert (await ask(settings_of(issuer), token_of(issuer), raw=body)).status_code == status


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("notes.example", "https://notes.example", 200),
        ("localhost:8003", "http://localhost:6274", 200),
        ("attacker.example", "http://localhost:6274", 421),
        ("notes.example", "https://attacker.example", 403),
    ],
    ids=["its-own-name", "this-computer", "another-name", "another-website"],
)
async def test_no_website_reaches_it_under_another_name(issuer: FarServer, host: str, origin: str, status: int) -> None:
    url = "https://notes.example/mcp"
    settings = settings_of(issuer).model_copy(update={"url": url})
    answered = await ask(settings, token_of(issuer, aud=url), call("list_notes"), Host=host, Origin=origin)
    assert answered.status_code == status
    readable = origin if "localhost" in origin else None
    assert answered.headers.get("access-control-allow-origin") == readable


def test_its_own_file_declares_what_the_demo_declares() -> None:
    declared = tomllib.loads((HOME / "resource.toml").read_text())
    assert declared["resources"] == [demo_notes.resource(URL)]
    assert [{**agent, "owner": "river"} for agent in declared["applications"]] == [demo_notes.agent("river")]
