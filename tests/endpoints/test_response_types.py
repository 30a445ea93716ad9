"""What comes back through the browser: hybrid answers, ID tokens alone, nothing at all."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from joserfc import jwe
from joserfc import jwt as other_library
from joserfc.jwk import ECKey, KeySet
from sqlalchemy import func, select
from sqlmodel import col

from app.models import AccessToken, Application, GrantCode
from app.models.session_application import SessionApplication
from app.protocol.claims import ClaimsRegistry
from app.store import traces
from app.store.database import Database
from tests.endpoints.test_budgets import trips_of
from tests.support.front_channel import HYBRID, NO_CHALLENGE, asking, fragment_of, walk
from tests.support.history import entries_about
from tests.support.service import ISSUER, SECRET, Service, answer_of, redeem, service
from tests.support.signing import keep_keys

LEGACY: dict[str, Any] = {
    **HYBRID,
    "response_types": ("code token", "id_token token", "code id_token token"),
    "policy": {"allow_implicit": True},
}
SEALED = ECKey.generate_key("P-256", {"use": "enc", "alg": "ECDH-ES", "kid": "sealed-1"})


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A server that has every response type, and applications that registered them."""
    async with service(database, features={"implicit": True}) as running:
        await keep_keys(running.server)
        await running.user("robin")
        await running.user("sam")
        await running.application("web")
        await running.application("hybrid", **HYBRID)
        await running.application("legacy", **LEGACY)
        sealed = {"id_token_alg": "ES256", "id_token_encryption": ["ECDH-ES", "A128GCM"]}
        material = {"jwks": [SEALED.as_dict(private=False)]}
        await running.application("sealed", **{**HYBRID, "openid": sealed}, key_material=material)
        await running.application("unsealed", **{**HYBRID, "openid": sealed})
        pairwise = {"id_token_alg": "ES256", "sector": "client.example"}
        await running.application("pairwise", **{**HYBRID, "openid": pairwise})
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with site.browser() as fresh:
        yield fresh


async def read(browser: httpx.AsyncClient, token: str) -> dict[str, Any]:
    """Return the claims of an ID token that another library has verified with the published keys."""
    keys = KeySet.import_key_set((await browser.get("/oauth/jwks")).json())
    decoded = other_library.decode(token, keys, algorithms=["ES256"])
    claims: dict[str, Any] = decoded.claims
    return claims


def half(text: str) -> str:
    """Return the left half of the SHA-256 of a text, as hashes in ID tokens are."""
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:16]).rstrip(b"=").decode()


async def rows(site: Service, model: Any, client_id: str) -> int:
    """Count the rows of an application."""
    async with site.database.transaction() as transaction:
        of = select(col(Application.id)).where(col(Application.client_id) == client_id).scalar_subquery()
        counted = await transaction.execute(select(func.count()).where(col(model.application_id) == of))
        return int(counted.scalar_one())


async def outcome_of(site: Service, response: httpx.Response) -> tuple[str, str]:
    """Return how a request ended, and at which check, as operators read it."""
    await site.server.traces.flush()
    [trace] = await traces.find(site.database, response.headers["x-request-id"])
    return trace.outcome, trace.steps[-1].check


@pytest.mark.spec("standards", "RT-5")
@pytest.mark.spec("standards", "ID-3")
@pytest.mark.spec("standards", "ID-4")
@pytest.mark.spec("standards", "SR-2")
async def test_a_hybrid_answer_binds_its_code_and_the_state(site: Service, browser: httpx.AsyncClient) -> None:
    answer = fragment_of(await walk(browser, asking("hybrid", "id_token code", scope="openid email")))
    assert answer.keys() == {"code", "id_token", "state", "iss"}
    assert (answer["state"], answer["iss"]) == ("xyz", ISSUER)
    claims = await read(browser, answer["id_token"])
    assert (claims["iss"], claims["aud"], claims["nonce"]) == (ISSUER, "hybrid", "n-0S6")
    assert (claims["c_hash"], claims["s_hash"]) == (half(answer["code"]), half("xyz"))
    assert "at_hash" not in claims
    assert not claims.keys() & set(ClaimsRegistry().names), "what the code can fetch passes no browser"
    assert (claims["amr"], claims["acr"]) == (["pwd"], "urn:assent:acr:password")
    assert claims["sid"]

    bought = (await redeem(browser, "hybrid", answer["code"])).json()
    second = await read(browser, bought["id_token"])
    same = ("iss", "sub", "aud", "nonce", "auth_time", "sid", "acr", "amr")
    assert {name: second[name] for name in same} == {name: claims[name] for name in same}
    assert second["at_hash"] == half(bought["access_token"])


@pytest.mark.spec("standards", "UI-5")
@pytest.mark.spec("standards", "RT-5")
async def test_an_id_token_alone_carries_what_its_scopes_stand_for(site: Service, browser: httpx.AsyncClient) -> None:
    before = await rows(site, SessionApplication, "hybrid")
    answer = fragment_of(await walk(browser, asking("hybrid", "id_token", scope="openid email profile"), "sam"))
    assert answer.keys() == {"id_token", "state", "iss"}
    claims = await read(browser, answer["id_token"])
    assert (claims["email"], claims["preferred_username"]) == ("sam@example.com", "sam")
    assert not {"c_hash", "at_hash", "address"} & claims.keys()
    assert await rows(site, SessionApplication, "hybrid") == before + 1, "it will hear of the end of this session"


@pytest.mark.spec("standards", "UI-5")
async def test_beside_an_access_token_the_scopes_are_told_at_userinfo(browser: httpx.AsyncClient) -> None:
    answer = fragment_of(await walk(browser, asking("legacy", "id_token token", scope="openid email")))
    assert answer.keys() == {"access_token", "token_type", "expires_in", "scope", "id_token", "state", "iss"}
    claims = await read(browser, answer["id_token"])
    assert claims["at_hash"] == half(answer["access_token"])
    assert not {"email", "c_hash"} & claims.keys()


@pytest.mark.spec("standards", "UI-5")
@pytest.mark.spec("standards", "OC-13")
@pytest.mark.parametrize("response_type", ["id_token", "id_token token"])
async def test_claims_asked_for_one_by_one_come_with_the_only_id_token_there_is(
    browser: httpx.AsyncClient, response_type: str
) -> None:
    client_id = "legacy" if "token" in response_type.split() else "hybrid"
    asked = asking(client_id, response_type, claims='{"id_token": {"email": null, "nickname": null}}')
    claims = await read(browser, fragment_of(await walk(browser, asked))["id_token"])
    assert claims["email"] == "robin@example.com"
    assert not {"nickname", "preferred_username"} & claims.keys()


@pytest.mark.spec("standards", "RT-4")
@pytest.mark.spec("standards", "ID-4")
async def test_everything_at_once_vouches_for_code_and_token(site: Service, browser: httpx.AsyncClient) -> None:
    answer = fragment_of(await walk(browser, asking("legacy", "code id_token token", scope="openid project:read")))
    claims = await read(browser, answer["id_token"])
    assert (claims["c_hash"], claims["at_hash"]) == (half(answer["code"]), half(answer["access_token"]))
    seen = await browser.post("/oauth/introspect", data={"token": answer["access_token"]}, auth=("legacy", SECRET))
    assert (seen.json()["active"], seen.json()["sub"]) == (True, claims["sub"])
    assert (await redeem(browser, "legacy", answer["code"])).status_code == 200


@pytest.mark.spec("standards", "RT-4")
async def test_code_and_token_come_without_openid_too(browser: httpx.AsyncClient) -> None:
    asked = asking("legacy", "code token", scope="project:read", nonce=None)
    answer = fragment_of(await walk(browser, asked))
    assert answer.keys() == {"code", "access_token", "token_type", "expires_in", "scope", "state", "iss"}
    assert "id_token" not in (await redeem(browser, "legacy", answer["code"])).json()


@pytest.mark.spec("standards", "RT-2")
async def test_none_gives_nothing_out_and_remembers_what_was_allowed(site: Service, browser: httpx.AsyncClient) -> None:
    before = await rows(site, GrantCode, "hybrid"), await rows(site, AccessToken, "hybrid")
    answer = answer_of(await walk(browser, asking("hybrid", "none", scope="openid team:read")))
    assert answer == {"state": "xyz", "iss": ISSUER}
    assert (await rows(site, GrantCode, "hybrid"), await rows(site, AccessToken, "hybrid")) == before
    again = await browser.get(asking("hybrid", "code", scope="openid team:read", prompt="none"))
    assert "code" in answer_of(again), "it was allowed already"


@pytest.mark.spec("standards", "ID-7")
async def test_a_pairwise_subject_is_the_same_in_both_id_tokens_and_nobody_elses(browser: httpx.AsyncClient) -> None:
    public = fragment_of(await walk(browser, asking("hybrid", "code id_token")))
    for _ in range(2):
        answer = fragment_of(await walk(browser, asking("pairwise", "code id_token")))
        claims = await read(browser, answer["id_token"])
        second = await read(browser, (await redeem(browser, "pairwise", answer["code"])).json()["id_token"])
        assert claims["sub"] == second["sub"] != (await read(browser, public["id_token"]))["sub"]


@pytest.mark.spec("standards", "ID-6")
async def test_an_id_token_is_encrypted_for_whoever_registered_that(browser: httpx.AsyncClient) -> None:
    answer = fragment_of(await walk(browser, asking("sealed", "code id_token")))
    opened = jwe.decrypt_compact(answer["id_token"], SEALED)
    assert opened.protected["cty"] == "JWT"
    assert opened.plaintext is not None
    claims = await read(browser, opened.plaintext.decode())
    assert (claims["aud"], claims["c_hash"]) == ("sealed", half(answer["code"]))


async def test_what_cannot_be_encrypted_is_an_error_for_the_application_and_nothing_is_written(
    site: Service, browser: httpx.AsyncClient
) -> None:
    clicked = await walk(browser, asking("unsealed", "code id_token"))
    answer = fragment_of(clicked)
    assert await outcome_of(site, clicked) == ("refused: invalid_request", "answer")
    assert answer.keys() == {"error", "error_description", "state", "iss"}
    assert answer["error"] == "invalid_request"
    assert "encrypted" in answer["error_description"]
    assert await rows(site, GrantCode, "unsealed") == 0
    asked = await browser.get(asking("unsealed", "code id_token", prompt="none"))
    assert fragment_of(asked)["error"] == "consent_required"


async def test_without_consent_to_ask_for_the_error_travels_as_well(site: Service, browser: httpx.AsyncClient) -> None:
    await walk(browser, asking("unsealed", "code"))
    asked = await browser.get(asking("unsealed", "id_token", prompt="none"))
    assert "encrypted" in fragment_of(asked)["error_description"]
    assert await outcome_of(site, asked) == ("refused: invalid_request", "answer")


@pytest.mark.spec("standards", "RT-3")
@pytest.mark.spec("standards", "RT-5")
@pytest.mark.spec("standards", "A1.2 (6)")
@pytest.mark.spec("standards", "P-2")
@pytest.mark.parametrize(
    ("client_id", "changes", "error"),
    [
        ("hybrid", {"nonce": None}, "invalid_request"),
        ("hybrid", {"nonce": None, "response_type": "id_token", **NO_CHALLENGE}, "invalid_request"),
        ("hybrid", {"scope": "project:read"}, "invalid_request"),
        ("hybrid", {"scope": None, "response_type": "id_token", **NO_CHALLENGE}, "invalid_request"),
        ("hybrid", NO_CHALLENGE, "invalid_request"),
        ("web", {}, "unauthorized_client"),
        ("hybrid", {"response_type": "code id_token token"}, "unauthorized_client"),
        ("hybrid", {"prompt": "none"}, "login_required"),
    ],
    ids=["nonce of a hybrid", "nonce", "no openid", "no scope", "no challenge", "not registered", "token", "nobody"],
)
async def test_errors_come_back_the_way_that_success_would_have(
    browser: httpx.AsyncClient, client_id: str, changes: dict[str, Any], error: str
) -> None:
    answer = fragment_of(await browser.get(asking(client_id, "code id_token", **changes)))
    assert answer.keys() == {"error", "error_description", "state", "iss"}
    assert (answer["error"], answer["state"]) == (error, "xyz")


async def test_round_trips_of_each_answer(browser: httpx.AsyncClient) -> None:
    for response_type, expected in {
        "code": ["gather_authorize", "settle_authorization"],
        "code id_token": ["gather_authorize", "settle_authorization"],
        "none": ["gather_authorize", "settle_nothing"],
        "id_token": ["gather_authorize", "settle_nothing"],
    }.items():
        address = asking("hybrid", response_type)
        await walk(browser, address)
        assert await trips_of(browser.get(address), 303) == expected
    personal = asking("hybrid", "id_token", scope="openid email")
    await walk(browser, personal)
    assert await trips_of(browser.get(personal), 303) == ["gather_authorize", "gather_person", "settle_nothing"]
    both = asking("legacy", "code id_token token")
    await walk(browser, both)
    assert await trips_of(browser.get(both), 303) == ["gather_authorize", "settle_code_and_token"]


async def test_an_id_token_through_the_browser_is_in_the_trail(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("told", **HYBRID)
    await walk(browser, asking("told", "id_token"))
    [entry] = [one for one in await entries_about(site.database, "told") if one.event == "authorization.granted"]
    assert entry.data["id_token"] == "yes"
    assert "ey" not in str(entry.data.values())


async def test_openid_itself_cannot_be_left_out_of_what_is_allowed(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("choosy", **HYBRID, optional_scopes=("openid", "email"))
    answer = fragment_of(await walk(browser, asking("choosy", "id_token", scope="openid email")))
    claims = await read(browser, answer["id_token"])
    assert claims["sub"]
    assert "email" not in claims
