"""What applications registered before anybody could sign in with them: in effect once the database is migrated."""

import json
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from app.migrations import upgrade
from app.protocol import openid_settings, unmet
from app.protocol.client_metadata import ClientMetadata, read
from app.protocol.policy import ApplicationPolicy
from app.protocol.scopes import DEFAULT, ScopeRegistry
from app.store.application_cache import CHANNEL
from app.store.client_rows import policy
from tests.store.scene import NOW, connected
from tests.support.database import RUNTIME, FreshDatabase
from tests.support.earlier_schema import bring_to_schema
from tests.support.earlier_schema import empty as empty

SCOPES = ScopeRegistry(DEFAULT)
SHOP, BANK, LOCAL = "https://shop.example/cb", "https://Bank.example:8443/cb", "http://127.0.0.1/cb"
KEYS = {"keys": [{"kty": "RSA", "n": "AQ", "e": "AQAB"}]}
REGISTERED: dict[str, dict[str, Any]] = {
    "plain": {},
    "rs256": {"id_token_signed_response_alg": "RS256", "subject_type": "public"},
    "everything": {
        "id_token_signed_response_alg": "ES256",
        "id_token_encrypted_response_alg": "RSA-OAEP-256",
        "userinfo_signed_response_alg": "RS256",
        "userinfo_encrypted_response_alg": "RSA-OAEP",
        "userinfo_encrypted_response_enc": "A256GCM",
        "jwks": KEYS,
        "subject_type": "pairwise",
        "redirect_uris": [SHOP, "https://shop.example:8443?x=1", "https://shop.example"],
        "default_max_age": 600,
        "default_acr_values": ["a", "b"],
        "response_modes": ["query"],
        "post_logout_redirect_uris": [SHOP],
        "backchannel_logout_uri": "https://shop.example/back",
        "backchannel_logout_session_required": True,
        "frontchannel_logout_uri": "https://shop.example/front",
        "frontchannel_logout_session_required": True,
    },
    "other host": {"subject_type": "pairwise", "redirect_uris": [BANK]},
    "own list": {
        "subject_type": "pairwise",
        "redirect_uris": [SHOP],
        "sector_identifier_uri": "https://shop.example/uris.json",
    },
    "nobody asked": {"grant_types": ["client_credentials"], "subject_type": "public"},
}
"""Metadata of which this version makes the same settings."""

SECTORLESS: dict[str, dict[str, Any]] = {
    "two hosts": {"redirect_uris": [SHOP, BANK]},
    "loopback": {"redirect_uris": [LOCAL]},
    "loopback beside a host": {"redirect_uris": [SHOP, LOCAL]},
    "private scheme": {"redirect_uris": ["com.example.app:/cb"]},
    "encrypted loopback": {"redirect_uris": ["https://board.localhost:8443/cb"]},
    "numbers": {"redirect_uris": ["https://10.1.2.3"]},
    "more numbers": {"redirect_uris": ["https://[::1]:8443/cb"]},
    "the list of somebody else": {
        "redirect_uris": [SHOP],
        "sector_identifier_uri": "https://bank.example/uris.json",
    },
    "a host in front of a host": {
        "redirect_uris": [SHOP],
        "sector_identifier_uri": "https://shop.example.evil.example/uris.json",
    },
    "device": {"redirect_uris": [], "grant_types": ["urn:ietf:params:oauth:grant-type:device_code"]},
    "assertions": {
        "redirect_uris": [SHOP],
        "grant_types": ["authorization_code", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
    },
}
"""Applications that wanted pairwise subjects, and of whose sector nobody can be sure."""

REGISTER = """
insert into application (id, client_id, name, kind, auth_method, redirect_uris, grant_types, metadata, created_at,
                         updated_at)
values ($1, $2, 'Web', 'web', 'client_secret_basic', $3, $4, $5, $6, $6)"""


async def _register(connection: asyncpg.Connection, client_id: str, members: dict[str, Any]) -> None:
    """Write what servers of schema 4 write."""
    redirects, grants = members.get("redirect_uris", [SHOP]), members.get("grant_types", ["authorization_code"])
    registered = json.dumps({**members, **({"redirect_uris": redirects} if redirects else {}), "grant_types": grants})
    await connection.execute(REGISTER, uuid4(), client_id, redirects, grants, registered, NOW)


async def _application(connection: asyncpg.Connection, client_id: str) -> dict[str, Any]:
    row = await connection.fetchrow("select version, unmet, openid from application where client_id = $1", client_id)
    assert row is not None
    return {**row, "openid": json.loads(row["openid"])}


def _expected(members: dict[str, Any]) -> openid_settings.OpenIdSettings:
    metadata: ClientMetadata = read({"redirect_uris": [SHOP], **members}, SCOPES, unfinished=True)
    return metadata.openid()


@pytest.mark.spec("standards", "ID-2")
@pytest.mark.spec("standards", "ID-7")
async def test_what_applications_had_registered_is_in_effect_and_running_servers_hear_of_it(
    empty: FreshDatabase,
) -> None:
    await bring_to_schema(empty, 4)
    heard: list[str] = []
    async with connected(empty.runtime_url) as server:
        for client_id, members in REGISTERED.items():
            await _register(server, client_id, members)
        await server.add_listener(CHANNEL, lambda *told: heard.append(told[-1]))
        await upgrade(empty.owner_url, RUNTIME)
        changed = 0
        for client_id, members in REGISTERED.items():
            after, expected = await _application(server, client_id), _expected(members)
            assert openid_settings.read(after["openid"]) == expected, client_id
            assert after["openid"] == json.loads(json.dumps(expected.stored)), client_id
            assert after["unmet"] == [], client_id
            assert after["version"] == (2 if expected.stored else 1), client_id
            changed += bool(expected.stored)
        await server.execute("select 1")
        assert len(set(heard)) == changed


@pytest.mark.spec("standards", "ID-7")
@pytest.mark.spec("standards", "DR-10")
async def test_one_that_wanted_pairwise_subjects_is_refused_rather_than_told_the_public_ones(
    empty: FreshDatabase,
) -> None:
    await bring_to_schema(empty, 4)
    async with connected(empty.runtime_url) as server:
        for client_id, members in SECTORLESS.items():
            await _register(server, client_id, {"subject_type": "pairwise", **members})
        machine = {"subject_type": "pairwise", "redirect_uris": [], "grant_types": ["client_credentials"]}
        await _register(server, "machine", machine)
        await upgrade(empty.owner_url, RUNTIME)
        for client_id in SECTORLESS:
            after = await _application(server, client_id)
            assert after["unmet"] == ["subject_type"], client_id
            assert after["version"] == 2, client_id
        assert (await _application(server, "machine"))["unmet"] == []


async def test_servers_of_the_version_before_may_go_on_registering_and_changing_applications(
    empty: FreshDatabase,
) -> None:
    await bring_to_schema(empty, 4)
    await upgrade(empty.owner_url, RUNTIME)
    change = "update application set metadata = $2, redirect_uris = $3, unmet = '{}', version = 2 where client_id = $1"
    async with connected(empty.runtime_url) as server:
        for client_id, members in REGISTERED.items():
            await _register(server, client_id, members)
            made = await _application(server, client_id)
            assert (openid_settings.read(made["openid"]), made["version"]) == (_expected(members), 1)

        moved = {**REGISTERED["everything"], "redirect_uris": [BANK], "id_token_signed_response_alg": "RS256"}
        await server.execute(change, "everything", json.dumps(moved), [BANK])
        after = openid_settings.read((await _application(server, "everything"))["openid"])
        assert after.id_token_alg == "RS256"
        assert after.sector == "shop.example"  # people keep their names

        await _register(server, "two hosts", {"subject_type": "pairwise", **SECTORLESS["two hosts"]})
        renamed = {"subject_type": "pairwise", "redirect_uris": [SHOP, BANK], "client_name": "Another"}
        await server.execute(change, "two hosts", json.dumps(renamed), [SHOP, BANK])
        assert (await _application(server, "two hosts"))["unmet"] == ["subject_type"]


async def test_what_this_version_and_later_ones_write_stays_as_they_wrote_it(empty: FreshDatabase) -> None:
    await upgrade(empty.owner_url, RUNTIME)
    async with connected(empty.runtime_url) as server:
        await _register(server, "web", {"id_token_signed_response_alg": "ES256"})
        written = {"id_token_alg": "PS256", "of_tomorrow": 1}
        await server.execute("update application set openid = $1", json.dumps(written))
        assert (await _application(server, "web"))["openid"] == written
        await server.execute("update application set name = 'Renamed'")
        assert (await _application(server, "web"))["openid"] == written
        await server.execute("update application set metadata = '{}'")
        assert (await _application(server, "web"))["openid"] == {"of_tomorrow": 1}


DEMANDING = ("fapi2", "fapi2-message-signing")
HELD = "select policy, unmet from application where client_id = $1"


async def _held(connection: asyncpg.Connection, client_id: str) -> tuple[ApplicationPolicy, tuple[str, ...], list[str]]:
    """Return what it is held to, what it lacks here, and what it lacks on a server of the version before."""
    row = await connection.fetchrow(HELD, client_id)
    assert row is not None
    return policy(row["policy"]), unmet.unmet_here(row["unmet"]), row["unmet"]


@pytest.mark.spec("standards", "F-20")
@pytest.mark.parametrize("profile", DEMANDING)
async def test_no_server_of_the_version_before_loosens_what_an_application_is_held_to(
    empty: FreshDatabase, profile: str
) -> None:
    await bring_to_schema(empty, 5)
    refused = "update application set unmet = '{profile}'"
    owner_changes = "update application set metadata = metadata || '{\"client_name\": \"x\"}', unmet = '{}'"
    operator_declares = "update application set policy = '{\"require_pkce\": false}', unmet = '{profile}'"
    async with connected(empty.runtime_url) as server:
        await _register(server, "earlier", {"profile": profile})
        await server.execute(refused)
        await upgrade(empty.owner_url, RUNTIME)
        for change in ("select 1", owner_changes, operator_declares, owner_changes):
            await server.execute(change)
            kept, lacking, there = await _held(server, "earlier")
            assert (kept.fapi, kept.signs_messages) == (True, profile == DEMANDING[1]), change
            assert (lacking, there) == ((), [f"profile {profile}"]), change
        await server.execute("update application set metadata = metadata - 'profile', policy = '{}', unmet = '{}'")
        assert await _held(server, "earlier") == (ApplicationPolicy(), (), [])
