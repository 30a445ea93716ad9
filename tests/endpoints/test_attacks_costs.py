"""What a request may cost, and what may stand in one: nothing hangs, nothing breaks, nothing keeps a worker busy."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import httpx
import pytest

from app.crypto import jose
from app.protocol.grant_types import device_code
from app.protocol.params import MAX_ESCAPES
from app.store.database import Database
from tests.endpoints.test_budgets import remembering
from tests.support.assertions import claims_of, form, key_of, key_set, register, signed
from tests.support.delegation import (
    ACCESS_TOKEN,
    EXCHANGE,
    IDP,
    JWT,
    JWT_BEARER,
    ORDERS,
    delegating_service,
)
from tests.support.dpop import Holder
from tests.support.facts import VERIFIER
from tests.support.jose import b64
from tests.support.service import ISSUER, SECRET, Service

GRANT = {"grant_type": "client_credentials"}
OWNER = Holder()
SIGNING: dict[str, Any] = {"token_endpoint_auth_method": "private_key_jwt"}


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    async with delegating_service(database) as running:
        await register(running, client_id="signer", jwks=key_set(key_of("signer")), **SIGNING)
        await running.application("tv", auth_method="none", kind="native", grant_types=(device_code.NAME,))
        yield running


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


GARBLED = {
    "authorization_code": ("spa", {"code": "x", "code_verifier": VERIFIER}),
    "refresh_token": ("spa", {"refresh_token": "x"}),
    device_code.NAME: ("tv", {"device_code": "x"}),
    EXCHANGE: ("web", {"subject_token": "x", "subject_token_type": ACCESS_TOKEN}),
    JWT_BEARER: ("agent", {"assertion": "x"}),
}


@pytest.mark.spec("standards", "TE-4")
async def test_what_no_server_made_is_refused_at_once_also_from_a_client_that_is_known_already(
    site: Service, browser: httpx.AsyncClient
) -> None:
    """Anybody can send it, so it must neither hang nor take others along who are under way at the same time."""

    async def send(grant: str) -> tuple[int, str]:
        client_id, parameters = GARBLED[grant]
        form = {"grant_type": grant, **parameters}
        if client_id in ("spa", "tv"):
            return refusal(await browser.post("/oauth/token", data={**form, "client_id": client_id}))
        return refusal(await browser.post("/oauth/token", data=form, auth=(client_id, SECRET)))

    with remembering(site.database.applications):
        for _ in range(2):  # the first time the clients are read
            async with asyncio.timeout(60):
                refused = await asyncio.gather(*(send(grant) for grant in [*GARBLED] * 4))
            assert Counter(refused) == {(400, "invalid_grant"): 16, (400, "invalid_request"): 4}


@contextmanager
def counting_calls(function: Any) -> Iterator[list[None]]:
    """Count the calls of a function of ours while the block runs."""
    calls: list[None] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is function.__code__:
            calls.append(None)

    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(None)


@pytest.mark.spec("standards", "CA-10")
async def test_an_assertion_costs_a_few_signature_checks_however_many_keys_its_client_registered(
    site: Service, browser: httpx.AsyncClient
) -> None:
    """Whoever registers an application chooses its keys, and then anybody sends assertions in its name."""
    keys = [{name: part for name, part in jose.generate("ES384").items() if name != "kid"} for _ in range(30)]
    public = {"keys": [{name: key[name] for name in ("kty", "crv", "x", "y")} for key in keys]}
    await register(site, client_id="keyring", jwks=public, **SIGNING)
    other = key_of("mallory", "ES384")
    counts = []
    for client_id in ("keyring", "nobody"):
        text = signed(claims_of(client_id, ISSUER, site.clock()), other, kid=None)
        with counting_calls(jose._verifies) as checks:
            answer = await browser.post("/oauth/token", data=form(text, **GRANT))
        assert refusal(answer) == (401, "invalid_client")
        counts.append(len(checks))
    assert 0 < counts[0] <= jose._MOST_TRIES
    assert counts[1] <= counts[0]


@pytest.mark.spec("standards", "DP-2")
async def test_the_key_of_a_proof_is_no_longer_than_is_worth_checking(
    site: Service, browser: httpx.AsyncClient
) -> None:
    """A proof comes before its sender has said who he is."""
    slow = {"kty": "RSA", "n": b64(((1 << 8191) | 1).to_bytes(1024)), "e": b64(((1 << 63) | 1).to_bytes(8))}
    text = f"{b64({'typ': 'dpop+jwt', 'alg': 'RS256', 'jwk': slow})}.{b64({'jti': 'x' * 12})}.{b64(bytes(1024))}"
    answer = await browser.post("/oauth/token", data=GRANT, auth=("agent", SECRET), headers={"DPoP": text})
    assert refusal(answer) == (400, "invalid_dpop_proof")
    assert "exponent" in answer.json()["error_description"]


@pytest.mark.spec("standards", "G4")
async def test_a_body_of_escapes_is_refused_before_it_is_decoded(browser: httpx.AsyncClient) -> None:
    body = b"grant_type=client_credentials&scope=" + b"%41" * (MAX_ESCAPES + 1)
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = await browser.post("/oauth/token", content=body, headers=headers, auth=("agent", SECRET))
    assert refusal(answer) == (400, "invalid_request")


HOSTILE: tuple[Any, ...] = (
    *(None, True, -1, 1.5, 1e308, -1e308, 10**400, -(10**400), 2**63, 253402300800, -62135596801),
    *("", " ", "2030-01-01", "\ud800", "\0", "x" * 9000, [], [None], {}, {"a": {"b": []}}),
)
NAMES = ("iss", "sub", "aud", "jti", "iat", "exp", "nbf", "cnf", "act", "may_act", "scope", "client_id", "nonce", "ath")


def _written(key: Any, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """Return a JWT with a good signature around whatever JSON can say."""
    content = f"{b64(header)}.{b64(json.dumps(claims).encode())}"
    return f"{content}.{b64(jose.signing_key(key).make(content.encode()))}"


@pytest.mark.spec("standards", "JV-5")
@pytest.mark.parametrize("name", NAMES)
async def test_no_value_of_a_claim_breaks_whoever_reads_it(
    site: Service, browser: httpx.AsyncClient, name: str
) -> None:
    """A well-signed JWT with one odd claim is taken or refused in each of the four places that read JWTs of others."""
    now = int(site.clock().timestamp())
    agent, gateway = ("agent", SECRET), ("gateway", SECRET)
    exchange = {"grant_type": EXCHANGE, "subject_token_type": JWT, "resource": ORDERS}
    for number, value in enumerate(HOSTILE):
        jti = f"{name}-{number}-of-this-test"
        times = {"iat": now, "exp": now + 60, "jti": jti}
        own = {"iss": "signer", "sub": "signer", "aud": ISSUER, **times, name: value}
        theirs = {"iss": IDP.name, "sub": "robin", "aud": ISSUER, **times, name: value}
        shown = {"htm": "POST", "htu": f"{ISSUER}/oauth/token", "iat": now, "jti": jti, name: value}
        header = {"alg": "ES256", "kid": key_of("signer")["kid"]}
        text, assertion = _written(key_of("signer"), header, own), _written(IDP.jwk, {"alg": "ES256"}, theirs)
        dpop = _written(OWNER.jwk, {"typ": "dpop+jwt", "alg": "ES256", "jwk": OWNER.public}, shown)
        answers = [
            await browser.post("/oauth/token", data=form(text, **GRANT)),
            await browser.post("/oauth/token", data={"grant_type": JWT_BEARER, "assertion": assertion}, auth=agent),
            await browser.post("/oauth/token", data={**exchange, "subject_token": assertion}, auth=gateway),
            await browser.post("/oauth/token", data=GRANT, auth=agent, headers={"DPoP": dpop}),
            await browser.post("/oauth/introspect", data={"token": assertion}, auth=("web", SECRET)),
        ]
        assert {answer.status_code for answer in answers} <= {200, 400, 401}, value
