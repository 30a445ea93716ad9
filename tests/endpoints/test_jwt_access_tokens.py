"""JWT access tokens where this server judges them: introspected and revoked like opaque ones (standards A4, A5).

Those that a person allowed have a row; an application's own have none, and their signature says everything.
"""

import asyncio
import hmac
from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select
from sqlmodel import col

from app.crypto import jose
from app.crypto.jose import peek
from app.models import Application, User
from app.models.revoked_token import RevokedToken
from app.protocol.facts import TokenFact
from app.protocol.tokens.access_token import CLIENT_EPOCH
from app.services.signing_keys import KeyKeeper, audit_of_key
from app.store import records
from app.store.database import Database
from app.store.orders import Actor
from tests.endpoints.test_budgets import remembering, trips_of
from tests.store.scene import entry
from tests.support.credentials import bearer, change
from tests.support.history import entries_about
from tests.support.jose import b64
from tests.support.service import ISSUER, SECRET, Service, obtain_code, redeem, service
from tests.support.signing import keep_keys

LEDGER, ARCHIVE = "https://ledger.example", "https://archive.example"
INACTIVE = {"active": False}
MACHINE: dict[str, Any] = {
    "kind": "machine",
    "redirect_uris": (),
    "response_types": (),
    "grant_types": ("client_credentials",),
}


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A server with two resources that check tokens themselves, and ask about them as well."""
    resources = {
        LEDGER: {"token_format": "jwt", "introspection_clients": ["ledger-server"]},
        ARCHIVE: {"token_format": "jwt", "introspection_clients": ["archive-server"]},
    }
    async with service(database, resources=resources) as running:
        await keep_keys(running.server)
        await running.user("robin")
        await running.application("web")
        await running.application("sweeper", **MACHINE)
        for name in ("ledger-server", "archive-server"):
            await running.application(name, **{**MACHINE, "grant_types": ()})
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with site.browser() as fresh:
        yield fresh


async def allowed(
    browser: httpx.AsyncClient, username: str = "robin", client_id: str = "web", scope: str = "project:read"
) -> str:
    """Return a JWT that a person allowed an application."""
    code = await obtain_code(browser, client_id, username, resource=LEDGER, scope=scope)
    token: str = (await redeem(browser, client_id, code)).json()["access_token"]
    return token


async def own(browser: httpx.AsyncClient, client_id: str = "sweeper", scope: str = "project:read") -> str:
    """Return a JWT that an application got for itself."""
    data = {"grant_type": "client_credentials", "scope": scope, "resource": LEDGER}
    token: str = (await browser.post("/oauth/token", data=data, auth=(client_id, SECRET))).json()["access_token"]
    return token


async def seen(browser: httpx.AsyncClient, token: str, caller: str = "ledger-server") -> dict[str, Any]:
    answer = await browser.post("/oauth/introspect", data={"token": token}, auth=(caller, SECRET))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def revoke(browser: httpx.AsyncClient, token: str, client_id: str) -> httpx.Response:
    return await browser.post("/oauth/revoke", data={"token": token}, auth=(client_id, SECRET))


@pytest.mark.spec("standards", "IN-4")
@pytest.mark.spec("standards", "IN-5")
async def test_introspection_says_what_the_jwt_says(browser: httpx.AsyncClient) -> None:
    for token in (await allowed(browser), await own(browser)):
        claims, answer = peek(token).claims, await seen(browser, token)
        assert answer.pop("active") is True
        assert answer.pop("token_type") == "Bearer"
        answer.pop("username", None)
        assert {name: claims[name] for name in answer} == answer
        assert {"aud", "client_id", "scope", "exp", "iat", "iss", "jti"} <= answer.keys()


@pytest.mark.spec("standards", "IN-5")
@pytest.mark.spec("standards", "IN-6")
async def test_only_who_answers_for_its_resource_and_its_own_application_see_it(browser: httpx.AsyncClient) -> None:
    for token, application, stranger in (
        (await allowed(browser), "web", "sweeper"),
        (await own(browser), "sweeper", "web"),
    ):
        assert await seen(browser, token, application) == await seen(browser, token)
        for caller in (stranger, "archive-server"):
            assert await seen(browser, token, caller) == INACTIVE


@pytest.mark.spec("standards", "IN-5")
async def test_it_ends_at_its_end(site: Service, browser: httpx.AsyncClient) -> None:
    tokens = [await allowed(browser), await own(browser)]
    site.clock.forward(899)
    assert all([(await seen(browser, token))["active"] for token in tokens])
    site.clock.forward(1)
    assert [await seen(browser, token) for token in tokens] == [INACTIVE, INACTIVE]


@pytest.mark.spec("standards", "RV-3")
@pytest.mark.spec("standards", "RV-6")
async def test_its_application_revokes_it_and_no_other_token(site: Service, browser: httpx.AsyncClient) -> None:
    for get, client_id in ((allowed, "web"), (own, "sweeper")):
        token, other = await get(browser), await get(browser)
        for _ in range(2):
            gone = await revoke(browser, token, client_id)
            assert (gone.status_code, gone.content) == (200, b"")
        assert await seen(browser, token) == INACTIVE
        assert (await seen(browser, other))["active"]
        told = [one.event for one in await entries_about(site.database, str(peek(token).claims["jti"]))]
        assert told.count("token.revoked") == 1


@pytest.mark.spec("standards", "RV-2")
async def test_another_application_does_not_and_is_told_so(browser: httpx.AsyncClient) -> None:
    for token, stranger in ((await allowed(browser), "sweeper"), (await own(browser), "web")):
        refused = await revoke(browser, token, stranger)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
        unproved = await browser.post("/oauth/revoke", data={"token": token}, auth=(stranger, "wrong"))
        assert (unproved.status_code, unproved.json()["error"]) == (401, "invalid_client")
        assert (await seen(browser, token))["active"]


@pytest.mark.spec("standards", "RV-3")
async def test_an_expired_one_is_nothing_to_revoke(site: Service, browser: httpx.AsyncClient) -> None:
    token = await own(browser)
    site.clock.forward(1000)
    gone = await revoke(browser, token, "sweeper")
    assert (gone.status_code, gone.content) == (200, b"")
    async with site.database.transaction() as transaction:
        kept = select(func.count()).where(col(RevokedToken.id) == UUID(peek(token).claims["jti"]))
        assert await transaction.scalar(kept) == 0


@pytest.mark.spec("standards", "RV-4")
async def test_revoking_the_refresh_token_ends_the_jwts_that_came_of_it(browser: httpx.AsyncClient) -> None:
    code = await obtain_code(browser, "web", "robin", resource=LEDGER)
    first = (await redeem(browser, "web", code)).json()
    data = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = (await browser.post("/oauth/token", data=data, auth=("web", SECRET))).json()
    assert (await seen(browser, second["access_token"]))["active"]
    await revoke(browser, first["refresh_token"], "web")  # rotated meanwhile
    for tokens in (first, second):
        assert await seen(browser, tokens["access_token"]) == INACTIVE


@pytest.mark.spec("standards", "IN-5")
async def test_an_application_that_was_switched_off_takes_its_tokens_along_for_ever(
    site: Service, browser: httpx.AsyncClient
) -> None:
    application_id = await site.application("brief", grant_types=("authorization_code", "client_credentials"))
    tokens = [await allowed(browser, client_id="brief"), await own(browser, "brief")]
    assert all([(await seen(browser, token))["active"] for token in tokens])
    await change(site, Application, application_id, status="inactive", epoch=1, version=2)
    assert [await seen(browser, token) for token in tokens] == [INACTIVE, INACTIVE]
    await change(site, Application, application_id, status="active", version=3)
    assert [await seen(browser, token) for token in tokens] == [INACTIVE, INACTIVE]
    assert (await seen(browser, await own(browser, "brief")))["active"]


@pytest.mark.spec("standards", "IN-5")
async def test_a_person_who_was_switched_off_takes_them_along_for_ever(
    site: Service, browser: httpx.AsyncClient
) -> None:
    person = await site.user("ada")
    token = await allowed(browser, "ada")
    assert (await seen(browser, token))["active"]
    await change(site, User, person, disabled_at=site.clock(), epoch=1)
    assert await seen(browser, token) == INACTIVE
    await change(site, User, person, disabled_at=None)
    assert await seen(browser, token) == INACTIVE


@pytest.mark.spec("standards", "AR-6")
@pytest.mark.spec("standards", "AR-9")
async def test_narrowing_and_disconnecting_count_at_once(site: Service, browser: httpx.AsyncClient) -> None:
    await site.user("brook")
    token = await allowed(browser, "brook", scope="project:read team:read")
    assert (await seen(browser, token))["scope"] == "project:read team:read"
    _, fact = await site.database.hot.gather_token(None, UUID(peek(token).claims["jti"]))
    assert isinstance(fact, TokenFact)
    record_id = fact.origin.record_id
    assert record_id is not None
    gone = [f"team:read {LEDGER}"]
    assert await records.narrow(site.database, record_id, gone, site.clock(), entry("authorization.narrowed"))
    assert (await seen(browser, token))["scope"] == "project:read"
    assert await records.revoke(site.database, record_id, site.clock(), entry("authorization.revoked"))
    assert await seen(browser, token) == INACTIVE


@pytest.mark.spec("standards", "JW-3")
@pytest.mark.spec("standards", "IN-5")
async def test_what_a_withdrawn_key_has_signed_counts_no_more(fresh: Service) -> None:
    async with fresh.browser() as browser:
        tokens = [await allowed(browser, "casey", "mill"), await own(browser, "mill")]
        assert all([(await seen(browser, token, "mill"))["active"] for token in tokens])
        [kid] = {peek(token).kid for token in tokens}
        server, now = fresh.server, fresh.clock()
        tell = partial(audit_of_key, now, Actor("server", "test"))
        await KeyKeeper(server.database, server.vault, server.keyring.plan).retire(str(kid), now, tell)
        await server.keyring.refresh()
        assert [await seen(browser, token, "mill") for token in tokens] == [INACTIVE, INACTIVE]
        later = await own(browser, "mill")
        assert peek(later).kid != kid
        assert (await seen(browser, later, "mill"))["active"]


@pytest.fixture
async def fresh(database: Database) -> AsyncIterator[Service]:
    """A worker of its own, whose keys may be withdrawn."""
    async with service(database, resources={LEDGER: {"token_format": "jwt"}}) as running:
        await keep_keys(running.server)
        await running.user("casey")
        await running.application("mill", grant_types=("authorization_code", "client_credentials"))
        yield running


@pytest.mark.spec("standards", "JV-1")
@pytest.mark.spec("standards", "JV-2")
@pytest.mark.spec("standards", "IN-3")
@pytest.mark.parametrize("with_row", [True, False], ids=["allowed by a person", "an application's own"])
async def test_what_this_server_did_not_sign_so_is_no_token(
    site: Service, browser: httpx.AsyncClient, with_row: bool
) -> None:
    token = await allowed(browser) if with_row else await own(browser)
    client_id = "web" if with_row else "sweeper"
    jwt, stranger = peek(token), jose.generate("ES256")
    head, body, signature = token.split(".")
    public = (await browser.get("/oauth/jwks")).content
    forgeries = {
        "another signature": f"{head}.{body}.{b64(b'x' * 64)}",
        "another body": f"{head}.{b64({**jwt.claims, 'scope': 'org:admin'})}.{signature}",
        "a life without end": f"{head}.{b64({**jwt.claims, 'exp': 4_000_000_000})}.{signature}",
        "no algorithm": f"{b64({**jwt.header, 'alg': 'none'})}.{body}.",
        "a stranger's key": jose.sign(jose.signing_key({**stranger, "kid": jwt.kid}), jwt.claims, typ="at+jwt"),
        "a MAC with the public keys": jose_mac(jwt, public),
        "another typ": f"{b64({**jwt.header, 'typ': 'JWT'})}.{body}.{signature}",
        "the other kind": f"{head}.{b64(other_kind(jwt.claims))}.{signature}",
        "another issuer": f"{head}.{b64({**jwt.claims, 'iss': 'https://evil.example'})}.{signature}",
        "no id": f"{head}.{b64({name: jwt.claims[name] for name in jwt.claims if name != 'jti'})}.{signature}",
    }
    for what, text in forgeries.items():
        for caller in ("ledger-server", client_id):
            assert await seen(browser, text, caller) == INACTIVE, what
        gone = await revoke(browser, text, client_id)
        assert (gone.status_code, gone.content) == (200, b""), what
    assert (await seen(browser, token))["active"]


def jose_mac(jwt: jose.Jwt, key: bytes) -> str:
    """Return the token with a MAC made of what everybody can read (RFC 8725 §2.1)."""
    content = f"{b64({**jwt.header, 'alg': 'HS256'})}.{b64(jwt.claims)}"
    return f"{content}.{b64(hmac.digest(key, content.encode(), 'sha256'))}"


def other_kind(claims: Any) -> dict[str, Any]:
    """Return the claims of a token with a row as one without, and the other way round."""
    if CLIENT_EPOCH in claims:
        return {name: value for name, value in claims.items() if name != CLIENT_EPOCH}
    return {**claims, CLIENT_EPOCH: 0}


@pytest.mark.spec("standards", "BR-4")
async def test_a_jwt_for_another_api_opens_nothing_at_ours(site: Service, browser: httpx.AsyncClient) -> None:
    for token in (await allowed(browser), await own(browser)):
        async with site.browser() as script:
            assert (await script.get("/api/v1/", headers=bearer(token))).status_code == 401


async def test_one_trip_tells_and_two_revoke(site: Service, browser: httpx.AsyncClient) -> None:
    """The budgets of opaque tokens hold for both kinds (architecture §5)."""

    def introspect(token: str) -> Any:
        return browser.post("/oauth/introspect", data={"token": token}, auth=("ledger-server", SECRET))

    def end(token: str, client_id: str) -> Any:
        return browser.post("/oauth/revoke", data={"token": token}, auth=(client_id, SECRET))

    person, machine = await allowed(browser), await own(browser)
    assert await trips_of(introspect(person)) == ["gather_token"]
    assert await trips_of(introspect(machine)) == ["gather_machine_token"]
    with remembering(site.database.applications):
        await introspect(person)
        assert await trips_of(introspect(person)) == ["gather_token_alone"]
        assert await trips_of(introspect(machine)) == ["gather_machine_token_alone"]
    assert await trips_of(end(person, "web")) == ["gather_token", "revoke_token"]
    assert await trips_of(end(machine, "sweeper")) == ["gather_machine_token", "revoke_machine_jwt"]


async def test_revoking_at_the_same_moment_is_written_down_once(site: Service, browser: httpx.AsyncClient) -> None:
    for token, client_id in ((await allowed(browser), "web"), (await own(browser), "sweeper")):
        answers = await asyncio.gather(*(revoke(browser, token, client_id) for _ in range(20)))
        assert {answer.status_code for answer in answers} == {200}
        assert await seen(browser, token) == INACTIVE
        told = [one.event for one in await entries_about(site.database, str(peek(token).claims["jti"]))]
        assert told.count("token.revoked") == 1


async def test_what_is_no_jwt_of_ours_is_looked_up_nowhere(browser: httpx.AsyncClient) -> None:
    foreign = jose.sign(jose.signing_key(jose.generate("ES256")), {"iss": "https://evil.example"}, typ="at+jwt")
    for text in (foreign, "a.b.c", f"{b64({'alg': 'ES256', 'typ': 'at+jwt'})}.{b64({'iss': ISSUER, 'jti': 'x'})}.eA"):
        assert await seen(browser, text) == INACTIVE
        assert (await revoke(browser, text, "web")).status_code == 200
