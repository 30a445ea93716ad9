"""POST /oauth/introspect with a JWT for an answer (RFC 9701), read by another library than the one that wrote it."""

import json
import warnings
from collections.abc import AsyncIterator
from functools import cache
from typing import Any

import httpx
import pytest
from joserfc import jwt as other_library
from joserfc.jwk import ECKey, KeySet, RSAKey

from app.crypto import jose
from app.protocol.client_assertion import TYPE as ASSERTION_TYPE
from app.store.database import Database
from tests.support.assertions import claims_of, key_of, key_set, signed
from tests.support.credentials import bearer
from tests.support.far_server import FarServer, answer, far_server
from tests.support.service import ISSUER, SECRET, Service, obtain_code, redeem, service
from tests.support.signing import keep_keys

MEDIA_TYPE = "application/token-introspection+jwt"
LEDGER = "https://ledger.example"
KEYS_AT = "/keys.json"


@cache
def encryption_key(kty: str) -> dict[str, Any]:
    """Return a private key of a resource server, for encryption to it."""
    key = RSAKey.generate_key(2048) if kty == "RSA" else ECKey.generate_key("P-256")
    return {**key.as_dict(private=True), "use": "enc", "kid": f"enc-{kty}"}


def public_part(jwk: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in jwk.items() if name not in jose.PRIVATE_MEMBERS}


@pytest.fixture(scope="module")
async def far() -> AsyncIterator[FarServer]:
    """Where a resource server keeps its keys."""
    async with far_server(None) as running:
        yield running


@pytest.fixture(scope="module")
async def site(database: Database, far: FarServer) -> AsyncIterator[Service]:
    """A server whose callers registered different forms of the answer."""
    settings: dict[str, Any] = {
        "resources": {LEDGER: {"token_format": "jwt", "introspection_clients": ["api"]}},
        "outbound": {"allow": [f"127.0.0.1:{far.port}"]},
        "signing": {"algorithms": ["ES256", "RS256"]},
    }
    callers: dict[str, dict[str, Any]] = {
        "api": {},
        "es256": {"introspection_signing_alg": "ES256"},
        "ps256": {"introspection_signing_alg": "PS256"},
        "oaep": {
            "introspection_encryption_alg": "RSA-OAEP-256",
            "jwks": [*key_set(key_of("oaep"))["keys"], public_part(encryption_key("RSA"))],
        },
        "ecdh": {
            "introspection_signing_alg": "ES256",
            "introspection_encryption_alg": "ECDH-ES",
            "introspection_encryption_enc": "A256GCM",
            "jwks_uri": f"http://127.0.0.1:{far.port}{KEYS_AT}",
        },
        "unfit": {
            "introspection_encryption_alg": "RSA-OAEP-256",
            "jwks": [*key_set(key_of("unfit"))["keys"], public_part(encryption_key("EC"))],
        },
        "lost": {
            "introspection_encryption_alg": "RSA-OAEP-256",
            "jwks_uri": f"http://127.0.0.1:{far.port}/nothing-there",
        },
    }
    far.says = answer(json.dumps({"keys": [public_part(encryption_key("EC"))]}).encode())
    async with service(database, **settings) as running:
        await keep_keys(running.server)
        await running.user("robin")
        await running.application("web")
        await running.application("spa", auth_method="none", kind="browser")
        for name, material in callers.items():
            await running.application(name, kind="machine", grant_types=(), response_types=(), key_material=material)
        await running.application(
            "by-key", auth_method="private_key_jwt", key_material={"jwks": key_set(key_of("by-key"))["keys"]}
        )
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with site.browser() as fresh:
        yield fresh


async def ask(
    browser: httpx.AsyncClient, token: str, caller: str = "api", *, accept: str = MEDIA_TYPE, **form: str
) -> httpx.Response:
    """Ask as a resource server does."""
    return await browser.post(
        "/oauth/introspect", data={"token": token, **form}, auth=(caller, SECRET), headers={"Accept": accept}
    )


async def bought(browser: httpx.AsyncClient, **changes: str) -> str:
    code = await obtain_code(browser, "web", "robin", **changes)
    token: str = (await redeem(browser, "web", code)).json()["access_token"]
    return token


async def read(browser: httpx.AsyncClient, text: str, alg: str = "RS256") -> tuple[dict[str, Any], dict[str, Any]]:
    """Check a JWT with the published keys alone; return header and claims."""
    keys = KeySet.import_key_set((await browser.get("/oauth/jwks")).json())
    checked = other_library.decode(text, keys, algorithms=[alg])
    return checked.header, checked.claims


def opened(text: str, key: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Decrypt by a third library, since ours is the second one here; return header and content."""
    with warnings.catch_warnings(record=True):  # it recommends ours
        from authlib.jose import JsonWebEncryption, JsonWebKey

    decrypted = JsonWebEncryption().deserialize_compact(text, JsonWebKey.import_key(key))
    return decrypted["header"], decrypted["payload"].decode()


@pytest.mark.spec("standards", "IN-9")
@pytest.mark.spec("standards", "IN-11")
@pytest.mark.spec("standards", "IN-12")
@pytest.mark.spec("standards", "HD-7")
async def test_the_answer_is_a_jwt_for_the_caller_with_the_plain_answer_inside(
    site: Service, browser: httpx.AsyncClient
) -> None:
    token = await bought(browser)
    plain = (await ask(browser, token, accept="application/json")).json()
    answered = await ask(browser, token)
    assert (answered.status_code, answered.headers["content-type"]) == (200, MEDIA_TYPE)
    assert answered.headers["cache-control"] == "no-store"
    header, claims = await read(browser, answered.text)
    assert (header["typ"], header["alg"]) == ("token-introspection+jwt", "RS256")
    assert claims == {
        "iss": ISSUER,
        "aud": "api",
        "iat": int(site.clock().timestamp()),
        "token_introspection": plain,
    }
    assert plain["active"] is True


@pytest.mark.spec("standards", "IN-9")
async def test_what_is_not_active_is_told_inside_and_nothing_else_is(site: Service, browser: httpx.AsyncClient) -> None:
    token = await bought(browser, resource=LEDGER)
    for text, caller in ((token, "es256"), ("garbage", "api"), ("asat_" + "A" * 70, "api")):
        answered = await ask(browser, text, caller)
        _, claims = await read(browser, answered.text, "ES256" if caller == "es256" else "RS256")
        assert claims == {
            "iss": ISSUER,
            "aud": caller,
            "iat": int(site.clock().timestamp()),
            "token_introspection": {"active": False},
        }


@pytest.mark.spec("standards", "IN-9")
@pytest.mark.parametrize(
    "accept", ["*/*", "application/json", f"{MEDIA_TYPE};q=0", f"application/json, {MEDIA_TYPE};q=0.5"]
)
async def test_whoever_does_not_ask_for_a_jwt_gets_json(browser: httpx.AsyncClient, accept: str) -> None:
    answered = await ask(browser, "garbage", accept=accept)
    assert (answered.headers["content-type"], answered.json()) == ("application/json", {"active": False})


@pytest.mark.spec("standards", "IN-11")
async def test_the_registered_algorithm_signs(browser: httpx.AsyncClient) -> None:
    header, claims = await read(browser, (await ask(browser, "garbage", "es256")).text, "ES256")
    assert (header["alg"], claims["aud"]) == ("ES256", "es256")


@pytest.mark.spec("standards", "IN-11")
async def test_an_algorithm_that_is_none_of_the_server_s_is_named_and_nothing_is_signed_otherwise(
    browser: httpx.AsyncClient,
) -> None:
    refused = await ask(browser, "garbage", "ps256")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    assert "PS256" in refused.json()["error_description"]
    assert (await ask(browser, "garbage", "ps256", accept="*/*")).json() == {"active": False}


@pytest.mark.spec("standards", "IN-11")
@pytest.mark.parametrize(
    ("caller", "alg", "enc", "key", "inner"),
    [
        ("oaep", "RSA-OAEP-256", "A128CBC-HS256", encryption_key("RSA"), "RS256"),
        ("ecdh", "ECDH-ES", "A256GCM", encryption_key("EC"), "ES256"),
    ],
    ids=["RSA, key registered, default content encryption", "EC, key fetched"],
)
async def test_an_answer_is_encrypted_for_whoever_registered_that(
    browser: httpx.AsyncClient, caller: str, alg: str, enc: str, key: dict[str, Any], inner: str
) -> None:
    token = await bought(browser)
    answered = await ask(browser, token, caller)
    assert answered.headers["content-type"] == MEDIA_TYPE
    assert token not in answered.text
    assert answered.text.count(".") == 4
    outer, content = opened(answered.text, key)
    assert (outer["alg"], outer["enc"], outer["cty"], outer["kid"]) == (alg, enc, "JWT", key["kid"])
    header, claims = await read(browser, content, inner)
    assert (header["typ"], claims["aud"]) == ("token-introspection+jwt", caller)
    assert claims["token_introspection"]["active"] is True


@pytest.mark.spec("standards", "IN-11")
@pytest.mark.parametrize(
    ("caller", "status", "error"),
    [("unfit", 400, "invalid_request"), ("lost", 503, "temporarily_unavailable")],
    ids=["no key for it", "keys that cannot be had"],
)
async def test_what_cannot_be_encrypted_as_registered_does_not_leave_at_all(
    far: FarServer, browser: httpx.AsyncClient, caller: str, status: int, error: str
) -> None:
    said, far.says = far.says, answer(status="404 Not Found")
    try:
        refused = await ask(browser, await bought(browser), caller)
    finally:
        far.says = said
    assert (refused.status_code, refused.json()["error"]) == (status, error)
    assert "active" not in refused.text


@pytest.mark.spec("standards", "IN-10")
@pytest.mark.parametrize("form", [{}, {"client_id": "spa"}, {"client_id": "api"}, {"client_id": "nobody"}])
async def test_asking_for_a_jwt_without_authentication_is_an_invalid_request(
    browser: httpx.AsyncClient, form: dict[str, str]
) -> None:
    asked = {"token": await bought(browser), **form}
    refused = await browser.post("/oauth/introspect", data=asked, headers={"Accept": MEDIA_TYPE})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    plain = await browser.post("/oauth/introspect", data=asked)
    assert (plain.status_code, plain.json()["error"]) == (401, "invalid_client")


@pytest.mark.spec("standards", "IN-10")
@pytest.mark.spec("standards", "IN-2")
async def test_a_wrong_secret_is_a_failed_authentication_in_either_form(browser: httpx.AsyncClient) -> None:
    for accept in (MEDIA_TYPE, "application/json"):
        refused = await browser.post(
            "/oauth/introspect", data={"token": "x"}, auth=("api", "wrong"), headers={"Accept": accept}
        )
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
        assert refused.headers["content-type"] == "application/json"


@pytest.mark.spec("standards", "IN-9")
async def test_a_caller_that_proves_itself_with_a_key_gets_one_too(site: Service, browser: httpx.AsyncClient) -> None:
    assertion = signed(claims_of("by-key", ISSUER, site.clock()), key_of("by-key"))
    asked = {"token": "x", "client_assertion": assertion, "client_assertion_type": ASSERTION_TYPE}
    answered = await browser.post("/oauth/introspect", data=asked, headers={"Accept": MEDIA_TYPE})
    _, claims = await read(browser, answered.text)
    assert claims["aud"] == "by-key"


@pytest.mark.spec("standards", "IN-12")
@pytest.mark.spec("standards", "JV-3")
async def test_such_a_jwt_is_no_token_anywhere(site: Service, browser: httpx.AsyncClient) -> None:
    token = await bought(browser, resource=LEDGER)
    text = (await ask(browser, token)).text
    _, claims = await read(browser, text)
    assert claims["token_introspection"]["active"] is True
    assert (await ask(browser, text, accept="*/*")).json() == {"active": False}
    for path in ("/api/v1/", "/api/v1/me"):
        assert (await browser.get(path, headers=bearer(text))).status_code == 401
    gone = await browser.post("/oauth/revoke", data={"token": text}, auth=("web", SECRET))
    assert (gone.status_code, gone.content) == (200, b"")
    assert (await ask(browser, token, accept="*/*")).json()["active"]
    exchange = "urn:ietf:params:oauth:grant-type:token-exchange"
    await site.application("exchanger", kind="machine", grant_types=(exchange,))
    for kind in ("access_token", "jwt"):
        asked = {
            "grant_type": exchange,
            "subject_token": text,
            "subject_token_type": f"urn:ietf:params:oauth:token-type:{kind}",
        }
        refused = await browser.post("/oauth/token", data=asked, auth=("exchanger", SECRET))
        assert refused.status_code == 400
        assert "access_token" not in refused.json()
    asked = {"token": token, "client_assertion": text, "client_assertion_type": ASSERTION_TYPE}
    assert (await browser.post("/oauth/introspect", data=asked)).status_code == 401


@pytest.mark.spec("standards", "IN-9")
async def test_without_the_feature_the_answer_is_json_and_nothing_says_otherwise(
    site: Service, database: Database
) -> None:
    async with service(database, features={"signed_introspection": False}) as running, running.browser() as browser:
        assert (await ask(browser, "x")).json() == {"active": False}
        unauthenticated = await browser.post("/oauth/introspect", data={"token": "x"}, headers={"Accept": MEDIA_TYPE})
        assert unauthenticated.status_code == 401
        document = (await browser.get("/.well-known/oauth-authorization-server")).json()
        assert not [name for name in document if name.startswith(("introspection_signing", "introspection_enc"))]
