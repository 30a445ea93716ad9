"""POST /oauth/par at the wire: what may be pushed, by whom, and what it is answered (RFC 9126 §2, §3)."""

from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from app.models import Application
from app.models.pushed_request import PushedRequest
from app.protocol.authorize.pushed import REQUEST_URI
from app.protocol.features import Feature
from app.protocol.token_format import Prefix, parse_credential
from app.store import traces
from app.store.database import Database
from tests.endpoints.test_budgets import remembering, trips_of
from tests.support.assertions import claims_of, form, key_of, key_set, register, signed
from tests.support.credentials import change
from tests.support.dpop import Holder
from tests.support.pushing import ENDPOINT, answered, push, pushed, pushed_url, request_of
from tests.support.service import ISSUER, REDIRECT_URI, SECRET, Service, redeem, service, sign_in

PAR = f"{ISSUER}{ENDPOINT}"
HOLDER, THIEF = Holder(), Holder()
SIGNING: dict[str, Any] = {
    "token_endpoint_auth_method": "private_key_jwt",
    "redirect_uris": [REDIRECT_URI],
    "grant_types": ["authorization_code"],
    "id_token_signed_response_alg": "ES256",
}


@pytest.fixture(scope="module", autouse=True)
async def applications(site: Service) -> None:
    """`signer` and `strict` prove themselves by a key, which signs request objects as well; `strict` is FAPI's."""
    await register(site, client_id="signer", jwks=key_set(key_of("signer")), **SIGNING)
    await register(site, client_id="strict", jwks=key_set(key_of("strict")), profile="fapi2", **SIGNING)
    await site.application("quick")


def error_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


async def kept(site: Service) -> int:
    """Return how many requests are kept."""
    async with site.database.transaction() as transaction:
        return await transaction.scalar(select(func.count()).select_from(PushedRequest)) or 0


async def by_assertion(site: Service, browser: httpx.AsyncClient, client_id: str, audience: object) -> httpx.Response:
    text = signed(claims_of(client_id, audience, site.clock()), key_of(client_id))
    return await browser.post(ENDPOINT, data={**request_of(client_id), **form(text)})


def proof(site: Service, holder: Holder = HOLDER, url: str = PAR, **claims: Any) -> str:
    return holder.proof("POST", url, at=site.clock(), **claims)


def at_address(site: Service, address: str) -> httpx.AsyncClient:
    """Return a client that comes from there."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(site.app, client=(address, 1)), base_url=ISSUER)


@pytest.mark.spec("standards", "PAR-1")
@pytest.mark.spec("standards", "PAR-7")
@pytest.mark.spec("standards", "PAR-8")
@pytest.mark.spec("standards", "PAR-9")
@pytest.mark.spec("standards", "G5")
async def test_a_pushed_request_is_answered_with_a_reference_that_nothing_keeps(browser: httpx.AsyncClient) -> None:
    first, second = await push(browser, "web"), await push(browser, "web")
    assert first.status_code == 201
    assert (first.headers["cache-control"], first.headers["content-type"]) == ("no-cache, no-store", "application/json")
    assert set(first.json()) == {"request_uri", "expires_in"}
    assert (type(first.json()["expires_in"]), first.json()["expires_in"]) == (int, 90)
    assert first.json()["request_uri"].startswith(REQUEST_URI)
    found = parse_credential(Prefix.PUSHED_REQUEST, first.json()["request_uri"].removeprefix(REQUEST_URI))
    assert found is not None
    assert len(found.secret) == 32
    assert first.json()["request_uri"] != second.json()["request_uri"]


@pytest.mark.spec("standards", "PAR-1")
async def test_only_forms_are_taken_and_only_so_much(browser: httpx.AsyncClient) -> None:
    got = await browser.get(ENDPOINT)
    assert (got.status_code, got.headers["allow"]) == (405, "POST, OPTIONS")
    auth = ("web", SECRET)
    assert (await browser.post(ENDPOINT, data={"state": "x" * 1_000_001}, auth=auth)).status_code == 413
    assert error_of(await browser.post(ENDPOINT, json={}, auth=auth)) == (400, "invalid_request")
    in_address = await browser.post(f"{ENDPOINT}?client_id=web", data=request_of("web"), auth=auth)
    assert error_of(in_address) == (400, "invalid_request")
    twice = await push(browser, "web", scope=["project:read", "event:read"])
    assert error_of(twice) == (400, "invalid_request")


@pytest.mark.spec("standards", "PAR-2")
@pytest.mark.spec("standards", "PAR-4")
@pytest.mark.parametrize(
    ("client_id", "secret", "status"),
    [
        pytest.param("web", SECRET, 201, id="by Basic"),
        pytest.param("spa", None, 201, id="public"),
        pytest.param("web", None, 401, id="without its secret"),
        pytest.param("web", "wrong", 401, id="with another secret"),
        pytest.param("spa", SECRET, 401, id="public with a secret"),
        pytest.param("nobody", None, 401, id="unknown"),
        pytest.param("strict", None, 401, id="without its assertion"),
    ],
)
async def test_clients_authenticate_as_at_the_token_endpoint(
    browser: httpx.AsyncClient, client_id: str, secret: str | None, status: int
) -> None:
    answer = await push(browser, client_id, secret=secret)
    assert answer.status_code == status, answer.text
    assert status == 201 or error_of(answer) == (401, "invalid_client")


@pytest.mark.spec("standards", "PAR-4")
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"client_id": None}, id="no client"),
        pytest.param({"request_uri": f"{REQUEST_URI}x"}, id="a reference of ours"),
        pytest.param({"request_uri": "https://client.example/r"}, id="a reference elsewhere"),
    ],
)
async def test_a_form_names_its_client_and_no_reference(
    browser: httpx.AsyncClient, changes: dict[str, str | None]
) -> None:
    answer = await browser.post(ENDPOINT, data=request_of(**{"client_id": "web", **changes}), auth=("web", SECRET))
    assert error_of(answer) == (400, "invalid_request")


async def test_a_request_is_pushed_for_oneself_alone(browser: httpx.AsyncClient) -> None:
    response = await browser.post(ENDPOINT, data=request_of("other"), auth=("web", SECRET))
    assert error_of(response) == (400, "invalid_request")


@pytest.mark.spec("standards", "PAR-3")
@pytest.mark.parametrize("audience", [ISSUER, f"{ISSUER}/oauth/token", PAR])
async def test_assertions_may_name_this_endpoint_the_token_endpoint_and_the_issuer(
    site: Service, browser: httpx.AsyncClient, audience: str
) -> None:
    assert (await by_assertion(site, browser, "signer", audience)).status_code == 201


@pytest.mark.spec("standards", "PAR-3")
@pytest.mark.parametrize(
    ("client_id", "audience"),
    [
        pytest.param("signer", "https://elsewhere.example/oauth/par", id="another server"),
        pytest.param("signer", [ISSUER, "https://elsewhere.example"], id="another server as well"),
        pytest.param("signer", f"{ISSUER}/oauth/introspect", id="another endpoint"),
        pytest.param("strict", PAR, id="more than the issuer, where strict"),
        pytest.param("strict", f"{ISSUER}/oauth/token", id="the token endpoint, where strict"),
    ],
)
async def test_assertions_name_nobody_else(
    site: Service, browser: httpx.AsyncClient, client_id: str, audience: object
) -> None:
    assert error_of(await by_assertion(site, browser, client_id, audience)) == (401, "invalid_client")


@pytest.mark.spec("standards", "F-20")
async def test_a_client_that_is_held_to_fapi_pushes_with_proof_of_who_it_is(
    site: Service, browser: httpx.AsyncClient
) -> None:
    assert (await by_assertion(site, browser, "strict", ISSUER)).status_code == 201


@pytest.mark.spec("standards", "PAR-5")
@pytest.mark.spec("standards", "PAR-14")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"redirect_uri": "https://client.example/other"}, "invalid_request", id="unregistered address"),
        pytest.param({"response_mode": "web_message"}, "invalid_request", id="unknown mode"),
        pytest.param({"response_type": None}, "invalid_request", id="no response type"),
        pytest.param({"response_type": "token"}, "unsupported_response_type", id="unknown response type"),
        pytest.param({"response_type": "code id_token"}, "unauthorized_client", id="unregistered response type"),
        pytest.param({"code_challenge": None, "code_challenge_method": None}, "invalid_request", id="no challenge"),
        pytest.param({"code_challenge_method": "plain"}, "invalid_request", id="plain challenge"),
        pytest.param({"scope": "no:such"}, "invalid_scope", id="unknown scope"),
        pytest.param({"scope": "openid", "redirect_uri": None}, "invalid_request", id="OpenID without an address"),
        pytest.param({"resource": "https://nowhere.example/"}, "invalid_target", id="unknown resource"),
        pytest.param({"prompt": "none login"}, "invalid_request", id="contradicting prompts"),
        pytest.param({"max_age": "soon"}, "invalid_request", id="no number"),
        pytest.param({"dpop_jkt": "short"}, "invalid_request", id="no thumbprint"),
        pytest.param({"state": "x" * 5000}, "invalid_request", id="too long"),
        pytest.param({"scope": "openid", "id_token_hint": "x.y.z"}, "invalid_request", id="no ID token"),
        pytest.param({"registration": "{}"}, "registration_not_supported", id="registration"),
    ],
)
async def test_what_the_authorization_endpoint_would_refuse_is_refused_at_once(
    site: Service, browser: httpx.AsyncClient, changes: dict[str, str | None], error: str
) -> None:
    before = await kept(site)
    answer = await push(browser, "web", **changes)
    assert error_of(answer) == (400, error)
    assert answer.json()["error_description"]
    assert answer.headers["cache-control"] == "no-store"
    assert await kept(site) == before


@pytest.mark.spec("standards", "PAR-5")
@pytest.mark.parametrize("prompt", ["none", "login", "consent"])
async def test_a_person_is_asked_later_and_never_missed_here(browser: httpx.AsyncClient, prompt: str) -> None:
    assert (await push(browser, "web", prompt=prompt, max_age="0")).status_code == 201


@pytest.mark.spec("standards", "PAR-6")
async def test_a_request_object_is_all_of_the_request(site: Service, browser: httpx.AsyncClient) -> None:
    inside = {"response_type": "code", "redirect_uri": REDIRECT_URI, "scope": "project:read", "state": "inside"}
    challenge = {name: str(request_of("signer")[name]) for name in ("code_challenge", "code_challenge_method")}

    def object_of(client_id: str, signer: str = "signer") -> str:
        claims = claims_of("signer", ISSUER, site.clock(), sub=None)
        return signed({**claims, "client_id": client_id, **inside, **challenge}, key_of(signer), kid=None)

    async def send(text: str, **beside: str) -> httpx.Response:
        proven = form(signed(claims_of("signer", ISSUER, site.clock()), key_of("signer")))
        return await browser.post(ENDPOINT, data={"request": text, **proven, **beside})

    sent = await send(object_of("signer"), client_id="signer")
    assert sent.status_code == 201, sent.text
    answer = await answered(browser, pushed_url("signer", sent.json()["request_uri"]))
    assert answer["state"] == "inside"
    assert (await send(object_of("signer"))).status_code == 201
    assert error_of(await send(object_of("other")))[0] == 400
    assert error_of(await send(object_of("signer", "thief"))) == (400, "invalid_request_object")
    assert error_of(await send(object_of("signer"), request_uri=f"{REQUEST_URI}x")) == (400, "invalid_request")


@pytest.mark.spec("standards", "PAR-15")
@pytest.mark.spec("standards", "DP-13")
@pytest.mark.parametrize("how", ["named", "proved", "both"])
async def test_a_code_is_bound_to_the_key_that_is_named_or_proved(
    site: Service, browser: httpx.AsyncClient, how: str
) -> None:
    shown = proof(site) if how != "named" else None
    jkt = HOLDER.jkt if how != "proved" else None
    request_uri = await pushed(browser, "web", proof=shown, dpop_jkt=jkt)
    code = (await answered(browser, pushed_url("web", request_uri)))["code"]
    assert error_of(await redeem(browser, "web", code))[0] == 400
    data = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI}
    data |= {"code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"}
    token = f"{ISSUER}/oauth/token"

    async def with_key(holder: Holder) -> httpx.Response:
        shown = {"dpop": proof(site, holder, token)}
        return await browser.post("/oauth/token", data=data, headers=shown, auth=("web", SECRET))

    assert error_of(await with_key(THIEF))[0] == 400
    bound = await with_key(HOLDER)
    assert (bound.status_code, bound.json()["token_type"]) == (200, "DPoP")


@pytest.mark.spec("standards", "PAR-15")
@pytest.mark.spec("standards", "DP-6")
@pytest.mark.spec("standards", "DP-16")
async def test_a_proof_is_judged_as_everywhere(site: Service, browser: httpx.AsyncClient) -> None:
    shown = proof(site)
    mismatch = await push(browser, "web", proof=shown, dpop_jkt=THIEF.jkt)
    assert error_of(mismatch) == (400, "invalid_request")
    assert (await push(browser, "web", proof=shown)).status_code == 201  # what was refused has burned nothing
    assert error_of(await push(browser, "web", proof=shown)) == (400, "invalid_dpop_proof")
    elsewhere = proof(site, url=f"{ISSUER}/oauth/token")
    assert error_of(await push(browser, "web", proof=elsewhere)) == (400, "invalid_dpop_proof")


@pytest.mark.spec("standards", "DP-10")
async def test_a_nonce_is_asked_for_where_the_operator_wants_one(database: Database, site: Service) -> None:
    async with service(database, dpop={"require_nonce": True}) as careful, careful.browser() as browser:
        asked = await push(browser, "web", proof=proof(careful))
        assert error_of(asked) == (400, "use_dpop_nonce")
        again = proof(careful, nonce=asked.headers["dpop-nonce"])
        assert (await push(browser, "web", proof=again)).status_code == 201


async def test_without_proofs_of_possession_nobody_looks_at_them(database: Database, site: Service) -> None:
    async with service(database, features={Feature.DPOP.key: False}) as plain, plain.browser() as browser:
        assert (await push(browser, "web", proof="nonsense", dpop_jkt="short")).status_code == 201


@pytest.mark.spec("standards", "PAR-1")
async def test_clients_that_nobody_can_tell_apart_push_so_many_from_one_address(
    database: Database, site: Service
) -> None:
    async with service(database, limits={"pushed_requests": 3}) as narrow, at_address(narrow, "192.0.2.7") as browser:
        before = await kept(narrow)
        assert [(await push(browser, "spa", secret=None)).status_code for _ in range(3)] == [201] * 3
        narrow.clock.forward(60)
        refused = await push(browser, "spa", secret=None)
        assert error_of(refused) == (429, "temporarily_unavailable")
        assert refused.headers["retry-after"] == "540"
        assert (await push(browser, "web")).status_code == 201  # who proves who he is waits for nobody
        assert await kept(narrow) == before + 4
        narrow.clock.forward(540)
        assert (await push(browser, "spa", secret=None)).status_code == 201


async def test_an_address_that_is_not_known_has_no_limit(database: Database, site: Service) -> None:
    async with service(database, limits={"pushed_requests": 1}) as narrow, at_address(narrow, "") as browser:
        assert [(await push(browser, "spa", secret=None)).status_code for _ in range(2)] == [201] * 2


@pytest.mark.spec("standards", "CO-1")
async def test_browser_applications_may_push_from_any_origin(browser: httpx.AsyncClient) -> None:
    preflight = await browser.options(ENDPOINT, headers={"Origin": "https://app.example"})
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert preflight.headers["access-control-allow-methods"] == "POST, OPTIONS"
    refused = await browser.post(ENDPOINT, data={"client_id": "nobody"}, headers={"Origin": "https://app.example"})
    assert refused.headers["access-control-allow-origin"] == "*"


@pytest.mark.spec("standards", "PAR-13")
async def test_the_metadata_tells_where_and_whether_everybody_has_to(database: Database, site: Service) -> None:
    for required in (False, True):
        async with service(database, require_pushed_requests=required) as running, running.browser() as browser:
            for name in ("oauth-authorization-server", "openid-configuration"):
                document = (await browser.get(f"/.well-known/{name}")).json()
                assert document["pushed_authorization_request_endpoint"] == PAR
                assert document["require_pushed_authorization_requests"] is required


async def test_switched_off_there_is_nothing_of_it(database: Database, site: Service) -> None:
    async with service(database, features={Feature.PUSHED_REQUESTS.key: False}) as off, off.browser() as browser:
        assert (await push(browser, "web")).status_code == 404
        document = (await browser.get("/.well-known/oauth-authorization-server")).json()
        assert "pushed_authorization_request_endpoint" not in document
        assert "require_pushed_authorization_requests" not in document


@pytest.mark.spec("standards", "PAR-9")
async def test_how_long_a_reference_lives_is_the_operators_word(database: Database, site: Service) -> None:
    async with service(database, lifetimes={"pushed_request": 20}) as brief, brief.browser() as browser:
        answer = await push(browser, "web")
        assert answer.json()["expires_in"] == 20


@pytest.mark.parametrize(
    ("changes", "outcome", "failed"),
    [
        pytest.param({}, "pushed", [], id="kept"),
        pytest.param({"scope": "no:such"}, "refused: invalid_scope", ["scope"], id="refused by a check"),
        pytest.param({"redirect_uri": "https://x.example/"}, "refused: invalid_request", ["return path"], id="address"),
        pytest.param({"request_uri": "urn:x"}, "refused: invalid_request", ["request"], id="refused as a form"),
    ],
)
async def test_an_operator_can_read_what_was_decided(
    site: Service, browser: httpx.AsyncClient, changes: dict[str, str], outcome: str, failed: list[str]
) -> None:
    answer = await push(browser, "web", **changes)
    request_id = answer.headers["x-request-id"]
    await site.server.traces.flush()
    [entry] = await traces.find(site.database, request_id)
    assert (entry.endpoint, entry.client_id, entry.outcome) == ("par", "web", outcome)
    assert [step.check for step in entry.steps if step.outcome == "refused"] == failed
    operator = f"operator-{request_id[-6:]}"
    await site.user(operator, operator=True)
    await sign_in(browser, operator)
    page = await browser.get(f"/admin/requests/{request_id}")
    assert ("Refused" if failed else "Sent ahead") in page.text


async def test_pushing_takes_two_trips_and_one_once_the_application_is_known(
    site: Service, browser: httpx.AsyncClient
) -> None:
    assert await trips_of(push(browser, "quick"), 201) == ["gather_client", "place_pushed"]
    with remembering(site.database.applications):
        await push(browser, "quick")
        assert await trips_of(push(browser, "quick"), 201) == ["place_pushed"]
        shown = proof(site)
        assert await trips_of(push(browser, "quick", proof=shown), 201) == ["place_pushed.proved"]


@pytest.mark.spec("standards", "PAR-12")
async def test_what_is_remembered_of_an_application_is_a_hint(site: Service, browser: httpx.AsyncClient) -> None:
    application_id = await site.application("moving")
    with remembering(site.database.applications):
        await push(browser, "moving")
        await change(site, Application, application_id, version=2, redirect_uris=["https://client.example/new"])
        trips = await trips_of(push(browser, "moving", proof=proof(site)), 400)
    assert trips == ["place_pushed.proved", "gather_client"]
