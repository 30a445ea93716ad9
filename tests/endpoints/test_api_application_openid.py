"""How an application signs people in, registered over the JSON API."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.store.database import Database
from tests.support.api_person import assert_problem
from tests.support.far_server import FarServer, answer, far_server, trust
from tests.support.own_applications import PATH, Developer, developer, of
from tests.support.service import Service, service

HERE, THERE = "https://diary.example/cb", "https://notes.example/cb"


@pytest.fixture(scope="module")
async def far(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[FarServer, str]]:
    """Where the list of a sector stands, and the authority that its certificate comes from."""
    trusted = trust(Path(tmp_path_factory.mktemp("sector")), "127.0.0.1")
    async with far_server(trusted.context) as running:
        yield running, trusted.ca_file


@pytest.fixture(scope="module")
async def site(database: Database, far: tuple[FarServer, str]) -> AsyncIterator[Service]:
    outbound = {"allow": [f"127.0.0.1:{far[0].port}"], "ca_file": far[1]}
    async with service(database, outbound=outbound, signing={"algorithms": ["ES256", "RS256"]}) as running:
        await running.user("robin")
        yield running


@pytest.fixture
async def robin(site: Service) -> AsyncIterator[Developer]:
    async with site.browser() as browser:
        yield await developer(browser, "robin")


def listing(far: tuple[FarServer, str], *uris: str) -> str:
    """Let the list be this, and return its address."""
    far[0].says = answer(json.dumps(uris).encode())
    return f"https://127.0.0.1:{far[0].port}/uris.json"


async def refused(robin: Developer, made: dict[str, Any], **members: Any) -> httpx.Response:
    answered = await robin.send("PATCH", of(made), members)
    assert answered.status_code == 400, answered.text
    return answered


async def test_everything_about_signing_in_is_taken_told_and_in_effect(site: Service, robin: Developer) -> None:
    members = {
        "id_token_signed_response_alg": "RS256",
        "default_max_age": 600,
        "default_acr_values": ["urn:assent:acr:password"],
        "require_auth_time": True,
        "initiate_login_uri": "https://diary.example/login",
        "post_logout_redirect_uris": ["https://diary.example/bye"],
        "frontchannel_logout_uri": "https://diary.example/front",
        "frontchannel_logout_session_required": True,
        "backchannel_logout_uri": "https://diary.example/back",
        "backchannel_logout_session_required": True,
        "userinfo_signed_response_alg": "ES256",
    }
    made = await robin.made(redirect_uris=[HERE])
    assert made["id_token_signed_response_alg"] == "ES256"
    answered = await robin.send("PATCH", of(made), members)
    assert answered.status_code == 200, answered.text
    assert {name: (await robin.read(made))[name] for name in members} == members
    client = await site.database.hot.gather_client(made["client_id"])
    assert client is not None
    assert (client.openid.id_token_alg, client.openid.userinfo_alg) == ("RS256", "ES256")
    assert client.openid.post_logout_redirect_uris == ("https://diary.example/bye",)


@pytest.mark.spec("standards", "ID-2")
async def test_what_cannot_be_is_refused_at_its_member(robin: Developer) -> None:
    made = await robin.made(redirect_uris=[HERE])
    for member, value in (
        ("id_token_signed_response_alg", "HS256"),
        ("id_token_encrypted_response_alg", "RSA-OAEP"),
        ("frontchannel_logout_uri", "https://other.example/front"),
        ("default_max_age", -1),
    ):
        answered = await refused(robin, made, **{member: value})
        assert_problem(answered, 400, "invalid-request")
        assert member in answered.text


@pytest.mark.spec("standards", "ID-7")
@pytest.mark.spec("standards", "DR-10")
async def test_a_sector_is_looked_up_when_it_is_named_and_whenever_an_address_is_added(
    site: Service, robin: Developer, far: tuple[FarServer, str]
) -> None:
    uri = listing(far, HERE)
    given = {"subject_type": "pairwise", "sector_identifier_uri": uri}
    answered = await robin.send("POST", PATH, {**given, "redirect_uris": [HERE, THERE]})
    assert answered.status_code == 400
    assert THERE in answered.text
    made = await robin.made(**given, redirect_uris=[HERE])
    assert (made["subject_type"], made["sector_identifier_uri"]) == ("pairwise", uri)
    assert THERE in (await refused(robin, made, redirect_uris=[HERE, THERE])).text
    asked = far[0].connections
    assert (await robin.send("PATCH", of(made), {"client_name": "Notes"})).status_code == 200
    assert far[0].connections == asked
    listing(far, HERE, THERE)
    assert (await robin.send("PATCH", of(made), {"redirect_uris": [HERE, THERE]})).status_code == 200
    client = await site.database.hot.gather_client(made["client_id"])
    assert client is not None
    assert client.openid.sector == "127.0.0.1"
    assert "subject_type" in (await refused(robin, made, subject_type=None)).text
    far[0].says = answer(b"{}", status="404 Not Found")
    assert "404" in (await refused(robin, made, redirect_uris=[THERE])).text
