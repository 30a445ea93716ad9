"""A server whose applications ask people elsewhere."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.store.database import Database
from tests.support.assertions import key_of, key_set, register
from tests.support.delegation import IDP, TRUSTED
from tests.support.details import TYPES
from tests.support.elsewhere import GRANT_TYPE, PINGED, POLLING
from tests.support.service import Service, service
from tests.support.signing import keep_keys

ES256 = {"id_token_alg": "ES256"}
SIGNER: dict[str, Any] = {
    "token_endpoint_auth_method": "private_key_jwt",
    "grant_types": [GRANT_TYPE],
    "scope": "openid project:read",
    "backchannel_token_delivery_mode": "poll",
    "id_token_signed_response_alg": "ES256",
}


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A server where `desk`, `other` and `shop` poll, `till` is pinged, and `both` may and `signer` must sign."""
    trusted = {IDP.name: {**TRUSTED[IDP.name], "clients": ["desk"]}}
    settings = {
        "signing": {"algorithms": ["ES256", "RS256"]},
        "trusted_issuers": trusted,
        "authorization_details": TYPES,
    }
    async with service(database, **settings) as running:
        await keep_keys(running.server)
        for name in ("robin", "sam", "kim"):
            await running.user(name)
        await running.application("web", openid=ES256)
        await running.application("desk", openid=ES256, **POLLING)
        await running.application("other", openid=ES256, **POLLING)
        await running.application("till", openid=ES256, **PINGED)
        await running.application("shop", openid={**ES256, "sector": "shop.example"}, **POLLING)
        await running.application("pushed", **{**POLLING, "requests": {"ciba_mode": "push"}})
        await running.application("modeless", **{**POLLING, "requests": {}})
        await running.application("open", auth_method="none", **POLLING)
        key = {"jwks": key_set(key_of("signer"))}
        await register(running, client_id="both", **SIGNER, **key)
        alg = {"backchannel_authentication_request_signing_alg": "ES256"}
        await register(running, client_id="signer", **SIGNER, **key, **alg)
        yield running


@pytest.fixture
async def client(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client: what it keeps of the network is its own. Nobody was asked anything within the last hour."""
    site.clock.forward(3_600)
    await keep_keys(site.server)
    async with site.browser() as fresh:
        yield fresh
