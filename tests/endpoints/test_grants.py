"""GET and DELETE /oauth/grants/{grant_id} at the wire (standards A14.2)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from app.protocol.events import Event
from app.protocol.grant_management import QUERY_SCOPE, REVOKE_SCOPE
from app.store import records
from app.store.database import Database
from app.store.hot_connection import counting_trips
from tests.support import details
from tests.support.api_person import AUTHORIZATIONS, enter
from tests.support.credentials import bearer
from tests.support.database import FreshDatabase
from tests.support.dpop import Holder
from tests.support.history import history
from tests.support.service import ISSUER, SECRET, Service, answer_of, authorize_url, obtain_code, redeem, service
from tests.support.signing import keep_keys

PATH = "/oauth/grants"
LEDGER, FILES = "https://ledger.example", "https://files.example"
GRANTS = ("authorization_code", "refresh_token", "client_credentials")


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """`web` and `other` may ask for everything, `careful` for what is named, `spa` is public."""
    resources: dict[str, Any] = {LEDGER: {"token_format": "jwt"}, FILES: {}}
    async with service(database, resources=resources, authorization_details=details.TYPES) as running:
        await keep_keys(running.server)
        await running.user("ada")
        for client_id in ("web", "other"):
            await running.application(client_id, grant_types=GRANTS)
        await running.application("careful", grant_types=GRANTS, scopes=("project:read", QUERY_SCOPE))
        await running.application("narrow", grant_types=GRANTS, scopes=("project:read",))
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with site.browser() as fresh:
        yield fresh


@pytest.fixture
async def program(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    """The application's own server: no cookies."""
    async with site.browser() as fresh:
        yield fresh


async def grant(browser: httpx.AsyncClient, client_id: str = "web", **changes: Any) -> dict[str, Any]:
    """Begin a grant of its own, and return its first tokens."""
    code = await obtain_code(browser, client_id, "ada", grant_management_action="create", **changes)
    at = {"resource": FILES} if "resource" in changes else {}
    got: dict[str, Any] = (await redeem(browser, client_id, code, **at)).json()
    return got


async def own_token(
    program: httpx.AsyncClient, scope: str = f"{QUERY_SCOPE} {REVOKE_SCOPE}", client_id: str = "web", **form: Any
) -> str:
    data = {"grant_type": "client_credentials", "scope": scope, **form}
    answer = await program.post("/oauth/token", data=data, auth=(client_id, SECRET))
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["access_token"]
    return token


async def look(program: httpx.AsyncClient, grant_id: str, token: str | None = None) -> httpx.Response:
    return await program.get(f"{PATH}/{grant_id}", headers=bearer(token or await own_token(program)))


async def end(program: httpx.AsyncClient, grant_id: str, token: str | None = None) -> httpx.Response:
    return await program.delete(f"{PATH}/{grant_id}", headers=bearer(token or await own_token(program)))


async def active(program: httpx.AsyncClient, token: str) -> bool:
    answer = await program.post("/oauth/introspect", data={"token": token}, auth=("web", SECRET))
    return bool(answer.json()["active"])


@pytest.mark.spec("standards", "GA-1")
@pytest.mark.spec("standards", "GA-2")
@pytest.mark.spec("standards", "TV-13")
async def test_an_application_sees_what_its_grant_allows_and_nothing_of_the_person(
    site: Service, browser: httpx.AsyncClient, program: httpx.AsyncClient
) -> None:
    claims = '{"userinfo": {"phone_number": null}}'
    asked: dict[str, Any] = {"scope": "openid project:read", "resource": [LEDGER, FILES], "claims": claims}
    asked["authorization_details"] = details.asking(details.accounts("read"), details.payment())
    created = await grant(browser, **asked)
    answer = await look(program, created["grant_id"])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["cache-control"] == "no-cache, no-store"
    moment = int(site.clock().timestamp())
    assert answer.json() == {
        "scopes": [{"scope": "openid"}, {"scope": "project:read", "resource": [LEDGER, FILES]}],
        "claims": ["phone_number"],
        "authorization_details": [details.accounts("read")],
        "created_at": moment,
        "last_updated": moment,
        "last_updated_at": moment,
        "updated_by": "client",
    }
    assert "ada" not in answer.text


@pytest.mark.spec("standards", "GA-2")
async def test_what_the_person_takes_away_is_gone_there_at_once(
    site: Service, browser: httpx.AsyncClient, program: httpx.AsyncClient
) -> None:
    person = await enter(browser, "ada")
    grant_id = (await grant(browser, scope="project:read org:read"))["grant_id"]
    token = await own_token(program)
    gone = await person.delete(f"{AUTHORIZATIONS}/{grant_id}/scopes/org:read")
    assert gone.status_code == 204, gone.text
    told = (await look(program, grant_id, token)).json()
    assert told["scopes"] == [{"scope": "project:read"}]
    assert told["updated_by"] == "authorization_server"


async def test_looking_is_two_trips_whatever_the_grant_holds(
    browser: httpx.AsyncClient, program: httpx.AsyncClient
) -> None:
    grant_id, token = (await grant(browser))["grant_id"], await own_token(program)
    with counting_trips() as trips:
        assert (await look(program, grant_id, token)).status_code == 200
    assert trips == ["gather_token_alone", "read_grant"]
    head = await program.head(f"{PATH}/{grant_id}", headers=bearer(token))
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.spec("standards", "GA-3")
@pytest.mark.spec("standards", "AR-9")
async def test_ending_a_grant_ends_its_tokens_and_codes_and_tells_the_person(
    site: Service, browser: httpx.AsyncClient, program: httpx.AsyncClient
) -> None:
    created, beside = await grant(browser), await grant(browser)
    grant_id = created["grant_id"]
    named = {"grant_management_action": "merge", "grant_id": grant_id}
    on_its_way = await obtain_code(browser, "web", "ada", **named)
    latest = (await redeem(browser, "web", await obtain_code(browser, "web", "ada", **named))).json()
    site.clock.forward(60)
    answer = await end(program, grant_id)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["cache-control"] == "no-cache, no-store"
    for token in (created["access_token"], latest["access_token"], latest["refresh_token"]):
        assert not await active(program, token)
    assert (await redeem(browser, "web", on_its_way)).json()["error"] == "invalid_grant"
    assert await active(program, beside["access_token"])
    for again in (await end(program, grant_id), await look(program, grant_id)):
        assert (again.status_code, again.json()["error"]) == (404, "invalid_grant_id")
    merged = answer_of(await browser.get(authorize_url("web", **named)))
    assert merged["error"] == "invalid_grant_id"

    [ended, *_] = await history(site.database, UUID(grant_id))
    assert (ended.event, ended.actor_kind, ended.actor_id) == (Event.AUTHORIZATION_REVOKED, "application", "web")
    page = (await browser.get(f"/account/applications/{grant_id}")).text
    assert "gave it up</b> by itself" in page
    assert grant_id in (await browser.get("/account/applications")).text


@pytest.mark.spec("standards", "GA-4")
@pytest.mark.spec("standards", "AR-17 (g)")
async def test_what_is_not_the_applications_own_does_not_exist(
    site: Service, browser: httpx.AsyncClient, program: httpx.AsyncClient
) -> None:
    of_other = (await grant(browser, "other"))["grant_id"]
    mine = (await grant(browser))["grant_id"]
    token = await own_token(program)
    strange = (of_other, str(uuid4()), mine.upper(), f"{mine}x", "x", "", "%00", "*")
    for grant_id in strange:
        for asked in (look, end):
            refused = await asked(program, grant_id, token)
            assert (refused.status_code, refused.json()["error"]) == (404, "invalid_grant_id"), grant_id
    listed = await program.get(PATH, headers=bearer(token))
    assert (listed.status_code, listed.json()["error"]) == (404, "invalid_grant_id")
    assert (await program.get(PATH)).status_code == 401
    assert (await program.get(f"{PATH}/{mine}/x", headers=bearer(token))).status_code == 404
    assert await records.get(site.database, UUID(of_other)) is not None


@pytest.mark.spec("standards", "GA-1")
@pytest.mark.spec("standards", "GA-4")
async def test_each_method_needs_its_own_scope_in_a_token_that_nobody_allowed(
    browser: httpx.AsyncClient, program: httpx.AsyncClient
) -> None:
    created = await grant(browser)
    grant_id = created["grant_id"]
    query, revoke = await own_token(program, QUERY_SCOPE), await own_token(program, REVOKE_SCOPE)
    for asked, token, scope in ((look, revoke, QUERY_SCOPE), (end, query, REVOKE_SCOPE)):
        for shown in (token, created["access_token"], await own_token(program, "project:read")):
            refused = await asked(program, grant_id, shown)
            assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")
            assert f'scope="{scope}"' in refused.headers["www-authenticate"]
    assert (await look(program, grant_id, query)).status_code == 200
    assert (await end(program, grant_id, revoke)).status_code == 204


@pytest.mark.spec("standards", "GA-1")
async def test_the_scopes_are_for_applications_alone_and_for_those_that_may_ask_for_them(
    browser: httpx.AsyncClient, program: httpx.AsyncClient
) -> None:
    refused = answer_of(await browser.get(authorize_url("web", scope=f"project:read {QUERY_SCOPE}")))
    assert refused["error"] == "invalid_scope"
    await own_token(program, QUERY_SCOPE, "careful")
    for client_id, scope in (("careful", REVOKE_SCOPE), ("narrow", QUERY_SCOPE)):
        data = {"grant_type": "client_credentials", "scope": scope}
        answer = await program.post("/oauth/token", data=data, auth=(client_id, SECRET))
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


@pytest.mark.spec("standards", "GA-4")
async def test_without_a_token_that_counts_here_nobody_is_told_anything(
    browser: httpx.AsyncClient, program: httpx.AsyncClient
) -> None:
    grant_id = (await grant(browser))["grant_id"]
    bare = await program.get(f"{PATH}/{grant_id}")
    assert (bare.status_code, bare.headers["www-authenticate"]) == (401, f'Bearer realm="{ISSUER}"')
    assert (await browser.get(f"{PATH}/{grant_id}")).status_code == 401
    elsewhere = [await own_token(program, resource=resource) for resource in (LEDGER, FILES)]
    for token in ("x", "asat_" + "A" * 70, *elsewhere):
        for known in (grant_id, str(uuid4())):
            refused = await end(program, known, token)
            assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")
            assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    by_secret = await program.get(f"{PATH}/{grant_id}", auth=("web", SECRET))
    assert by_secret.status_code == 401


async def test_a_token_that_is_bound_to_a_key_counts_with_its_proof_once(
    site: Service, browser: httpx.AsyncClient, program: httpx.AsyncClient
) -> None:
    grant_id, holder = (await grant(browser))["grant_id"], Holder()
    proof = holder.proof("POST", f"{ISSUER}/oauth/token", at=site.clock())
    data = {"grant_type": "client_credentials", "scope": QUERY_SCOPE}
    issued = await program.post("/oauth/token", data=data, auth=("web", SECRET), headers={"DPoP": proof})
    token, url = issued.json()["access_token"], f"{PATH}/{grant_id}"
    assert (await look(program, grant_id, token)).status_code == 401
    elsewhere = holder.proof("GET", f"{ISSUER}{PATH}/{uuid4()}", at=site.clock(), token=token)
    right = holder.proof("GET", f"{ISSUER}{url}", at=site.clock(), token=token)
    for shown, status in ((elsewhere, 401), (right, 200), (right, 401)):
        answer = await program.get(url, headers={"Authorization": f"DPoP {token}", "DPoP": shown})
        assert answer.status_code == status, answer.text


async def test_other_methods_and_websites_are_refused(browser: httpx.AsyncClient, program: httpx.AsyncClient) -> None:
    grant_id, token = (await grant(browser))["grant_id"], await own_token(program)
    for method in ("POST", "PUT", "PATCH", "OPTIONS"):
        answer = await program.request(method, f"{PATH}/{grant_id}", headers=bearer(token))
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, DELETE")
    website = {**bearer(token), "Origin": "https://evil.example"}
    refused = await program.get(f"{PATH}/{grant_id}", headers=website)
    assert refused.status_code == 403
    assert "access-control-allow-origin" not in refused.headers


@pytest.mark.spec("standards", "GA-5")
async def test_while_the_database_is_away_it_is_told_when_to_ask_again(
    site: Service, fresh_database: FreshDatabase, browser: httpx.AsyncClient, program: httpx.AsyncClient
) -> None:
    grant_id, token, name = (await grant(browser))["grant_id"], await own_token(program), fresh_database.name
    administrator = await asyncpg.connect(fresh_database.cluster.url("postgres", "postgres"))
    try:
        await administrator.execute(f"alter database {name} connection limit 0")
        await administrator.execute(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'")
        answer = await look(program, grant_id, token)
    finally:
        await administrator.execute(f"alter database {name} connection limit -1")
        await administrator.close()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.json()["error"] == "temporarily_unavailable"


@pytest.mark.spec("standards", "GA-3")
async def test_of_two_who_end_it_at_once_one_does(browser: httpx.AsyncClient, program: httpx.AsyncClient) -> None:
    grant_id, token = (await grant(browser))["grant_id"], await own_token(program)
    answers = await asyncio.gather(*(end(program, grant_id, token) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [204, 404, 404, 404, 404]
