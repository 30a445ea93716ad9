"""Client assertions at the wire: the same at every endpoint that has clients (standards B1)."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization

from app.crypto import jose, jose_keys
from app.protocol import client_auth
from app.store.database import Database
from app.store.hot_connection import counting_trips
from tests.endpoints.test_budgets import remembering
from tests.support.assertions import claims_of, form, key_of, key_set, maced, register, signed, unsigned
from tests.support.far_server import FarServer, Trust, answer, far_server, trust
from tests.support.service import ISSUER, Service, service

TOKEN = f"{ISSUER}/oauth/token"
ENDPOINTS: dict[str, dict[str, str]] = {
    "/oauth/token": {"grant_type": "client_credentials"},
    "/oauth/introspect": {"token": "nothing"},
    "/oauth/revoke": {"token": "nothing"},
    "/oauth/device_authorization": {"scope": "project:read"},
}
GRANTS = ["client_credentials", "urn:ietf:params:oauth:grant-type:device_code"]
SIGNING: dict[str, Any] = {"token_endpoint_auth_method": "private_key_jwt", "grant_types": GRANTS}
everywhere = pytest.mark.parametrize("path", ENDPOINTS)


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return trust(tmp_path_factory.mktemp("far"), "127.0.0.1")


@pytest.fixture(scope="module")
async def far(trusted: Trust) -> AsyncIterator[FarServer]:
    """The website of an application, which publishes its keys."""
    async with far_server(trusted.context) as running:
        yield running


@pytest.fixture(scope="module")
async def site(database: Database, trusted: Trust, far: FarServer) -> AsyncIterator[Service]:
    outbound = {"allow": [f"127.0.0.1:{far.port}"], "ca_file": trusted.ca_file}
    async with service(database, outbound=outbound) as running:
        keys = key_set(key_of("signer"), key_of("signer", "RS256"))
        await register(running, client_id="signer", jwks=keys, **SIGNING)
        await register(running, client_id="other", jwks=key_set(key_of("other")), **SIGNING)
        await register(running, client_id="web", grant_types=GRANTS)
        strict = {
            "profile": "fapi2",
            "jwks": key_set(key_of("strict")),
            "token_endpoint_auth_method": "private_key_jwt",
        }
        await register(running, client_id="strict", **strict)
        yield running


def assertion(site: Service, client_id: str = "signer", audience: object = ISSUER, **changes: Any) -> str:
    key = changes.pop("key", None) or key_of(client_id)
    header = changes.pop("header", {})
    return signed(claims_of(client_id, audience, site.clock(), **changes), key, **header)


async def ask(browser: httpx.AsyncClient, text: str, path: str = "/oauth/token", **parameters: str) -> httpx.Response:
    return await browser.post(path, data=form(text, **ENDPOINTS[path], **parameters))


async def refused(answered: httpx.Response) -> str:
    assert (answered.status_code, answered.headers["cache-control"]) == (401, "no-store"), answered.text
    assert answered.json()["error"] == "invalid_client"
    description: str = answered.json()["error_description"]
    return description


@everywhere
@pytest.mark.spec("standards", "CA-1")
@pytest.mark.spec("standards", "CA-2")
@pytest.mark.spec("standards", "CA-4")
@pytest.mark.spec("standards", "BC-7")
async def test_an_assertion_opens_every_endpoint(site: Service, browser: httpx.AsyncClient, path: str) -> None:
    for parameters in ({}, {"client_id": "signer"}):
        for key in (key_of("signer"), key_of("signer", "RS256")):
            answered = await ask(browser, assertion(site, key=key), path, **parameters)
            assert answered.status_code == 200, answered.text


@everywhere
@pytest.mark.spec("standards", "CA-2")
@pytest.mark.spec("standards", "CA-7")
async def test_an_assertion_counts_once_at_all_endpoints_together(
    site: Service, browser: httpx.AsyncClient, path: str
) -> None:
    text = assertion(site)
    assert (await ask(browser, text, path)).status_code == 200
    for again in ENDPOINTS:
        assert "used before" in await refused(await ask(browser, text, again))
    site.clock.forward(90)
    assert "used before" in await refused(await ask(browser, text, path))
    site.clock.forward(31)
    assert "expired" in await refused(await ask(browser, text, path))


@pytest.mark.spec("standards", "CA-7")
async def test_a_jti_counts_once_whatever_else_an_assertion_says(site: Service, browser: httpx.AsyncClient) -> None:
    assert (await ask(browser, assertion(site, jti="one"))).status_code == 200
    now = int(site.clock().timestamp())
    for changes in ({"iat": now - 1}, {"exp": now + 3000}, {"audience": TOKEN}, {"extra": True}):
        assert "used before" in await refused(await ask(browser, assertion(site, jti="one", **changes)))
    assert (await ask(browser, assertion(site, "other", jti="one"))).status_code == 200


@pytest.mark.spec("standards", "CA-7")
async def test_an_assertion_that_proved_nothing_uses_nothing_up(site: Service, browser: httpx.AsyncClient) -> None:
    forged = assertion(site, jti="hers", key=key_of("mallory"), header={"kid": key_of("signer")["kid"]})
    await refused(await ask(browser, forged))
    assert (await ask(browser, assertion(site, jti="hers"))).status_code == 200


_RSA = jose.public_part(key_of("signer", "RS256"))
JWK = json.dumps(_RSA).encode()
PEM: bytes = jose_keys.public_key(_RSA).public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)

ATTACKS: dict[str, Any] = {
    "unknown client": lambda site: assertion(site, "nobody"),
    "a key of another client": lambda site: assertion(site, key=key_of("other")),
    "a key of another client under its own kid": lambda site: assertion(
        site, key=key_of("other"), header={"kid": key_of("signer")["kid"]}
    ),
    "the name of another client": lambda site: assertion(site, "other", key=key_of("signer")),
    "a client that has a secret": lambda site: assertion(site, "web", key=key_of("signer")),
    "a public client's name": lambda site: assertion(site, "spa", key=key_of("signer")),
    "a key that came along": lambda site: assertion(
        site, key=key_of("mallory"), header={"jwk": jose.public_part(key_of("mallory"))}
    ),
    "keys elsewhere": lambda site: assertion(
        site, key=key_of("mallory"), header={"jku": "https://mallory.example/jwks", "x5u": "https://mallory.example/x"}
    ),
    "a kid that is a path": lambda site: assertion(site, key=key_of("mallory"), header={"kid": "../../dev/null"}),
    "a kid that is a statement": lambda site: assertion(site, key=key_of("mallory"), header={"kid": "x' or '1'='1"}),
    "none": lambda site: unsigned(claims_of("signer", ISSUER, site.clock())),
    "the public key as a secret": lambda site: maced(claims_of("signer", ISSUER, site.clock()), PEM),
    "the public key as a secret, named": lambda site: maced(
        claims_of("signer", ISSUER, site.clock()), JWK, kid=key_of("signer", "RS256")["kid"]
    ),
    "an algorithm nobody has": lambda site: unsigned(claims_of("signer", ISSUER, site.clock())).replace(
        unsigned({}).split(".")[0], "eyJhbGciOiJSUzEifQ"
    ),
}


@everywhere
@pytest.mark.spec("standards", "CA-2")
@pytest.mark.spec("standards", "CA-10")
@pytest.mark.spec("standards", "JV-1")
@pytest.mark.spec("standards", "JV-2")
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
async def test_every_attack_has_the_answer_of_an_unknown_client(
    site: Service, browser: httpx.AsyncClient, path: str, attack: Any
) -> None:
    answered = await ask(browser, attack(site), path)
    assert await refused(answered) == client_auth.FAILED
    assert "www-authenticate" not in answered.headers


@everywhere
@pytest.mark.spec("standards", "CA-5")
@pytest.mark.spec("standards", "CA-2")
@pytest.mark.spec("standards", "O-10")
async def test_the_audience_is_the_issuer_or_an_endpoint_of_ours_by_configuration(
    site: Service, browser: httpx.AsyncClient, path: str
) -> None:
    for ours in (ISSUER, TOKEN, ISSUER + path, [ISSUER]):
        assert (await ask(browser, assertion(site, audience=ours), path)).status_code == 200
    elsewhere = next(other for other in ENDPOINTS if other not in (path, "/oauth/token"))
    strangers: tuple[object, ...] = (
        *("https://other.example", "https://other.example/oauth/token", f"{ISSUER}/", f"{TOKEN}/", ISSUER + elsewhere),
        *([ISSUER, "https://other.example"], [ISSUER, TOKEN], [], None),
    )
    for audience in strangers:
        assert "client assertion" in await refused(await ask(browser, assertion(site, audience=audience), path))


@pytest.mark.spec("standards", "CA-5")
async def test_no_header_has_a_say_in_the_audience(site: Service, browser: httpx.AsyncClient) -> None:
    spoofed = {"host": "evil.example", "x-forwarded-host": "evil.example", "forwarded": "host=evil.example"}
    for audience in ("https://evil.example", "https://evil.example/oauth/token"):
        data = form(assertion(site, audience=audience), **ENDPOINTS["/oauth/token"])
        await refused(await browser.post("/oauth/token", data=data, headers=spoofed))
    data = form(assertion(site, audience=TOKEN), **ENDPOINTS["/oauth/token"])
    assert (await browser.post("/oauth/token", data=data, headers=spoofed)).status_code == 200


@pytest.mark.spec("standards", "T-4")
@pytest.mark.spec("standards", "CA-1")
@pytest.mark.parametrize("second", ["basic", "secret", "secret and client_id"])
@everywhere
async def test_two_methods_at_once_are_a_malformed_request(
    site: Service, browser: httpx.AsyncClient, path: str, second: str
) -> None:
    data = form(assertion(site), **ENDPOINTS[path])
    if second != "basic":
        data["client_secret"] = "hunter2"
    if second.endswith("client_id"):
        data["client_id"] = "signer"
    headers = {"authorization": f"Basic {b64encode(b'signer:hunter2').decode()}"} if second == "basic" else {}
    answered = await browser.post(path, data=data, headers=headers)
    assert (answered.status_code, answered.json()["error"]) == (400, "invalid_request")


@everywhere
@pytest.mark.spec("standards", "CA-1")
@pytest.mark.spec("standards", "T-3")
async def test_who_registered_keys_gets_in_with_nothing_else(browser: httpx.AsyncClient, path: str) -> None:
    data = ENDPOINTS[path]
    for answered in (
        await browser.post(path, data=data | {"client_id": "signer"}),
        await browser.post(path, data=data | {"client_id": "signer", "client_secret": "x"}),
        await browser.post(path, data=data, auth=("signer", "x")),
        await browser.post(path, data=data, auth=("signer", "")),
    ):
        assert await refused(answered) == client_auth.FAILED


@pytest.mark.spec("standards", "CA-5")
@pytest.mark.spec("standards", "CA-7")
@pytest.mark.spec("standards", "O-10")
async def test_a_strict_application_names_the_issuer_alone_and_lives_five_minutes(
    site: Service, browser: httpx.AsyncClient
) -> None:
    later = int(site.clock().timestamp()) + 400
    for changes in ({"audience": TOKEN}, {"audience": [ISSUER]}, {"exp": later}):
        description = await refused(await ask(browser, assertion(site, "strict", **changes)))
        assert description != client_auth.FAILED
        forged = assertion(site, "strict", key=key_of("mallory"), **changes)
        assert await refused(await ask(browser, forged)) == client_auth.FAILED
    answered = await ask(browser, assertion(site, "strict"))
    assert answered.json()["error"] == "invalid_dpop_proof", "it is in, and its tokens are to be bound (F-4)"


@pytest.mark.spec("standards", "CA-10")
async def test_form_is_judged_before_anything_is_looked_up(site: Service, browser: httpx.AsyncClient) -> None:
    for client_id in ("signer", "nobody"):
        with counting_trips() as trips:
            text = assertion(site, client_id, audience="https://other.example", key=key_of("signer"))
            await refused(await ask(browser, text))
        assert trips == []


@pytest.mark.spec("standards", "CA-10")
async def test_an_unknown_client_costs_the_same_trips_as_a_wrong_key(site: Service, browser: httpx.AsyncClient) -> None:
    spent: list[list[str]] = []
    for client_id in ("signer", "nobody", "web"):
        with counting_trips() as trips:
            await refused(await ask(browser, assertion(site, client_id, key=key_of("mallory"))))
        spent.append(trips)
    assert spent[0] == spent[1] == spent[2] == ["gather_client", "gather_client"]


@pytest.mark.spec("standards", "CA-7")
async def test_an_assertion_costs_one_trip_more(site: Service, browser: httpx.AsyncClient) -> None:
    expected = {
        "/oauth/token": ["note_assertion", "settle_machine_token"],
        "/oauth/introspect": ["gather_client", "note_assertion"],
        "/oauth/revoke": ["gather_client", "note_assertion"],
    }
    with remembering(site.database.applications):
        await ask(browser, assertion(site))
        for path, statements in expected.items():
            with counting_trips() as trips:
                assert (await ask(browser, assertion(site), path)).status_code == 200
            assert [trip for trip in trips if trip != "find_legacy"] == statements


async def test_a_feature_that_is_off_is_no_method(database: Database, browser: httpx.AsyncClient) -> None:
    async with service(database, features={"client_assertions": False}) as without:
        await register(without, client_id="keyed", jwks=key_set(key_of("keyed")), **SIGNING)
        async with without.browser() as visitor:
            assert await refused(await ask(visitor, assertion(without, "keyed"))) == client_auth.FAILED


MACS: dict[str, Any] = {"token_endpoint_auth_method": "client_secret_jwt", "grant_types": GRANTS}


@everywhere
@pytest.mark.spec("standards", "CA-2")
@pytest.mark.spec("standards", "CA-3")
async def test_the_secret_of_who_makes_macs_is_sealed_and_counts(
    site: Service, browser: httpx.AsyncClient, path: str
) -> None:
    secret = await register(site, client_id=f"mac{path}", **MACS)
    assert secret is not None
    client_id = f"mac{path}"
    for alg in ("HS256", "HS384", "HS512"):
        text = maced(claims_of(client_id, ISSUER, site.clock()), secret.encode(), alg)
        answered = await ask(browser, text, path)
        assert answered.status_code == 200, answered.text
        assert "used before" in await refused(await ask(browser, text, path))
    wrong = maced(claims_of(client_id, ISSUER, site.clock()), b"x" * 64)
    assert await refused(await ask(browser, wrong, path)) == client_auth.FAILED
    for shown in (
        await browser.post(path, data=ENDPOINTS[path], auth=(client_id, secret)),
        await browser.post(path, data=ENDPOINTS[path] | {"client_id": client_id, "client_secret": secret}),
    ):
        assert await refused(shown) == client_auth.FAILED


def publish(far: FarServer, *keys: dict[str, Any]) -> None:
    far.says = answer(json.dumps(key_set(*keys)).encode())


async def test_keys_that_are_published_are_fetched_kept_and_fetched_again_for_a_new_one(
    site: Service, browser: httpx.AsyncClient, far: FarServer
) -> None:
    old, new = key_of("far"), key_of("far, later")
    publish(far, old)
    uri = f"https://127.0.0.1:{far.port}/jwks.json"
    await register(site, client_id="far", jwks_uri=uri, **SIGNING)
    for _ in range(3):
        assert (await ask(browser, assertion(site, "far", key=old))).status_code == 200
    assert len(far.requests) == 1
    publish(far, old, new)
    site.clock.forward(31)
    assert (await ask(browser, assertion(site, "far", key=new))).status_code == 200
    assert (await ask(browser, assertion(site, "far", key=old))).status_code == 200
    assert len(far.requests) == 2
    publish(far, new)
    site.clock.forward(3601)
    assert (await ask(browser, assertion(site, "far", key=new))).status_code == 200
    assert await refused(await ask(browser, assertion(site, "far", key=old))) == client_auth.FAILED


@pytest.mark.spec("standards", "CA-10")
async def test_nothing_is_fetched_for_an_assertion_that_could_not_count(
    site: Service, browser: httpx.AsyncClient, far: FarServer
) -> None:
    uri = f"https://127.0.0.1:{far.port}/never.json"
    await register(site, client_id="unasked", jwks_uri=uri, **SIGNING)
    before = len(far.requests)
    for changes in ({"audience": "https://other.example"}, {"exp": 1}, {"jti": None}, {"header": {"typ": "at+jwt"}}):
        await refused(await ask(browser, assertion(site, "unasked", **changes)))
    await refused(await browser.post("/oauth/token", data=ENDPOINTS["/oauth/token"] | {"client_id": "unasked"}))
    await refused(await browser.post("/oauth/token", data=ENDPOINTS["/oauth/token"], auth=("unasked", "x")))
    await refused(await ask(browser, maced(claims_of("unasked", ISSUER, site.clock()), b"x" * 64)))
    assert len(far.requests) == before


@pytest.mark.spec("standards", "CA-10")
@pytest.mark.spec("standards", "JV-2")
async def test_keys_that_cannot_be_had_prove_nothing_and_say_nothing(
    site: Service, browser: httpx.AsyncClient, far: FarServer
) -> None:
    for place, says in enumerate(
        (answer(b"no keys"), answer(status="500 Broken"), answer(b'{"keys":[{"kty":"oct"}]}'))
    ):
        far.says = says
        client_id = f"broken{place}"
        await register(site, client_id=client_id, jwks_uri=f"https://127.0.0.1:{far.port}/{client_id}", **SIGNING)
        assert await refused(await ask(browser, assertion(site, client_id))) == client_auth.FAILED
