"""Authorization answers as JWTs (JARM): in every mode, for success and error, signed and encrypted."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from app.crypto import jose
from app.models import Application
from app.protocol.errors import ErrorCode, OAuthError
from app.store.database import Database
from tests.endpoints.test_response_modes import posted
from tests.support.assertions import key_set
from tests.support.credentials import change
from tests.support.front_channel import HYBRID, NO_CHALLENGE, asking, fragment_of, walk
from tests.support.request_objects import query_of
from tests.support.service import ISSUER, REDIRECT_URI, Service, decide, fields_of, follow, redeem, service, sign_in
from tests.support.signing import keep_keys

SEALING = {**jose.generate("ES256"), "use": "enc", "alg": "ECDH-ES"}
SIGNED = {"answer_alg": "ES256"}
SEALED = {**SIGNED, "answer_encryption": ["ECDH-ES", "A256GCM"]}


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A server whose applications may have every answer; `sealed` has its answers encrypted."""
    async with service(database, features={"session_management": True}) as running:
        await keep_keys(running.server)
        await running.user("robin")
        await running.application("usual", **HYBRID)
        await running.application("signed", requests=SIGNED, **HYBRID)
        await running.application("sealed", requests=SEALED, key_material={"jwks": key_set(SEALING)["keys"]}, **HYBRID)
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with site.browser() as fresh:
        yield fresh


async def read(site: Service, client_id: str, members: dict[str, str], alg: str = "ES256") -> dict[str, Any]:
    """Return what an answer says, which is one JWT that this server has signed for this application."""
    assert members.keys() == {"response"}
    jwt = jose.verify(members["response"], site.server.keyring.ring.public_keys(site.clock()), [alg])
    claims = dict(jwt.claims)
    assert (claims.pop("iss"), claims.pop("aud")) == (ISSUER, client_id)
    assert claims.pop("exp") == int(site.clock().timestamp()) + 600
    return claims


@pytest.mark.spec("standards", "RT-7")
@pytest.mark.spec("standards", "RT-8")
@pytest.mark.spec("standards", "SR-2")
@pytest.mark.parametrize(
    ("response_type", "mode", "carried"),
    [
        ("code", "jwt", query_of),
        ("code", "query.jwt", query_of),
        ("code", "fragment.jwt", fragment_of),
        ("code", "form_post.jwt", posted),
        ("none", "jwt", query_of),
        ("code id_token", "jwt", fragment_of),
        ("id_token", "form_post.jwt", posted),
    ],
)
async def test_an_answer_is_one_jwt_however_it_travels(
    site: Service, browser: httpx.AsyncClient, response_type: str, mode: str, carried: Any
) -> None:
    answered = await walk(browser, asking("signed", response_type, response_mode=mode))
    told = await read(site, "signed", carried(answered))
    words = set(response_type.split()) - {"none"}
    assert told.keys() == {*words, "state", "session_state"}
    assert told["state"] == "xyz"
    if "code" in words:
        assert (await redeem(browser, "signed", told["code"])).status_code == 200


@pytest.mark.spec("standards", "RT-8")
async def test_whoever_registers_nothing_gets_the_algorithm_of_the_specification(
    site: Service, browser: httpx.AsyncClient
) -> None:
    answered = await walk(browser, asking("usual", "code", response_mode="jwt"))
    assert "code" in await read(site, "usual", query_of(answered), "RS256")


@pytest.mark.spec("standards", "RT-3")
@pytest.mark.spec("standards", "RT-8")
@pytest.mark.spec("standards", "SR-2")
@pytest.mark.parametrize(
    ("response_type", "changes", "carried", "error"),
    [
        ("code", {"prompt": "none"}, query_of, "login_required"),
        ("code", {"scope": 'a"b'}, query_of, "invalid_scope"),
        ("code id_token", {"nonce": None}, fragment_of, "invalid_request"),
        ("code", {"request": "a.b.c"}, query_of, "invalid_request_object"),
    ],
)
async def test_errors_are_signed_too(
    site: Service, browser: httpx.AsyncClient, response_type: str, changes: dict[str, Any], carried: Any, error: str
) -> None:
    answered = await browser.get(asking("signed", response_type, response_mode="jwt", **changes))
    told = await read(site, "signed", carried(answered))
    assert (told["error"], told["state"]) == (error, "xyz")
    assert told.keys() <= {"error", "error_description", "state", "session_state"}


@pytest.mark.spec("standards", "RT-8")
async def test_a_person_who_says_no_is_reported_in_a_jwt(site: Service, browser: httpx.AsyncClient) -> None:
    asked = asking("signed", "code", response_mode="form_post.jwt", prompt="consent")
    page = await follow(browser, await browser.get(asked))
    if 'id="login-submit"' in page.text:
        page = await follow(browser, await sign_in(browser, "robin", page))
    told = await read(site, "signed", posted(await decide(browser, page, "deny")))
    assert told["error"] == "access_denied"


@pytest.mark.spec("standards", "RT-8")
@pytest.mark.spec("standards", "A1.2 (8)")
async def test_an_error_that_waits_for_a_click_is_signed_as_it_waits(site: Service, browser: httpx.AsyncClient) -> None:
    application_id = await site.application("stranger", requests=SIGNED, **HYBRID)
    await change(site, Application, application_id, self_registered=True)
    page = await browser.get(asking("stranger", "code", response_mode="form_post.jwt", scope="a b\\"))
    told = await read(site, "stranger", fields_of(page))
    assert told["error"] == "invalid_scope"
    page = await browser.get(asking("stranger", "code", response_mode="jwt", scope="a b\\"))
    assert page.status_code == 400
    link = page.text.partition('<a href="')[2].partition('"')[0]
    assert link.startswith(f"{REDIRECT_URI}?response=")
    told = await read(site, "stranger", dict(parse_qsl(urlsplit(link).query)))
    assert told["error"] == "invalid_scope"


@pytest.mark.spec("standards", "RT-8")
@pytest.mark.spec("standards", "ID-6")
async def test_an_encrypted_answer_may_carry_an_id_token_in_the_query(
    site: Service, browser: httpx.AsyncClient
) -> None:
    answered = await walk(browser, asking("sealed", "code id_token", response_mode="query.jwt"))
    members = query_of(answered)
    header, text = jose.decrypt(members.pop("response"), SEALING, ["ECDH-ES"], ["A256GCM"])
    assert (header["cty"], header["kid"], members) == ("JWT", SEALING["kid"], {})
    told = await read(site, "sealed", {"response": text})
    assert {"code", "id_token"} <= told.keys()


@pytest.mark.spec("standards", "RT-8")
@pytest.mark.spec("standards", "RT-9")
@pytest.mark.parametrize(
    ("response_type", "changes"),
    [("code id_token", {}), ("id_token", NO_CHALLENGE)],
)
async def test_what_is_not_encrypted_carries_no_id_token_in_the_query(
    browser: httpx.AsyncClient, response_type: str, changes: dict[str, Any]
) -> None:
    page = await browser.get(asking("signed", response_type, response_mode="query.jwt", **changes))
    assert page.status_code == 400
    assert "location" not in page.headers


@pytest.mark.spec("standards", "RT-9")
@pytest.mark.parametrize("mode", [None, "query", "fragment", "form_post", "fragment.jwt"])
async def test_nobody_can_talk_an_application_out_of_its_mode(
    site: Service, browser: httpx.AsyncClient, mode: str | None
) -> None:
    held = {**HYBRID["openid"], "response_modes": ["jwt"]}
    await site.application(f"held-{mode}", requests=SIGNED, **{**HYBRID, "openid": held})
    page = await browser.get(asking(f"held-{mode}", "code", response_mode=mode))
    assert page.status_code == 400
    assert "location" not in page.headers
    assert "send one of: jwt" in page.text


@pytest.mark.parametrize(
    ("requests", "error"),
    [
        ({"answer_alg": "PS512"}, "invalid_request: the answer has to be signed with PS512"),
        ({"answer_encryption": ["ECDH-ES", "A256GCM"]}, "invalid_request: the answer has to be encrypted with ECDH-ES"),
    ],
    ids=["no such signature", "no key to encrypt for"],
)
async def test_an_answer_that_cannot_be_made_is_a_page_and_nothing_is_granted(
    site: Service, browser: httpx.AsyncClient, requests: dict[str, Any], error: str
) -> None:
    name = "unable-" + "-".join(requests)
    await site.application(name, requests=requests, **HYBRID)
    page = await walk(browser, asking(name, "code", response_mode="jwt"))
    assert page.status_code == 400
    assert "location" not in page.headers
    assert error in page.text
    assert "in the way it wants" in page.text
    again = await browser.get(asking(name, "code", prompt="none"))
    assert query_of(again)["error"] == "consent_required"


@pytest.mark.spec("standards", "FM-2")
async def test_under_fapi_nothing_is_signed_weakly(site: Service, browser: httpx.AsyncClient) -> None:
    weak = {"policy": {"fapi": True, "signs_messages": True, "dpop_bound": True}}
    await site.application("old-bank", **{**HYBRID, **weak})
    page = await browser.get(asking("old-bank", "code", response_mode="jwt"))
    assert page.status_code == 400
    assert "cannot be signed with RS256" in page.text


async def test_while_no_key_is_there_the_page_says_to_try_again(
    site: Service, browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise OAuthError(ErrorCode.TEMPORARILY_UNAVAILABLE, "the server has no key to sign with; try again in a moment")

    monkeypatch.setattr(type(site.server.keyring), "sign", fail)
    page = await browser.get(asking("signed", "code", response_mode="jwt", prompt="none"))
    assert page.status_code == 503
    assert "no key to sign with" in page.text


@pytest.mark.spec("standards", "RT-7")
async def test_a_server_without_signed_answers_has_no_such_mode(database: Database) -> None:
    async with service(database, features={"signed_answers": False}) as reduced, reduced.browser() as browser:
        page = await browser.get(asking("signed", "code", response_mode="jwt"))
        assert page.status_code == 400
        assert "send one of: query, fragment, form_post" in page.text
