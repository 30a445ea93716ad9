"""Modules of FAPI 2.0 about grants that an application manages itself (Grant Management)."""

from typing import Any
from uuid import uuid4

import pytest

from tests.conformance.fapi_parties import OPENID_SCOPE, SCOPE
from tests.conformance.fintech import Answered, Fintech

UNKNOWN = "invalid_grant_id"


async def _grant(fintech: Fintech, **changes: str | None) -> dict[str, Any]:
    """Go the whole way with a grant of its own; returns the tokens."""
    tokens = await fintech.tokens(**({"grant_management_action": "create"} | changes))
    assert tokens["grant_id"]
    return tokens


async def _ask(fintech: Fintech, grant_id: str, method: str = "GET") -> Answered:
    """Ask about a grant, or end it, at the address that the metadata names."""
    endpoint = (await fintech.known())["grant_management_endpoint"]
    path = f"{endpoint}/{grant_id}".removeprefix((await fintech.known())["issuer"])
    return await fintech.call(await fintech.own_token(), path, method=method)


def _scopes(answer: Answered) -> set[str]:
    """Return the scopes of a grant that is there."""
    assert answer.status_code == 200, answer.text
    assert "no-store" in answer.headers["cache-control"]
    return {scope for entry in answer.json()["scopes"] for scope in entry["scope"].split()}


@pytest.mark.spec("standards", "GM-3")
@pytest.mark.spec("standards", "GM-8")
@pytest.mark.spec("standards", "TR-3")
@pytest.mark.spec("standards", "GM-10")
@pytest.mark.spec("standards", "GA-1")
@pytest.mark.spec("standards", "GA-2")
@pytest.mark.spec("standards", "GA-3")
async def test_fapi2_security_profile_final_grant_management_query_and_revoke(fintech: Fintech) -> None:
    known = (await fintech.known())["grant_management_actions_supported"]
    assert {"create", "query", "revoke"} <= set(known)
    tokens = await _grant(fintech)
    asked = set((OPENID_SCOPE if fintech.variant.by_key else SCOPE).split())
    assert _scopes(await _ask(fintech, tokens["grant_id"])) == asked
    ended = await _ask(fintech, tokens["grant_id"], "DELETE")
    assert (ended.status_code, ended.content) == (204, b"")
    assert (await _ask(fintech, tokens["grant_id"])).status_code == 404
    assert (await fintech.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


@pytest.mark.spec("standards", "GM-4")
async def test_fapi2_security_profile_final_grant_management_merge(fintech: Fintech) -> None:
    first = await _grant(fintech, scope=_less(fintech))
    again = await _grant(fintech, grant_management_action="merge", grant_id=first["grant_id"])
    assert again["grant_id"] == first["grant_id"]
    assert "team:read" in _scopes(await _ask(fintech, first["grant_id"]))


@pytest.mark.spec("standards", "GM-5")
async def test_fapi2_security_profile_final_grant_management_replace(fintech: Fintech) -> None:
    first = await _grant(fintech)
    changes = {"grant_management_action": "replace", "grant_id": first["grant_id"], "scope": _less(fintech)}
    again = await _grant(fintech, **changes)
    assert again["grant_id"] == first["grant_id"]
    assert "team:read" not in _scopes(await _ask(fintech, first["grant_id"]))


def _less(fintech: Fintech) -> str:
    return (OPENID_SCOPE if fintech.variant.by_key else SCOPE).removesuffix(" team:read")


@pytest.mark.spec("standards", "GM-7")
async def test_fapi2_security_profile_final_grant_management_ensure_invalid_grant_id_fails(
    fintech: Fintech, stranger: Fintech
) -> None:
    for grant_id in (str(uuid4()), "no such grant", (await _grant(stranger))["grant_id"]):
        answer = await fintech.push(grant_management_action="merge", grant_id=grant_id)
        if answer.status_code == 201:
            members = await fintech.answered(answer.json()["request_uri"])
            assert (members["error"], "code" in members) == (UNKNOWN, False)
        else:
            assert (answer.status_code, answer.json()["error"]) == (400, UNKNOWN), answer.text


@pytest.mark.spec("standards", "GA-4")
async def test_fapi2_security_profile_final_grant_management_ensure_query_nonexistent_grant_fails(
    fintech: Fintech,
) -> None:
    for grant_id in (str(uuid4()), "none"):
        assert (await _ask(fintech, grant_id)).status_code == 404


@pytest.mark.spec("standards", "GA-4")
async def test_fapi2_security_profile_final_grant_management_ensure_wrong_client_cannot_query_grant(
    fintech: Fintech, stranger: Fintech
) -> None:
    grant_id = (await _grant(fintech))["grant_id"]
    assert (await _ask(stranger, grant_id)).status_code in (403, 404)


@pytest.mark.spec("standards", "GA-4")
async def test_fapi2_security_profile_final_grant_management_ensure_wrong_client_cannot_revoke_grant(
    fintech: Fintech, stranger: Fintech
) -> None:
    grant_id = (await _grant(fintech))["grant_id"]
    assert (await _ask(stranger, grant_id, "DELETE")).status_code in (403, 404)
    assert (await _ask(fintech, grant_id)).status_code == 200
