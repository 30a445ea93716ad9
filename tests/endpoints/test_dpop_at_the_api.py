"""The server's own API as a resource for bound tokens (RFC 9449 §7; RFC 8705 §3; standards DP-14)."""

import re
from typing import Any

import httpx
import pytest

from app.protocol import dpop_nonce
from app.store.database import Database
from tests.endpoints.test_budgets import trips_of
from tests.support.credentials import api_key, personal_token
from tests.support.dpop import Holder
from tests.support.facts import VERIFIER
from tests.support.membership import found
from tests.support.service import ISSUER, KEYS, REDIRECT_URI, Service, obtain_code, service

ME = f"{ISSUER}/api/v1/me"
HOLDER, THIEF = Holder(), Holder()


def proof(site: Service, token: str | None, holder: Holder = HOLDER, url: str = ME, **claims: Any) -> str:
    return holder.proof(claims.pop("method", "GET"), url, at=site.clock(), token=token, **claims)


async def token_of(site: Service, browser: httpx.AsyncClient, *, bound: bool = True, **changes: str) -> str:
    """Return an access token of `robin`'s, bound to the key of `HOLDER`."""
    data = {
        "grant_type": "authorization_code",
        "client_id": "spa",
        "code": await obtain_code(browser, "spa", "robin", **changes),
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
    }
    headers = {"dpop": HOLDER.proof("POST", f"{ISSUER}/oauth/token", at=site.clock())} if bound else {}
    answer = await browser.post("/oauth/token", data=data, headers=headers)
    assert answer.status_code == 200, answer.text
    value: str = answer.json()["access_token"]
    return value


async def call(
    site: Service, token: str, *proofs: str, scheme: str = "DPoP", path: str = "/api/v1/me", **options: Any
) -> httpx.Response:
    """Call the API without cookies."""
    headers = [("authorization", f"{scheme} {token}"), *(("dpop", one) for one in proofs)]
    async with site.browser() as script:
        return await script.request(options.pop("method", "GET"), path, headers=headers, **options)


def challenge(answer: httpx.Response) -> dict[str, str]:
    """Return scheme and attributes of the one challenge of a refusal."""
    assert answer.status_code == 401, answer.text
    [value] = answer.headers.get_list("www-authenticate")
    scheme, _, rest = value.partition(" ")
    attributes = re.findall(r'(\w+)="([^"]*)"', rest)
    assert len(dict(attributes)) == len(attributes)
    return {"scheme": scheme, **dict(attributes)}


@pytest.mark.spec("standards", "DP-14")
@pytest.mark.parametrize("scheme", ["DPoP", "dpop"])
async def test_a_bound_token_opens_with_a_proof(site: Service, browser: httpx.AsyncClient, scheme: str) -> None:
    token = await token_of(site, browser)
    answer = await call(site, token, proof(site, token), scheme=scheme)
    assert answer.status_code == 200
    assert answer.json()["username"] == "robin"
    assert "dpop-nonce" not in answer.headers


@pytest.mark.spec("standards", "DP-14")
@pytest.mark.spec("standards", "DP-1")
@pytest.mark.spec("standards", "BC-4")
@pytest.mark.spec("standards", "BC-15")
async def test_a_bound_token_sent_as_bearer_is_refused(site: Service, browser: httpx.AsyncClient) -> None:
    token = await token_of(site, browser)
    for proofs in ((), (proof(site, token),)):
        told = challenge(await call(site, token, *proofs, scheme="Bearer"))
        assert (told["scheme"], told["error"]) == ("DPoP", "invalid_token")
        assert told["algs"] == "ES256 ES384 EdDSA Ed25519 PS256 RS256"


@pytest.mark.spec("standards", "DP-14")
async def test_a_token_that_is_not_bound_does_not_open_with_a_proof(site: Service, browser: httpx.AsyncClient) -> None:
    token = await token_of(site, browser, bound=False)
    told = challenge(await call(site, token, proof(site, token)))
    assert (told["scheme"], told["error"]) == ("Bearer", "invalid_token")
    assert (await call(site, token, scheme="Bearer")).status_code == 200


@pytest.mark.spec("standards", "DP-1")
@pytest.mark.spec("standards", "DP-14")
@pytest.mark.parametrize(
    ("holder", "claims", "error"),
    [
        (None, {}, "invalid_dpop_proof"),
        (THIEF, {}, "invalid_token"),
        (HOLDER, {"method": "POST"}, "invalid_dpop_proof"),
        (HOLDER, {"url": f"{ISSUER}/api/v1/"}, "invalid_dpop_proof"),
        (HOLDER, {"url": "https://evil.example/api/v1/me"}, "invalid_dpop_proof"),
        (HOLDER, {"ath": None}, "invalid_dpop_proof"),
        (HOLDER, {"ath": "A" * 43}, "invalid_dpop_proof"),
        (HOLDER, {"iat": 0}, "invalid_dpop_proof"),
        (HOLDER, {"nonce": "invented"}, "use_dpop_nonce"),
    ],
    ids=str,
)
async def test_a_proof_that_is_missing_or_for_something_else_does_not_open(
    site: Service, browser: httpx.AsyncClient, holder: Holder | None, claims: dict[str, Any], error: str
) -> None:
    token = await token_of(site, browser)
    proofs = () if holder is None else (proof(site, token, holder, **claims),)
    answer = await call(site, token, *proofs)
    told = challenge(answer)
    assert (told["scheme"], told["error"]) == ("DPoP", error)
    assert "algs" in told
    assert answer.headers["cache-control"] == "no-store"
    assert len(answer.headers.get_list("dpop-nonce")) == (error == "use_dpop_nonce")
    assert token not in answer.text


@pytest.mark.spec("standards", "DP-14")
async def test_a_proof_for_another_token_does_not_open(site: Service, browser: httpx.AsyncClient) -> None:
    token, other = await token_of(site, browser), await token_of(site, browser)
    assert challenge(await call(site, token, proof(site, other)))["error"] == "invalid_dpop_proof"


@pytest.mark.spec("standards", "DP-1")
async def test_two_proofs_are_one_too_many(site: Service, browser: httpx.AsyncClient) -> None:
    token = await token_of(site, browser)
    answer = await call(site, token, proof(site, token), proof(site, token))
    assert challenge(answer)["error"] == "invalid_dpop_proof"


@pytest.mark.spec("standards", "DP-6")
async def test_a_proof_opens_once_and_a_refused_request_burns_none(site: Service, browser: httpx.AsyncClient) -> None:
    token = await token_of(site, browser)
    same = proof(site, token)
    refused = await call(site, token, same, scheme="Bearer")
    assert refused.status_code == 401
    assert [(await call(site, token, same)).status_code for _ in range(2)] == [200, 401]
    told = challenge(await call(site, token, same))
    assert told["error"] == "invalid_dpop_proof"
    assert "before" in told["error_description"]


@pytest.mark.spec("standards", "DP-6")
async def test_a_proof_of_the_token_endpoint_opens_nothing_else(site: Service, browser: httpx.AsyncClient) -> None:
    token = await token_of(site, browser)
    there = HOLDER.proof("POST", f"{ISSUER}/oauth/token", at=site.clock(), token=token)
    assert challenge(await call(site, token, there))["error"] == "invalid_dpop_proof"


@pytest.mark.spec("standards", "DP-6")
async def test_a_request_with_a_proof_takes_one_trip_more(site: Service, browser: httpx.AsyncClient) -> None:
    token = await token_of(site, browser)
    assert await trips_of(call(site, token, proof(site, token))) == ["gather_token_alone", "note_proof"]


@pytest.mark.spec("standards", "DP-14")
async def test_routes_of_the_api_judge_proofs_like_its_hot_endpoints(site: Service, browser: httpx.AsyncClient) -> None:
    token = await token_of(site, browser, scope="org:read")
    path = "/api/v1/organizations/nowhere?x=1"
    address = f"{ISSUER}/api/v1/organizations/%6eowhere"
    same = proof(site, token, url=address)
    assert (await call(site, token, same, path=path)).status_code == 404  # let in, and there is no such organization
    told = challenge(await call(site, token, same, path=path))
    assert (told["scheme"], told["error"]) == ("DPoP", "invalid_dpop_proof")
    assert challenge(await call(site, token, proof(site, token, THIEF, url=address), path=path))["error"] == (
        "invalid_token"
    )
    assert challenge(await call(site, token, scheme="Bearer", path=path))["scheme"] == "DPoP"


@pytest.mark.spec("standards", "DP-14")
async def test_keys_and_personal_tokens_are_never_sent_with_a_proof(site: Service, browser: httpx.AsyncClient) -> None:
    _, own = await personal_token(site, await site.user("personal"), "org:read")
    _, key = await api_key(site, await found(site.database, "saltbarn", site.clock()), "org:read")
    for credential in (own, key):
        told = challenge(await call(site, credential, proof(site, credential)))
        assert (told["scheme"], told["error"]) == ("Bearer", "invalid_token")


@pytest.mark.spec("standards", "DP-10")
async def test_the_api_hands_out_nonces_where_they_are_demanded(site: Service, database: Database) -> None:
    async with service(database, dpop={"require_nonce": True}) as strict, strict.browser() as browser:
        nonce = dpop_nonce.current(dpop_nonce.key_of(KEYS), strict.clock())
        data = {
            "grant_type": "authorization_code",
            "client_id": "spa",
            "code": await obtain_code(browser, "spa", "robin", scope="org:read"),
            "redirect_uri": REDIRECT_URI,
            "code_verifier": VERIFIER,
        }
        asked = HOLDER.proof("POST", f"{ISSUER}/oauth/token", at=strict.clock(), nonce=nonce)
        answer = await browser.post("/oauth/token", data=data, headers={"dpop": asked})
        token = answer.json()["access_token"]
        for path in ("/api/v1/me", "/api/v1/organizations/nowhere"):
            first = await call(strict, token, proof(strict, token, url=ISSUER + path), path=path)
            assert challenge(first)["error"] == "use_dpop_nonce"
            [fresh] = first.headers.get_list("dpop-nonce")
            again = proof(strict, token, url=ISSUER + path, nonce=fresh)
            assert (await call(strict, token, again, path=path)).status_code in (200, 404)
