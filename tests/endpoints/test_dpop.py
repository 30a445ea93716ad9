"""Tokens that are bound to a key by DPoP, from the token endpoint on (RFC 9449; standards B3)."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.models import Application
from app.protocol import dpop_nonce
from app.store.database import Database
from tests.endpoints.test_budgets import remembering, trips_of
from tests.support.credentials import change
from tests.support.dpop import Holder
from tests.support.facts import VERIFIER
from tests.support.service import ISSUER, KEYS, REDIRECT_URI, SECRET, Service, obtain_code, service

TOKEN = f"{ISSUER}/oauth/token"
MACHINE: dict[str, Any] = {"kind": "machine", "redirect_uris": (), "response_types": ()}
HOLDER, THIEF = Holder(), Holder()


@pytest.fixture(scope="module", autouse=True)
async def applications(site: Service) -> None:
    """`sweeper` may bind its tokens, `bound` has to."""
    await site.application("sweeper", **MACHINE, grant_types=("client_credentials",))
    await site.application("bound", **MACHINE, grant_types=("client_credentials",), policy={"dpop_bound": True})


def proof(site: Service, holder: Holder = HOLDER, method: str = "POST", url: str = TOKEN, **claims: Any) -> str:
    return holder.proof(method, url, at=site.clock(), **claims)


async def ask(browser: httpx.AsyncClient, *proofs: str, client_id: str = "sweeper", **data: str) -> httpx.Response:
    form = {"grant_type": "client_credentials", **data}
    headers = [("dpop", one) for one in proofs]
    return await browser.post("/oauth/token", data=form, headers=headers, auth=(client_id, SECRET))


async def redeem(browser: httpx.AsyncClient, code: str, proof: str | None, client_id: str = "spa") -> httpx.Response:
    """Exchange a code of a public client, or of a confidential one."""
    data = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
    return await grant(browser, client_id, proof, data)


async def refresh(browser: httpx.AsyncClient, token: str, proof: str | None, client_id: str = "spa") -> httpx.Response:
    return await grant(browser, client_id, proof, {"grant_type": "refresh_token", "refresh_token": token})


async def grant(browser: httpx.AsyncClient, client_id: str, proof: str | None, data: dict[str, str]) -> httpx.Response:
    """Ask as a public client that names itself, or as a confidential one."""
    headers = {} if proof is None else {"dpop": proof}
    if client_id == "spa":
        return await browser.post("/oauth/token", data={"client_id": client_id, **data}, headers=headers)
    return await browser.post("/oauth/token", data=data, headers=headers, auth=(client_id, SECRET))


def is_refused(answer: httpx.Response, code: str) -> bool:
    assert (answer.status_code, answer.headers["cache-control"]) == (400, "no-store")
    return bool(answer.json()["error"] == code)


async def cnf(browser: httpx.AsyncClient, token: str) -> tuple[Any, Any]:
    """Return what introspection says of the token's type and key."""
    answer = await browser.post("/oauth/introspect", data={"token": token}, auth=("web", SECRET))
    return answer.json().get("token_type"), answer.json().get("cnf")


@pytest.mark.spec("standards", "DP-1")
@pytest.mark.spec("standards", "DP-7")
@pytest.mark.spec("standards", "DP-15")
async def test_every_grant_binds_its_token_to_the_key_of_a_proof(site: Service, browser: httpx.AsyncClient) -> None:
    machine = await ask(browser, proof(site))
    code = await redeem(browser, await obtain_code(browser, "spa", "robin"), proof(site))
    refreshed = await refresh(browser, code.json()["refresh_token"], proof(site))
    for answer in (machine, code, refreshed):
        assert answer.status_code == 200, answer.text
        assert answer.json()["token_type"] == "DPoP"
        assert await cnf(browser, answer.json()["access_token"]) == ("DPoP", {"jkt": HOLDER.jkt})
        assert "dpop-nonce" not in answer.headers


@pytest.mark.spec("standards", "DP-7")
async def test_without_a_proof_a_token_is_of_the_bearer_kind(browser: httpx.AsyncClient) -> None:
    answer = await ask(browser)
    assert answer.json()["token_type"] == "Bearer"
    assert await cnf(browser, answer.json()["access_token"]) == ("Bearer", None)


@pytest.mark.spec("standards", "DP-8")
async def test_an_application_whose_tokens_are_bound_gets_none_without_a_proof(
    site: Service, browser: httpx.AsyncClient
) -> None:
    assert is_refused(await ask(browser, client_id="bound"), "invalid_dpop_proof")
    assert (await ask(browser, proof(site), client_id="bound")).json()["token_type"] == "DPoP"


@pytest.mark.spec("standards", "DP-1")
async def test_two_headers_are_refused(site: Service, browser: httpx.AsyncClient) -> None:
    answer = await ask(browser, proof(site), proof(site))
    assert is_refused(answer, "invalid_dpop_proof")
    assert "once" in answer.json()["error_description"]


@pytest.mark.spec("standards", "DP-3")
@pytest.mark.spec("standards", "DP-4")
@pytest.mark.spec("standards", "DP-16")
@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", TOKEN),
        ("POST", f"{ISSUER}/oauth/introspect"),
        ("POST", f"{ISSUER}/oauth/par"),
        ("POST", f"{ISSUER}/oauth/token/"),
        ("POST", "https://evil.example/oauth/token"),
        ("POST", f"http{ISSUER.removeprefix('https')}/oauth/token"),
    ],
)
async def test_a_proof_for_something_else_proves_nothing(
    site: Service, browser: httpx.AsyncClient, method: str, url: str
) -> None:
    assert is_refused(await ask(browser, proof(site, method=method, url=url)), "invalid_dpop_proof")


@pytest.mark.spec("standards", "DP-4")
async def test_the_host_that_a_request_names_decides_nothing(site: Service, browser: httpx.AsyncClient) -> None:
    data, auth = {"grant_type": "client_credentials"}, ("sweeper", SECRET)
    for host, url, status in (
        ("evil.example", "https://evil.example/oauth/token", 400),
        ("evil.example", TOKEN, 200),
    ):
        headers = {"host": host, "x-forwarded-host": host, "dpop": proof(site, url=url)}
        assert (await browser.post("/oauth/token", data=data, headers=headers, auth=auth)).status_code == status


@pytest.mark.spec("standards", "DP-6")
async def test_a_proof_counts_once(site: Service, browser: httpx.AsyncClient) -> None:
    same = proof(site)
    assert (await ask(browser, same)).status_code == 200
    again = await ask(browser, same)
    assert is_refused(again, "invalid_dpop_proof")
    assert "before" in again.json()["error_description"]
    renamed = [proof(site, jti="the name of a proof") for _ in range(2)]
    site.clock.forward(1)
    renamed.append(proof(site, jti="the name of a proof"))
    assert [(await ask(browser, one)).status_code for one in renamed] == [200, 400, 400]
    assert (await ask(browser, proof(site, THIEF, jti="the name of a proof"))).status_code == 200


@pytest.mark.spec("standards", "DP-6")
async def test_a_proof_that_was_shown_with_a_wrong_secret_is_as_good_as_new(
    site: Service, browser: httpx.AsyncClient
) -> None:
    kept = proof(site)
    form = {"grant_type": "client_credentials"}
    wrong = await browser.post("/oauth/token", data=form, headers={"dpop": kept}, auth=("sweeper", "wrong"))
    assert wrong.status_code == 401
    unknown = await ask(browser, kept, scope="nobody:knows")
    assert is_refused(unknown, "invalid_scope")
    assert (await ask(browser, kept)).status_code == 200


@pytest.mark.spec("standards", "DP-11")
async def test_a_replayed_proof_costs_no_code(site: Service, browser: httpx.AsyncClient) -> None:
    same = proof(site)
    assert (await ask(browser, same)).status_code == 200
    code = await obtain_code(browser, "spa", "robin")
    assert is_refused(await redeem(browser, code, same), "invalid_dpop_proof")
    assert (await redeem(browser, code, proof(site))).status_code == 200


@pytest.mark.spec("standards", "DP-13")
async def test_a_code_that_names_a_key_is_for_that_key(site: Service, browser: httpx.AsyncClient) -> None:
    code = await obtain_code(browser, "spa", "robin", dpop_jkt=HOLDER.jkt)
    assert is_refused(await redeem(browser, code, None), "invalid_grant")
    assert is_refused(await redeem(browser, code, proof(site, THIEF)), "invalid_grant")
    answer = await redeem(browser, code, proof(site))
    assert answer.json()["token_type"] == "DPoP"


@pytest.mark.spec("standards", "DP-9")
@pytest.mark.spec("standards", "RF-10")
@pytest.mark.spec("standards", "RF-6")
@pytest.mark.spec("standards", "BC-4")
async def test_the_refresh_token_of_a_public_client_is_for_its_key_and_is_not_rotated(
    site: Service, browser: httpx.AsyncClient
) -> None:
    token = (await redeem(browser, await obtain_code(browser, "spa", "robin"), proof(site))).json()["refresh_token"]
    assert is_refused(await refresh(browser, token, None), "invalid_grant")
    assert is_refused(await refresh(browser, token, proof(site, THIEF)), "invalid_grant")
    for _ in range(2):
        answer = await refresh(browser, token, proof(site))
        assert answer.status_code == 200, answer.text
        assert "refresh_token" not in answer.json()


@pytest.mark.spec("standards", "DP-9")
@pytest.mark.spec("standards", "RF-10")
async def test_a_confidential_client_may_change_its_key(site: Service, browser: httpx.AsyncClient) -> None:
    code = await obtain_code(browser, "web", "robin")
    token = (await redeem(browser, code, proof(site), "web")).json()["refresh_token"]
    answer = await refresh(browser, token, proof(site, THIEF), "web")
    assert await cnf(browser, answer.json()["access_token"]) == ("DPoP", {"jkt": THIEF.jkt})


@pytest.mark.spec("standards", "RF-10")
async def test_a_refresh_token_that_a_public_client_gets_for_a_proof_is_for_its_key_whatever_the_one_before_was(
    site: Service, browser: httpx.AsyncClient
) -> None:
    token = (await redeem(browser, await obtain_code(browser, "spa", "robin"), None)).json()["refresh_token"]
    bound = (await refresh(browser, token, proof(site))).json()["refresh_token"]
    assert is_refused(await refresh(browser, bound, None), "invalid_grant")
    assert is_refused(await refresh(browser, bound, proof(site, THIEF)), "invalid_grant")
    answer = await refresh(browser, bound, proof(site))
    assert answer.json()["token_type"] == "DPoP"
    assert "refresh_token" not in answer.json()


@pytest.mark.spec("standards", "RF-10")
async def test_an_answer_that_was_lost_while_a_refresh_token_was_bound_is_repeated_for_its_key_alone(
    site: Service, browser: httpx.AsyncClient
) -> None:
    token = (await redeem(browser, await obtain_code(browser, "spa", "robin"), None)).json()["refresh_token"]
    lost = (await refresh(browser, token, proof(site))).json()["refresh_token"]
    assert is_refused(await refresh(browser, token, None), "invalid_grant")
    assert (await refresh(browser, token, proof(site))).json()["refresh_token"] == lost


@pytest.mark.spec("standards", "RF-3")
async def test_an_unbound_refresh_token_of_a_public_client_is_rotated_also_when_its_application_demands_proofs_now(
    site: Service, browser: httpx.AsyncClient
) -> None:
    """Whoever holds such a token may prove any key; so it must not live on unchanged."""
    token = (await redeem(browser, await obtain_code(browser, "spa", "robin"), None)).json()["refresh_token"]
    application = await site.database.hot.gather_client("spa")
    assert application is not None
    await change(site, Application, application.id, policy={"dpop_bound": True})
    assert is_refused(await refresh(browser, token, None), "invalid_dpop_proof")
    answer = await refresh(browser, token, proof(site, THIEF))
    await change(site, Application, application.id, policy={})
    assert answer.json()["token_type"] == "DPoP"
    assert answer.json()["refresh_token"] != token


@pytest.mark.spec("standards", "DP-6")
async def test_a_token_request_with_a_proof_takes_two_trips(site: Service, browser: httpx.AsyncClient) -> None:
    code = await obtain_code(browser, "spa", "robin")
    assert await trips_of(redeem(browser, code, proof(site))) == ["gather_code", "settle_code.proved"]
    with remembering(site.database.applications):
        await ask(browser, proof(site))
        assert await trips_of(ask(browser, proof(site))) == ["settle_machine_token.proved"]
    token = (await redeem(browser, await obtain_code(browser, "spa", "robin"), proof(site))).json()["refresh_token"]
    trips = await trips_of(refresh(browser, token, proof(site)))
    assert trips == ["gather_family", "settle_refresh.keep.proved"]


@pytest.mark.spec("standards", "DP-12")
async def test_scripts_of_other_sites_may_send_proofs_and_read_nonces(browser: httpx.AsyncClient) -> None:
    preflight = await browser.options("/oauth/token", headers={"origin": "https://app.example"})
    assert "DPoP" in preflight.headers["access-control-allow-headers"].split(", ")
    answer = await browser.post("/oauth/token", headers={"origin": "https://app.example"})
    assert {"DPoP-Nonce", "WWW-Authenticate"} <= set(answer.headers["access-control-expose-headers"].split(", "))
    preflight = await browser.options("/api/v1/me", headers={"origin": "https://app.example"})
    assert "DPoP" in preflight.headers["access-control-allow-headers"].split(", ")


@pytest.fixture(scope="module")
async def strict(site: Service, database: Database) -> AsyncIterator[Service]:
    """The same people and applications behind a server that demands nonces; its clock is its own."""
    async with service(database, dpop={"require_nonce": True}) as running:
        yield running


@pytest.mark.spec("standards", "DP-10")
@pytest.mark.spec("standards", "DP-11")
@pytest.mark.spec("standards", "TV-10")
@pytest.mark.spec("standards", "F-10")
async def test_the_nonce_round_trip_costs_neither_the_code_nor_the_name_of_the_proof(strict: Service) -> None:
    async with strict.browser() as browser:
        code = await obtain_code(browser, "spa", "robin")
        first = await redeem(browser, code, proof(strict, jti="kept for the retry"))
        assert is_refused(first, "use_dpop_nonce")
        [nonce] = first.headers.get_list("dpop-nonce")
        second = await redeem(browser, code, proof(strict, jti="kept for the retry", nonce=nonce))
        assert second.status_code == 200, second.text
        assert "dpop-nonce" not in second.headers


@pytest.mark.spec("standards", "DP-10")
async def test_a_nonce_rolls_over_before_it_ends(strict: Service) -> None:
    async with strict.browser() as browser:
        old = dpop_nonce.current(dpop_nonce.key_of(KEYS), strict.clock())
        strict.clock.forward(dpop_nonce.SPAN.total_seconds())
        answer = await ask(browser, proof(strict, nonce=old))
        assert answer.status_code == 200
        [new] = answer.headers.get_list("dpop-nonce")
        assert new != old
        strict.clock.forward(dpop_nonce.SPAN.total_seconds())
        stale = await ask(browser, proof(strict, nonce=old))
        assert is_refused(stale, "use_dpop_nonce")
        assert len(stale.headers.get_list("dpop-nonce")) == 1
        assert (await ask(browser, proof(strict, nonce=new))).status_code == 200


@pytest.mark.spec("standards", "DP-10")
@pytest.mark.parametrize("nonce", ["A" * 24, "", "eyJ7S_zG.eyJH0-Z.HX4w-7v"])
async def test_a_forged_nonce_is_answered_with_a_real_one(strict: Service, nonce: str) -> None:
    async with strict.browser() as browser:
        answer = await ask(browser, proof(strict, nonce=nonce))
        assert is_refused(answer, "use_dpop_nonce")
        assert answer.headers["dpop-nonce"] != nonce


@pytest.mark.spec("standards", "DP-10")
async def test_requests_without_proofs_go_on_without_nonces(strict: Service) -> None:
    async with strict.browser() as browser:
        answer = await ask(browser)
        assert answer.json()["token_type"] == "Bearer"
        assert "dpop-nonce" not in answer.headers


@pytest.mark.spec("standards", "DP-4")
@pytest.mark.parametrize("path", ["/oauth/token", "/t1/oauth/token"])
async def test_an_issuer_with_a_path_is_part_of_the_address_whether_its_proxy_strips_it_or_not(
    site: Service, database: Database, path: str
) -> None:
    async with service(database, issuer=f"{ISSUER}/t1") as below, below.browser() as browser:
        for url, status in ((f"{ISSUER}/t1/oauth/token", 200), (f"{ISSUER}/oauth/token", 400)):
            headers = {"dpop": proof(below, url=url)}
            data = {"grant_type": "client_credentials"}
            answer = await browser.post(path, data=data, headers=headers, auth=("sweeper", SECRET))
            assert answer.status_code == status


async def test_where_dpop_is_switched_off_a_proof_is_no_more_than_a_header(database: Database, site: Service) -> None:
    async with service(database, features={"dpop": False}) as without, without.browser() as browser:
        assert (await ask(browser, "whatever")).json()["token_type"] == "Bearer"
        assert is_refused(await ask(browser, proof(without), client_id="bound"), "invalid_dpop_proof")


@pytest.mark.spec("standards", "G4")
@pytest.mark.parametrize("announced", [HOLDER.jkt, "whatever"], ids=["a thumbprint", "none"])
async def test_where_dpop_is_switched_off_nobody_knows_its_parameter(database: Database, announced: str) -> None:
    async with service(database, features={"dpop": False}) as without, without.browser() as browser:
        code = await obtain_code(browser, "spa", "robin", dpop_jkt=announced)
        assert (await redeem(browser, code, None)).json()["token_type"] == "Bearer"
