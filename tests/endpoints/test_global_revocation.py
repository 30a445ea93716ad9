"""POST /oauth/global-token-revocation at the wire (standards A5.1)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.protocol.global_revocation import SCOPE
from app.store.database import Database
from app.store.hot_connection import counting_trips
from tests.support import devices
from tests.support.api_person import enter
from tests.support.credentials import bearer, personal_token
from tests.support.dpop import Holder
from tests.support.history import entries_about
from tests.support.service import (
    ISSUER,
    SECRET,
    Service,
    answer_of,
    authorize_url,
    obtain_code,
    redeem,
    service,
    sign_in,
)
from tests.support.signing import keep_keys

PATH = "/oauth/global-token-revocation"
LEDGER, FILES = "https://ledger.example", "https://files.example"
SYSTEM_KEY = "the-root-credential-of-these-tests-long-enough"
MACHINE: dict[str, Any] = {"kind": "machine", "redirect_uris": (), "response_types": ()}
OWN = {**MACHINE, "grant_types": ("client_credentials",)}


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A server where `guardian` may end what people have, and `sweeper` may ask for everything else."""
    settings: dict[str, Any] = {
        "features": {"global_revocation": True},
        "resources": {LEDGER: {"token_format": "jwt", "introspection_clients": ["web"]}, FILES: {}},
        "system_key": SYSTEM_KEY,
    }
    async with service(database, **settings) as running:
        await keep_keys(running.server)
        await running.application("web")
        await running.application("tv", auth_method="none", grant_types=(devices.GRANT_TYPE, "refresh_token"))
        await running.application("guardian", **OWN, scopes=(SCOPE, "project:read"))
        await running.application("sweeper", **OWN)
        await running.application("limited", **OWN, scopes=("project:read",))
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with site.browser() as fresh:
        yield fresh


@pytest.fixture
async def script(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    """The identity provider's own program: no cookies."""
    async with site.browser() as fresh:
        yield fresh


async def ask(client: httpx.AsyncClient, client_id: str = "guardian", **form: Any) -> httpx.Response:
    data = {"grant_type": "client_credentials", **form}
    return await client.post("/oauth/token", data=data, auth=(client_id, SECRET))


async def token_of(client: httpx.AsyncClient, **form: Any) -> str:
    answer = await ask(client, **{"scope": SCOPE, **form})
    assert answer.status_code == 200, answer.text
    value: str = answer.json()["access_token"]
    return value


def by_email(name: str) -> dict[str, Any]:
    return {"sub_id": {"format": "email", "email": f"{name}@example.com"}}


async def revoke(client: httpx.AsyncClient, body: Any, token: str | None = None, **options: Any) -> httpx.Response:
    headers = bearer(token or await token_of(client)) | options.pop("headers", {})
    return await client.post(PATH, json=body, headers=headers, **options)


async def seen(client: httpx.AsyncClient, token: str) -> bool:
    answer = await client.post("/oauth/introspect", data={"token": token}, auth=("web", SECRET))
    active: bool = answer.json()["active"]
    return active


async def refreshed(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post(
        "/oauth/token", data={"grant_type": "refresh_token", "refresh_token": token}, auth=("web", SECRET)
    )


@pytest.mark.spec("standards", "GT-3")
@pytest.mark.spec("standards", "GT-5")
async def test_everything_that_a_person_has_is_dead_at_once_and_he_has_to_sign_in_again(
    site: Service, browser: httpx.AsyncClient, script: httpx.AsyncClient
) -> None:
    person = await site.user("ada")
    tokens = (await redeem(browser, "web", await obtain_code(browser, "web", "ada"))).json()
    for_ledger = (await redeem(browser, "web", await obtain_code(browser, "web", "ada", resource=LEDGER))).json()
    waiting = await obtain_code(browser, "web", "ada")
    _, personal = await personal_token(site, person)
    access = [tokens["access_token"], for_ledger["access_token"], personal]
    assert [await seen(script, token) for token in access] == [True] * 3
    assert for_ledger["access_token"].count(".") == 2

    answer = await revoke(script, by_email("ada"))
    assert (answer.status_code, answer.content, answer.headers["cache-control"]) == (204, b"", "no-store")

    assert [await seen(script, token) for token in access] == [False] * 3
    for family in (tokens, for_ledger):
        refused = await refreshed(script, family["refresh_token"])
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    late = await redeem(browser, "web", waiting)
    assert (late.status_code, late.json()["error"]) == (400, "invalid_grant")
    assert answer_of(await browser.get(authorize_url("web", prompt="none")))["error"] == "login_required"
    assert (await script.get("/api/v1/me", headers=bearer(personal))).status_code == 401


@pytest.mark.spec("standards", "GT-3")
async def test_what_he_has_allowed_stays_and_whoever_signs_in_again_goes_on(
    site: Service, browser: httpx.AsyncClient, script: httpx.AsyncClient
) -> None:
    await site.user("brook")
    await obtain_code(browser, "web", "brook")
    await revoke(script, by_email("brook"))
    assert (await sign_in(browser, "brook")).status_code == 303
    code = answer_of(await browser.get(authorize_url("web", prompt="none")))["code"]
    token = (await redeem(browser, "web", code)).json()["access_token"]
    assert await seen(script, token)


@pytest.mark.spec("standards", "GT-3")
async def test_a_device_that_was_approved_gets_nothing_any_more(
    site: Service, browser: httpx.AsyncClient, script: httpx.AsyncClient
) -> None:
    await site.user("casey")
    begun = (await devices.begin(script, "tv", secret=None)).json()
    await devices.approve(browser, "casey", begun["user_code"])
    await revoke(script, by_email("casey"))
    polled = await devices.poll(script, "tv", begun["device_code"], secret=None)
    assert (polled.status_code, polled.json()["error"]) == (400, "invalid_grant")


@pytest.mark.spec("standards", "GT-3")
async def test_it_takes_one_row_and_leaves_everybody_else_alone(
    site: Service, browser: httpx.AsyncClient, script: httpx.AsyncClient
) -> None:
    for name in ("drew", "eden"):
        await site.user(name)
    others = (await redeem(browser, "web", await obtain_code(browser, "web", "eden"))).json()["access_token"]
    token = await token_of(script)
    with counting_trips() as trips:
        assert (await revoke(script, by_email("drew"), token)).status_code == 204
    assert len(trips) == 4  # who asks, the person's row, the audit row, sessions that are open: there is none
    assert await seen(script, others)
    assert await seen(script, token)


@pytest.mark.spec("standards", "GT-1")
async def test_a_person_is_named_by_address_by_our_subject_and_by_issuer_and_subject(
    site: Service, script: httpx.AsyncClient
) -> None:
    person = str(await site.user("frankie"))
    for sub_id in (
        {"format": "email", "email": "Frankie@Example.com"},
        {"format": "opaque", "id": person},
        {"format": "iss_sub", "iss": ISSUER, "sub": person},
    ):
        assert (await revoke(script, {"sub_id": sub_id})).status_code == 204
    told = [entry for entry in await entries_about(site.database, person) if entry.event == "user.tokens_revoked"]
    assert [(entry.actor_kind, entry.actor_id) for entry in told] == [("application", "guardian")] * 3
    assert all(str(entry.user_id) == person for entry in told)


@pytest.mark.spec("standards", "GT-4")
@pytest.mark.parametrize(
    ("sub_id", "status", "error"),
    [
        (None, 400, "invalid_request"),
        ({"format": "phone_number", "phone_number": "+12065550100"}, 400, "invalid_request"),
        ({"format": "email", "email": "nobody@example.com"}, 404, "unknown_subject"),
        ({"format": "opaque", "id": "nobody"}, 404, "unknown_subject"),
        ({"format": "iss_sub", "iss": ISSUER, "sub": "nobody"}, 404, "unknown_subject"),
        ({"format": "iss_sub", "iss": f"{ISSUER}/", "sub": "nobody"}, 422, "foreign_subject"),
    ],
    ids=["no identifier", "another format", "an address", "a subject", "ours", "another issuer's"],
)
async def test_what_cannot_be_done_is_told_apart(
    script: httpx.AsyncClient, sub_id: Any, status: int, error: str
) -> None:
    answer = await revoke(script, {"sub_id": sub_id})
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.spec("standards", "GT-4")
@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b'"x"', "application/json"),
        (b'{"sub_id": {"format": "opaque", "id": "\\ud800"}}', "application/json"),
        (b"sub_id=x", "application/x-www-form-urlencoded"),
        (b'{"sub_id": {"format": "email", "email": "ada@example.com"}}', "text/plain"),
    ],
    ids=["empty", "cut off", "a list", "a text", "half a character", "a form", "another media type"],
)
async def test_a_body_that_is_none_is_a_bad_request(script: httpx.AsyncClient, content: bytes, kind: str) -> None:
    headers = bearer(await token_of(script)) | {"Content-Type": kind}
    answer = await script.post(PATH, content=content, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.spec("standards", "GT-2")
@pytest.mark.spec("standards", "GT-4")
async def test_without_a_token_that_counts_nobody_is_told_anything(
    site: Service, browser: httpx.AsyncClient, script: httpx.AsyncClient
) -> None:
    await site.user("gray")
    bare = await script.post(PATH, json=by_email("gray"))
    assert (bare.status_code, bare.headers["www-authenticate"]) == (401, f'Bearer realm="{ISSUER}"')
    elsewhere = [await token_of(script, resource=resource) for resource in (LEDGER, FILES)]
    for token in ("x", "asat_" + "A" * 70, *elsewhere):
        refused = await revoke(script, by_email("gray"), token)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")
        assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    own = await script.post(PATH, json=by_email("gray"), auth=("guardian", SECRET))
    assert own.status_code == 401
    bodies: tuple[dict[str, Any], ...] = ({}, {"sub_id": {}}, by_email("nobody"))
    for sent in bodies:
        assert (await script.post(PATH, json=sent)).status_code == 401
    await sign_in(browser, "gray")
    assert (await browser.post(PATH, json=by_email("gray"))).status_code == 401
    kept = (await redeem(browser, "web", await obtain_code(browser, "web", "gray"))).json()["access_token"]
    refused = await revoke(script, by_email("gray"), kept)
    assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")
    assert f'scope="{SCOPE}"' in refused.headers["www-authenticate"]
    assert await seen(script, kept)


@pytest.mark.spec("standards", "GT-2")
@pytest.mark.spec("standards", "GT-4")
async def test_a_machine_without_the_scope_may_not(site: Service, script: httpx.AsyncClient) -> None:
    await site.user("harper")
    for form in ({"scope": "project:read"}, {"scope": ""}):
        token = (await ask(script, **form)).json()["access_token"]
        refused = await revoke(script, by_email("harper"), token)
        assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")
    assert (await revoke(script, by_email("harper"), await token_of(script, scope=f"project:read {SCOPE}"))).is_success


@pytest.mark.spec("standards", "GT-2")
async def test_only_an_application_for_which_the_scope_is_named_gets_it(script: httpx.AsyncClient) -> None:
    for client_id in ("sweeper", "limited"):
        refused = await ask(script, client_id, scope=SCOPE)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")


@pytest.mark.spec("standards", "GT-2")
async def test_no_person_can_allow_it_or_have_it(site: Service, browser: httpx.AsyncClient) -> None:
    await site.user("indy")
    await site.application("both", scopes=(SCOPE, "project:read"))
    refused = answer_of(await browser.get(authorize_url("both", scope=f"project:read {SCOPE}")))
    assert refused["error"] == "invalid_scope"
    device = await devices.begin(browser, "tv", secret=None, scope=SCOPE)
    assert (device.status_code, device.json()["error"]) == (400, "invalid_scope")
    headers = (await enter(browser, "indy")).headers
    own = await browser.post("/api/v1/tokens", json={"name": "all", "scopes": [SCOPE]}, headers=headers)
    assert own.status_code == 400
    assert SCOPE in own.text
    made = await browser.post("/api/v1/applications", json={"client_name": "Mine", "scopes": [SCOPE]}, headers=headers)
    assert made.status_code == 400
    assert SCOPE in made.text
    assert SCOPE not in {scope.name for scope in site.server.scopes}
    assert SCOPE not in site.server.roles.governed


@pytest.mark.spec("standards", "GT-2")
async def test_the_operator_may_by_the_system_key(site: Service, script: httpx.AsyncClient) -> None:
    person = str(await site.user("jules"))
    assert (await revoke(script, by_email("jules"), SYSTEM_KEY)).status_code == 204
    told = [entry for entry in await entries_about(site.database, person) if entry.event == "user.tokens_revoked"]
    assert [(entry.actor_kind, entry.actor_id) for entry in told] == [("system_key", "system")]


@pytest.mark.spec("standards", "GT-2")
async def test_a_token_that_is_bound_to_a_key_counts_with_its_proof_once(
    site: Service, script: httpx.AsyncClient
) -> None:
    await site.user("kit")
    holder = Holder()
    proof = holder.proof("POST", f"{ISSUER}/oauth/token", at=site.clock())
    data = {"grant_type": "client_credentials", "scope": SCOPE}
    issued = await script.post("/oauth/token", data=data, auth=("guardian", SECRET), headers={"DPoP": proof})
    token = issued.json()["access_token"]
    assert issued.json()["token_type"] == "DPoP"
    assert (await revoke(script, by_email("kit"), token)).status_code == 401
    shown = {
        "Authorization": f"DPoP {token}",
        "DPoP": holder.proof("POST", f"{ISSUER}{PATH}", at=site.clock(), token=token),
    }
    assert (await script.post(PATH, json=by_email("kit"), headers=shown)).status_code == 204
    again = await script.post(PATH, json=by_email("kit"), headers=shown)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_dpop_proof")
    assert again.headers["www-authenticate"].startswith("DPoP ")


async def test_a_website_cannot_ask(site: Service, script: httpx.AsyncClient) -> None:
    await site.user("lou")
    headers = {"Origin": "https://evil.example"}
    refused = await revoke(script, by_email("lou"), headers=headers)
    assert refused.status_code == 403
    assert "access-control-allow-origin" not in refused.headers
    assert (await script.options(PATH, headers=headers)).status_code == 405


@pytest.mark.spec("standards", "GT-3")
async def test_refreshes_and_sign_ins_that_race_with_it_leave_nothing_alive(
    site: Service, browser: httpx.AsyncClient, script: httpx.AsyncClient
) -> None:
    await site.user("max")
    families = []
    for _ in range(20):
        code = await obtain_code(browser, "web", "max")
        families.append((await redeem(browser, "web", code)).json()["refresh_token"])
    codes = [await obtain_code(browser, "web", "max") for _ in range(5)]
    token = await token_of(script)
    answers = await asyncio.gather(
        *(refreshed(script, family) for family in families),
        revoke(script, by_email("max"), token),
        *(redeem(script, "web", code) for code in codes),
    )
    done = answers.pop(20)
    assert done.status_code == 204
    for answer in answers:
        assert answer.status_code in (200, 400)
        if answer.status_code == 200:
            assert not await seen(script, answer.json()["access_token"])
            assert (await refreshed(script, answer.json()["refresh_token"])).status_code == 400


@pytest.mark.spec("standards", "A7.1")
@pytest.mark.spec("standards", "GT-5")
async def test_the_endpoint_is_published_where_it_is_on_and_nowhere_else(site: Service, database: Database) -> None:
    async with site.browser() as client:
        document = (await client.get("/.well-known/oauth-authorization-server")).json()
        assert document["global_token_revocation_endpoint"] == f"{ISSUER}{PATH}"
        assert document["global_token_revocation_endpoint_auth_methods_supported"] == ["Bearer", "DPoP"]
        assert PATH in (await client.get("/openapi.json")).json()["paths"]
    async with service(database) as plain, plain.browser() as client:
        assert (await client.post(PATH, json=by_email("ada"))).status_code == 404
        document = (await client.get("/.well-known/oauth-authorization-server")).json()
        assert not [name for name in document if name.startswith("global_token")]
        assert (await ask(client, scope=SCOPE)).json()["error"] == "invalid_scope"
