"""What is mounted is what the features say, and no more is published than is mounted."""

from urllib.parse import urlsplit

import pytest

from app.protocol.features import Feature, FeatureSet
from app.protocol.grant_types import GRANT_TYPES
from app.protocol.metadata import document
from app.routers.endpoints import ENDPOINTS, PAGES
from app.store.database import Database
from tests.support.facts import ISSUER, REGISTRY
from tests.support.service import authorize_url, service

WITHOUT_CODES = {"authorization_code": False, "refresh_token": False, "issuer_identification": False}
WITHOUT_GRANTS = {**WITHOUT_CODES, "client_credentials": False}


async def test_without_the_code_grant_nobody_is_asked_for_anything(database: Database) -> None:
    async with service(database, features=WITHOUT_CODES) as reduced, reduced.browser() as browser:
        for path in (authorize_url("web"), "/oauth/authorize/resume", "/consent"):
            assert (await browser.get(path)).status_code == 404
        refused = await browser.post("/oauth/token", data={"grant_type": "authorization_code", "client_id": "web"})
        assert (refused.status_code, refused.json()["error"]) == (400, "unsupported_grant_type")
        assert (await browser.get("/login")).status_code == 200


@pytest.mark.parametrize(
    "features", [{}, WITHOUT_CODES, WITHOUT_GRANTS, {"introspection": False}, {"revocation": False}]
)
async def test_every_published_endpoint_answers(database: Database, features: dict[str, bool]) -> None:
    async with service(database, features=features) as running, running.browser() as browser:
        document = (await browser.get("/.well-known/oauth-authorization-server")).json()
        published = {name: urlsplit(url).path for name, url in document.items() if name.endswith("_endpoint")}
        for name, path in published.items():
            assert (await browser.get(path)).status_code != 404, name
        switched = {"/oauth/authorize", "/oauth/token", "/oauth/introspect", "/oauth/revoke"}
        for path in switched - set(published.values()):
            assert (await browser.get(path)).status_code == 404, path
        described = (await browser.get("/openapi.json")).json()["paths"]
        assert switched & described.keys() == switched & set(published.values())


def test_every_feature_switches_something() -> None:
    mounted = {pages.feature for pages in PAGES}.union(*(endpoint.features for endpoint in ENDPOINTS))
    # These have no path of their own: the metadata, the grant types and the response types follow them.
    pathless = {Feature.ISSUER_IDENTIFICATION, Feature.IMPLICIT}
    assert set(Feature) - mounted == pathless
    for feature in pathless | {grant.FEATURE for grant in GRANT_TYPES.values()} - {Feature.AUTHORIZATION_CODE}:
        on, off = (document(ISSUER, FeatureSet.chosen({feature.key: switch}), REGISTRY) for switch in (True, False))
        assert on != off, feature
