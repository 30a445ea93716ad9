"""Modules about the metadata: what each profile wants to find there."""

from typing import Any

import httpx
import pytest
from joserfc.jwk import KeySet

from app.crypto.jose import PRIVATE_MEMBERS
from tests.conformance.relying_party import DISCOVERY
from tests.support.service import ISSUER, Service


@pytest.fixture
async def metadata(site: Service) -> dict[str, Any]:
    """The metadata, from where an application finds it that knows the issuer alone."""
    async with site.browser() as browser:
        answer = await browser.get(DISCOVERY)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    found: dict[str, Any] = answer.json()
    _check_addresses(found)
    return found


def _check_addresses(metadata: dict[str, Any]) -> None:
    """Whatever is named is reached by https."""
    addresses = [value for name, value in metadata.items() if name.endswith(("_endpoint", "_uri", "_iframe"))]
    assert len(addresses) >= 6
    assert all(address.startswith("https://") for address in addresses)


@pytest.mark.spec("standards", "MD-1")
@pytest.mark.spec("standards", "MD-5")
@pytest.mark.spec("standards", "MD-6")
@pytest.mark.spec("standards", "MD-7")
async def test_oidcc_discovery_endpoint_verification(site: Service, metadata: dict[str, Any]) -> None:
    assert metadata["issuer"] == ISSUER
    for member in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint"):
        assert metadata[member].startswith(ISSUER)
    assert {"code", "code id_token", "code token", "code id_token token"} <= set(metadata["response_types_supported"])
    assert {"query", "fragment", "form_post"} <= set(metadata["response_modes_supported"])
    assert {"authorization_code", "implicit"} <= set(metadata["grant_types_supported"])
    assert set(metadata["subject_types_supported"]) <= {"public", "pairwise"}
    assert "RS256" in metadata["id_token_signing_alg_values_supported"]
    assert "openid" in metadata["scopes_supported"]
    assert {"sub", "name", "email"} <= set(metadata["claims_supported"])
    assert metadata["claims_parameter_supported"] is True
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert (metadata["request_parameter_supported"], metadata["request_uri_parameter_supported"]) == (True, False)
    async with site.browser() as browser:
        await _check_keys(browser, metadata["jwks_uri"])


async def _check_keys(browser: httpx.AsyncClient, address: str) -> None:
    """The published keys can be read, have an identifier each, and are public."""
    keys = (await browser.get(address)).json()
    assert len(KeySet.import_key_set(keys).keys) == len(keys["keys"]) > 0
    assert len({key["kid"] for key in keys["keys"]}) == len(keys["keys"])
    assert not any(PRIVATE_MEMBERS & key.keys() or key["kty"] == "oct" for key in keys["keys"])
    assert "RSA" in {key["kty"] for key in keys["keys"]}


async def test_oidcc_rp_initiated_logout_discovery_endpoint_verification(metadata: dict[str, Any]) -> None:
    assert metadata["end_session_endpoint"].startswith(ISSUER)


@pytest.mark.spec("standards", "LB-6")
async def test_oidcc_backchannel_logout_discovery_endpoint_verification(metadata: dict[str, Any]) -> None:
    assert metadata["backchannel_logout_supported"] is True
    assert metadata["backchannel_logout_session_supported"] is True
    assert metadata["end_session_endpoint"].startswith(ISSUER)


@pytest.mark.spec("standards", "LF-2")
async def test_oidcc_frontchannel_logout_discovery_endpoint_verification(metadata: dict[str, Any]) -> None:
    assert metadata["frontchannel_logout_supported"] is True
    assert metadata["frontchannel_logout_session_supported"] is True
    assert metadata["end_session_endpoint"].startswith(ISSUER)


async def test_oidcc_session_management_discovery_endpoint_verification(metadata: dict[str, Any]) -> None:
    assert metadata["check_session_iframe"].startswith(ISSUER)
    assert metadata["end_session_endpoint"].startswith(ISSUER)
