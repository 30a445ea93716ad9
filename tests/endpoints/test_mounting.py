"""What is mounted is what the features say, and no more is published than is mounted."""

from urllib.parse import urlsplit

import pytest

from app.protocol.features import Feature, FeatureSet
from app.protocol.grant_types import GRANT_TYPES
from app.protocol.metadata import document
from app.protocol.resources import Resource, offered
from app.routers.endpoints import ENDPOINTS, PAGES
from app.store.database import Database
from tests.support.facts import ISSUER, REGISTRY
from tests.support.service import authorize_url, service

WITHOUT_OPENID = dict.fromkeys(
    (
        *("openid", "claims_parameter", "front_channel_id_tokens"),
        *("rp_initiated_logout", "backchannel_logout", "frontchannel_logout", "backchannel_authentication"),
    ),
    False,
)
WITHOUT_CODES = WITHOUT_OPENID | dict.fromkeys(
    (
        *("authorization_code", "refresh_token", "issuer_identification", "form_post", "client_documents"),
        *("pushed_requests", "request_objects", "signed_answers", "authorization_details", "grant_management"),
    ),
    False,
)
WITHOUT_GRANTS = WITHOUT_CODES | dict.fromkeys(
    ("client_credentials", "device_authorization", "jwt_bearer", "token_exchange"), False
)
EVERYTHING = {feature.key: True for feature in Feature}
PROTOCOL = "/oauth/"


async def test_without_the_code_grant_nobody_is_asked_for_anything(database: Database) -> None:
    async with service(database, features=WITHOUT_CODES) as reduced, reduced.browser() as browser:
        for path in (authorize_url("web"), "/oauth/authorize/resume", "/consent"):
            assert (await browser.get(path)).status_code == 404
        refused = await browser.post("/oauth/token", data={"grant_type": "authorization_code", "client_id": "web"})
        assert (refused.status_code, refused.json()["error"]) == (400, "unsupported_grant_type")
        assert (await browser.get("/login")).status_code == 200


@pytest.mark.parametrize("signs_in", [True, False], ids=["signs in", "does not"])
async def test_the_api_reference_tells_of_signing_in_where_there_is_any(database: Database, signs_in: bool) -> None:
    features = {} if signs_in else WITHOUT_OPENID
    async with service(database, features=features) as running, running.browser() as browser:
        paths = (await browser.get("/openapi.json")).json()["paths"]
    asked = paths["/oauth/authorize"]["get"]
    names = {parameter["name"] for parameter in asked["parameters"]}
    assert {"scope", "prompt", "login_hint"} <= names
    assert ("claims" in names, "nonce" in names) == (signs_in, signs_in)
    assert ("`account_selection_required`" in asked["description"]) is signs_in
    assert ("/oauth/userinfo" in paths, "/oauth/logout" in paths) == (signs_in, signs_in)


@pytest.mark.parametrize(
    "features",
    [
        {},
        EVERYTHING,
        WITHOUT_CODES,
        WITHOUT_GRANTS,
        {"introspection": False},
        {"revocation": False},
        {"device_authorization": False},
        WITHOUT_OPENID,
        WITHOUT_OPENID
        | {"published_keys": False, "jwt_access_tokens": False, "signed_introspection": False}
        | {"signed_answers": False},
    ],
    ids=[
        "as usual",
        "everything",
        "no codes",
        "no grants",
        "no introspection",
        "no revocation",
        "no devices",
        "nobody signs in",
        "no keys",
    ],
)
async def test_every_published_endpoint_answers_and_no_other_one_does(
    database: Database, features: dict[str, bool]
) -> None:
    async with service(database, features=features) as running, running.browser() as browser:
        document = (await browser.get("/.well-known/oauth-authorization-server")).json()
        published = {
            name: urlsplit(url).path for name, url in document.items() if name.endswith(("_endpoint", "jwks_uri"))
        }
        for name, path in published.items():
            assert (await browser.get(path)).status_code != 404, name
        switched = {"/oauth/authorize", "/oauth/logout"} | {
            one.path for one in ENDPOINTS if one.path.startswith(PROTOCOL)
        }
        assert set(published.values()) <= switched
        for path in switched - set(published.values()):
            assert (await browser.get(path)).status_code == 404, path
        described = {path.partition("/{")[0] for path in (await browser.get("/openapi.json")).json()["paths"]}
        assert switched & described == switched & set(published.values())


def test_every_feature_switches_something() -> None:
    mounted = {pages.feature for pages in PAGES}.union(*(endpoint.features for endpoint in ENDPOINTS))
    # These have no path of their own: the metadata, the grant types and the response types follow them.
    pathless = {
        *(Feature.ISSUER_IDENTIFICATION, Feature.IMPLICIT, Feature.CLIENT_ASSERTIONS, Feature.MUTUAL_TLS),
        *(Feature.DPOP, Feature.SIGNED_INTROSPECTION, Feature.CLAIMS_PARAMETER, Feature.FRONT_CHANNEL_ID_TOKENS),
        *(Feature.FORM_POST, Feature.BACKCHANNEL_LOGOUT, Feature.FRONTCHANNEL_LOGOUT),
        *(Feature.AUTHORIZATION_DETAILS, Feature.SIGNED_ANSWERS),
        *(Feature.REQUEST_OBJECTS, Feature.REQUEST_OBJECTS_BY_REFERENCE, Feature.CLIENT_DOCUMENTS),
    }
    # And these decide for which resources there are tokens.
    unpublished = {Feature.RESOURCE_INDICATORS, Feature.JWT_ACCESS_TOKENS}
    assert set(Feature) - mounted == (pathless | unpublished) - {Feature.RESOURCE_INDICATORS}
    apis = (Resource("https://api.example"), Resource("https://jwt.example", token_format="jwt"))
    for feature in pathless | unpublished | {grant.FEATURE for grant in GRANT_TYPES.values()}:
        on, off = FeatureSet(Feature), FeatureSet(set(Feature) - {feature})
        told = [
            document(ISSUER, features, REGISTRY, signing=("RS256",), details=("payment",)) for features in (on, off)
        ]
        assert told[0] != told[1] or [*offered(apis, on)] != [*offered(apis, off)], feature
