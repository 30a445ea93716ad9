"""The official clients of MCP as they come, from a 401 to a tool that needs more than they asked for.

Each goes by every way to be known: registered by somebody, registering itself, by the document at its client ID. They
go against `examples/mcp_server`: those on Python as `make run` starts it, the others as it asks about every token.
"""

import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from joserfc.jwk import ECKey
from mcp.client.auth.extensions.client_credentials import PrivateKeyJWTOAuthProvider, SignedJWTParameters
from mcp.shared.auth import OAuthClientInformationFull

from app.cli import demo_notes
from app.outbound.visitor import Visitor
from examples.mcp_server import agent as own
from tests.support.agents import CALLBACK, Memory, Principal, call, connected, python_agent
from tests.support.login import go
from tests.support.mcp_place import NIGHT_AGENT, NIGHT_KEY, SECRET_AGENT, Place, mcp_place, person
from tests.support.node_programs import program

NOTE = "Water the figs"
METADATA = ["GET /.well-known/oauth-protected-resource/mcp", "GET /.well-known/oauth-authorization-server"]


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """How an agent is known to the server. One with a `client` is registered, others introduce themselves."""

    name: str
    client: Mapping[str, Any] | None = None
    by_document: bool = False


REGISTERED = Way("registered", {"client_id": demo_notes.CLIENT_ID, "token_endpoint_auth_method": "none"})
WITH_SECRET = Way("registered-with-secret", SECRET_AGENT)
REGISTERING = Way("registering")
BY_DOCUMENT = Way("by-document", by_document=True)
WAYS = (REGISTERED, REGISTERING, BY_DOCUMENT)

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="the clients need Node.js")


@pytest.fixture(scope="module")
async def place() -> AsyncIterator[Place]:
    async with mcp_place() as found:
        yield found


@pytest.mark.parametrize("way", [*WAYS, WITH_SECRET], ids=lambda way: way.name)
@pytest.mark.spec("standards", "MC-1")
@pytest.mark.spec("standards", "MC-4")
@pytest.mark.spec("standards", "MC-7")
@pytest.mark.spec("standards", "MB-3")
@pytest.mark.spec("standards", "MB-4")
@pytest.mark.spec("standards", "MB-5")
@pytest.mark.spec("standards", "MB-6")
@pytest.mark.spec("standards", "MB-7")
@pytest.mark.spec("standards", "MB-8")
@pytest.mark.spec("standards", "MB-9")
@pytest.mark.spec("standards", "MB-11")
async def test_an_agent_on_the_python_sdk_connects_refreshes_and_asks_for_more(place: Place, way: Way) -> None:
    robin = Principal(person("robin"))
    known = None if way.client is None else OAuthClientInformationFull.model_validate(way.client)
    memory, seen = Memory(known), []
    document = place.document if way.by_document else None
    async with python_agent(place.checks, robin, memory, document=document) as agent:
        await agent.call("list_notes")
        seen.append(memory.kept())
        agent.let_token_end()
        await agent.call("list_notes")
        seen.append(memory.kept())
        assert (await agent.call("add_note", text=NOTE)).startswith("That is note ")
        assert NOTE in await agent.call("list_notes")
        seen.append(memory.kept())

    check(way, place, robin, place.checks, seen)
    register = ["POST /oauth/register"] if way is REGISTERING else []
    assert agent.sent == [
        *METADATA,
        *register,
        "POST /oauth/token authorization_code",
        "POST /oauth/token refresh_token",
        "POST /oauth/token authorization_code",
    ]


@needs_node
@pytest.mark.parametrize(
    ("library", "name", "way"),
    [
        *(pytest.param("sdk", "sam", way, id=f"1-{way.name}") for way in WAYS),
        pytest.param("client", "kim", BY_DOCUMENT, id=f"2-{BY_DOCUMENT.name}"),
        *(pytest.param("client", "kim", way, id=f"2-{way.name}", marks=pytest.mark.slow) for way in WAYS[:2]),
    ],
)
@pytest.mark.spec("standards", "MB-3")
@pytest.mark.spec("standards", "MB-4")
@pytest.mark.spec("standards", "MB-5")
@pytest.mark.spec("standards", "MB-6")
@pytest.mark.spec("standards", "MB-7")
@pytest.mark.spec("standards", "MB-8")
async def test_an_agent_on_a_typescript_sdk_connects_refreshes_and_asks_for_more(
    place: Place, library: str, name: str, way: Way
) -> None:
    principal, seen = Principal(person(name)), list[dict[str, Any]]()
    document = place.document if way.by_document else None
    told = {"library": library, "url": place.asks, "callback": CALLBACK, "client": way.client, "document": document}
    async with program("mcp/agent.mjs", place.demo.server.environment, None) as agent:

        async def hear() -> dict[str, Any]:
            heard: dict[str, Any] = await agent.hear()
            while "authorize" in heard:
                await agent.tell(await principal.allow(heard["authorize"]))
                heard = await agent.hear()
            seen.append(heard)
            return heard

        await agent.tell(told)
        first = await hear()
        await place.take_away(first["client"], first["tokens"]["access_token"])
        await agent.tell("taken away")
        await hear()
        assert NOTE in (await hear())["notes"]

    check(way, place, principal, place.asks, seen)


def check(way: Way, place: Place, principal: Principal, resource: str, seen: list[dict[str, Any]]) -> None:
    """Assert what an agent asked for, what its person saw, and what it had after each step."""
    first, second, third = (each["tokens"] for each in seen)
    client_id = seen[-1]["client"]["client_id"]
    asked = [set(request["scope"].split()) - {"offline_access"} for request in principal.asked]
    assert asked == [{"notes:read"}, {"notes:read", "notes:write"}]
    assert {request["resource"] for request in principal.asked} == {resource}
    assert {request["client_id"] for request in principal.asked} == {client_id}
    assert (client_id == place.document) is way.by_document

    assert len({tokens["access_token"] for tokens in (first, second, third)}) == 3
    assert len({tokens["refresh_token"] for tokens in (first, second, third)}) == 3
    assert [set(tokens["scope"].split()) - {"offline_access"} for tokens in (first, second, third)] == [
        *[{"notes:read"}] * 2,
        {"notes:read", "notes:write"},
    ]
    page = principal.pages[-1]
    assert "asks for 1 more permission" in page
    assert all(words in page for words in ("Add and remove notes", "Already allowed", "Read your notes", "127.0.0.1"))
    assert ("Described at <b>localhost</b>" in page) is way.by_document
    introduced = {REGISTERING: "It registered itself, and", BY_DOCUMENT: "It introduced itself, and"}
    assert all((words in page) is (way is one) for one, words in introduced.items())


async def test_the_agent_of_the_example_reads_and_keeps_notes_and_hears_when_its_person_says_no(place: Place) -> None:
    async def answer(address: str, said: Mapping[str, str]) -> None:
        callback = dict(parse_qsl(urlsplit(address).query))["redirect_uri"]
        async with httpx.AsyncClient() as browser:
            assert "Go back" in (await browser.get(callback, params=dict(said))).text

    async def allow(address: str) -> None:
        callback = dict(parse_qsl(urlsplit(address).query))["redirect_uri"]
        async with Visitor() as browser:
            back = await go(browser, person("kay"), address, callback=callback)
        await answer(address, dict(parse_qsl(urlsplit(back).query)))

    async def refuse(address: str) -> None:
        await answer(address, {"error": "access_denied", "error_description": "the person said no"})

    async with own.connected(place.checks, allow) as client:
        assert await own.call(client, "add_note", text=NOTE) == ["That is note 1."]
        assert await own.call(client, "list_notes") == [NOTE]
        with pytest.raises(RuntimeError, match="There is no note 2; the last one is 1"):
            await own.call(client, "remove_note", number=2)
    with pytest.raises(ExceptionGroup) as told:
        async with own.connected(place.checks, refuse):
            raise AssertionError("nobody has allowed it")
    assert told.group_contains(PermissionError, match="the person said no")


@pytest.mark.spec("standards", "MB-12")
async def test_an_agent_without_a_person_connects_by_its_key_and_gets_more_when_it_needs_more(place: Place) -> None:
    key = ECKey.import_key(NIGHT_KEY).as_pem(private=True).decode()
    client_id = str(NIGHT_AGENT["client_id"])
    signer = SignedJWTParameters(issuer=client_id, subject=client_id, signing_key=key, signing_algorithm="ES256")
    memory, issuer = Memory(), place.demo.issuer
    provider = PrivateKeyJWTOAuthProvider(
        place.checks, memory, client_id, signer.create_assertion_provider(), issuer=issuer
    )
    async with connected(place.checks, provider) as client:
        assert await call(client, "list_notes") == ""
        assert await call(client, "add_note", text=NOTE) == "That is note 1."
    assert memory.tokens is not None
    assert (memory.tokens.scope, memory.tokens.refresh_token) == ("notes:read notes:write", None)


LOOPBACK = "http://localhost:54212/callback"
REGISTRATIONS: Mapping[str, Mapping[str, Any]] = {
    "Claude": {"redirect_uris": ["https://claude.ai/api/mcp/auth_callback"], "scope": "notes:read"},
    "Claude Code": {"redirect_uris": [LOOPBACK], "token_endpoint_auth_method": "none"},
    "ChatGPT": {
        "redirect_uris": ["https://chatgpt.com/connector_platform_oauth_redirect"],
        "token_endpoint_auth_method": "none",
        "scope": "",
    },
    "Visual Studio Code": {
        "client_uri": "https://code.visualstudio.com",
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
        "redirect_uris": [
            *("https://insiders.vscode.dev/redirect", "https://vscode.dev/redirect"),
            *("http://127.0.0.1/", "http://127.0.0.1:33418/"),
        ],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    },
    "Cursor": {
        "redirect_uris": [
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "https://www.cursor.com/agents/mcp/oauth/callback",
            "http://localhost:8787/callback",
        ],
        "token_endpoint_auth_method": "none",
    },
    "MCP Inspector": {
        "client_uri": "https://github.com/modelcontextprotocol/inspector",
        "redirect_uris": ["http://localhost:6274/oauth/callback"],
        "token_endpoint_auth_method": "none",
        "scope": "openid profile notes:read nothing:known",
    },
    "A client that says little": {"redirect_uris": [LOOPBACK]},
}


@pytest.mark.spec("standards", "MB-6")
async def test_what_known_agents_register_is_taken_as_it_is(place: Place) -> None:
    usual = {"grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"]}
    async with httpx.AsyncClient(base_url=place.demo.issuer) as agents:
        for name, members in REGISTRATIONS.items():
            sent = {"client_name": name, **usual, **members}
            answered = await agents.post("/oauth/register", json=sent)
            assert answered.status_code == 201, f"{name}: {answered.text}"
            known = answered.json()
            method = sent.get("token_endpoint_auth_method", "client_secret_basic")
            assert (known["token_endpoint_auth_method"], "client_secret" in known) == (method, method != "none"), name
            for member in ("redirect_uris", "grant_types", "response_types"):
                assert known[member] == sent[member], f"{member} of {name}"


@pytest.mark.spec("standards", "MC-8")
async def test_a_token_for_one_mcp_server_opens_no_other(place: Place) -> None:
    lee = Principal(person("lee"))
    for url, other in ((place.checks, place.asks), (place.asks, place.checks)):
        memory = Memory(OAuthClientInformationFull.model_validate(REGISTERED.client))
        async with python_agent(url, lee, memory) as agent:
            await agent.call("list_notes")
        assert memory.tokens is not None
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {memory.tokens.access_token}"}) as thief:
            assert (await thief.post(other, json={})).status_code == 401
            assert (await thief.post(url, json={})).status_code != 401
