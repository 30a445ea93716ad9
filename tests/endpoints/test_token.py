"""POST /oauth/token at the wire (standards A2.1-A2.5)."""

from typing import Any

import httpx
import pytest

from tests.support.service import REDIRECT_URI, SECRET, Service, obtain_code, redeem


async def tokens(browser: httpx.AsyncClient, client_id: str = "web", **changes: str | None) -> dict[str, Any]:
    answer = await redeem(browser, client_id, await obtain_code(browser, client_id, "robin", **changes))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def refresh(browser: httpx.AsyncClient, token: str, client_id: str = "web", **changes: str) -> httpx.Response:
    data = {"grant_type": "refresh_token", "refresh_token": token, **changes}
    return await browser.post("/oauth/token", data=data, auth=(client_id, SECRET))


async def active(browser: httpx.AsyncClient, token: str) -> bool:
    answer = await browser.post("/oauth/introspect", data={"token": token}, auth=("web", SECRET))
    return bool(answer.json()["active"])


@pytest.mark.spec("standards", "G3")
@pytest.mark.spec("standards", "TR-1")
@pytest.mark.spec("standards", "TR-2")
@pytest.mark.spec("standards", "AC-1")
@pytest.mark.spec("standards", "O-9")
async def test_a_code_becomes_tokens_and_the_answer_has_what_the_specification_names(
    browser: httpx.AsyncClient,
) -> None:
    code = await obtain_code(browser, "web", "robin", scope="project:read team:read")
    answer = await redeem(browser, "web", code)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert set(body) == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 3600, "project:read team:read")


@pytest.mark.spec("standards", "SC-2")
async def test_no_scope_asked_is_no_scope_member(browser: httpx.AsyncClient) -> None:
    assert "scope" not in await tokens(browser, scope=None)


@pytest.mark.spec("standards", "AC-6")
@pytest.mark.spec("standards", "SR-3")
@pytest.mark.spec("standards", "BC-10")
async def test_the_second_use_of_a_code_ends_what_it_bought(browser: httpx.AsyncClient) -> None:
    code = await obtain_code(browser, "web", "robin")
    bought = (await redeem(browser, "web", code)).json()
    assert await active(browser, bought["access_token"])
    again = await redeem(browser, "web", code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert not await active(browser, bought["access_token"])
    assert (await refresh(browser, bought["refresh_token"])).json()["error"] == "invalid_grant"


@pytest.mark.spec("standards", "AC-6")
@pytest.mark.spec("standards", "O-11")
async def test_a_replay_with_a_wrong_verifier_ends_nothing(browser: httpx.AsyncClient) -> None:
    code = await obtain_code(browser, "web", "robin")
    bought = (await redeem(browser, "web", code)).json()
    assert (await redeem(browser, "web", code, code_verifier="x" * 43)).json()["error"] == "invalid_grant"
    assert await active(browser, bought["access_token"])


@pytest.mark.spec("standards", "AC-8")
async def test_wrong_verifiers_do_not_burn_a_code_until_there_are_too_many(browser: httpx.AsyncClient) -> None:
    code = await obtain_code(browser, "web", "robin")
    for _ in range(19):
        await redeem(browser, "web", code, code_verifier="x" * 43)
    assert (await redeem(browser, "web", code)).status_code == 200
    code = await obtain_code(browser, "web", "robin")
    for _ in range(20):
        await redeem(browser, "web", code, code_verifier="x" * 43)
    assert (await redeem(browser, "web", code)).json()["error"] == "invalid_grant"


@pytest.mark.spec("standards", "SR-3")
async def test_a_code_lives_for_a_minute(site: Service, browser: httpx.AsyncClient) -> None:
    code = await obtain_code(browser, "web", "robin")
    site.clock.forward(60)
    assert (await redeem(browser, "web", code)).json()["error"] == "invalid_grant"


@pytest.mark.spec("standards", "AC-3")
@pytest.mark.spec("standards", "SR-4")
async def test_a_code_is_for_its_own_application(browser: httpx.AsyncClient) -> None:
    code = await obtain_code(browser, "web", "robin")
    assert (await redeem(browser, "other", code)).json()["error"] == "invalid_grant"
    assert (await redeem(browser, "web", code)).status_code == 200


@pytest.mark.spec("standards", "T-5")
@pytest.mark.spec("standards", "CA-12")
async def test_a_public_application_redeems_with_its_client_id_alone(browser: httpx.AsyncClient) -> None:
    code = await obtain_code(browser, "spa", "robin")
    data = {
        "grant_type": "authorization_code", "code": code, "client_id": "spa", "client_secret": "",
        "redirect_uri": REDIRECT_URI, "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    }  # fmt: skip
    assert (await browser.post("/oauth/token", data=data)).status_code == 200


@pytest.mark.spec("standards", "RF-4")
@pytest.mark.spec("standards", "RF-5")
async def test_refreshing_rotates_and_a_repeat_gets_the_same_successor(
    site: Service, browser: httpx.AsyncClient
) -> None:
    first = (await tokens(browser))["refresh_token"]
    second = (await refresh(browser, first)).json()
    site.clock.forward(10)
    repeated = (await refresh(browser, first)).json()
    assert second["refresh_token"] == repeated["refresh_token"] != first
    assert second["access_token"] != repeated["access_token"]
    third = (await refresh(browser, second["refresh_token"])).json()
    assert third["refresh_token"] not in {first, second["refresh_token"]}


@pytest.mark.spec("standards", "RF-4")
@pytest.mark.spec("standards", "AR-10")
@pytest.mark.spec("standards", "BC-18")
async def test_reuse_outside_the_grace_ends_the_family(site: Service, browser: httpx.AsyncClient) -> None:
    first = (await tokens(browser))["refresh_token"]
    second = (await refresh(browser, first)).json()
    site.clock.forward(31)
    assert (await refresh(browser, first)).json()["error"] == "invalid_grant"
    assert (await refresh(browser, second["refresh_token"])).json()["error"] == "invalid_grant"
    assert not await active(browser, second["access_token"])


@pytest.mark.spec("standards", "RF-1")
@pytest.mark.spec("standards", "RF-2")
async def test_a_refresh_may_narrow_and_never_widen(browser: httpx.AsyncClient) -> None:
    bought = await tokens(browser, scope="project:read team:read")
    narrowed = (await refresh(browser, bought["refresh_token"], scope="team:read")).json()
    assert narrowed["scope"] == "team:read"
    whole = (await refresh(browser, narrowed["refresh_token"])).json()
    assert whole["scope"] == "project:read team:read"
    wider = await refresh(browser, whole["refresh_token"], scope="team:read org:read")
    assert wider.json()["error"] == "invalid_scope"


@pytest.mark.spec("standards", "TR-5")
@pytest.mark.spec("standards", "T-6")
async def test_no_refresh_token_without_the_grant_type(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("short", grant_types=("authorization_code",))
    bought = await tokens(browser, "short")
    assert "refresh_token" not in bought
    refused = await refresh(browser, "asrt_x", "short")
    assert (refused.status_code, refused.json()["error"]) == (400, "unauthorized_client")


@pytest.mark.spec("standards", "RF-6")
@pytest.mark.spec("standards", "RF-13")
async def test_an_application_may_ask_for_shorter_lives_and_no_rotation(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await site.application("still", policy={"access_token": 60, "rotate_refresh_tokens": False})
    bought = await tokens(browser, "still")
    assert bought["expires_in"] == 60
    again = (await refresh(browser, bought["refresh_token"], "still")).json()
    assert "refresh_token" not in again
    site.clock.forward(4000)
    assert (await refresh(browser, bought["refresh_token"], "still")).status_code == 200


@pytest.mark.spec("standards", "T-4")
@pytest.mark.spec("standards", "T-6")
@pytest.mark.spec("standards", "TE-1")
@pytest.mark.spec("standards", "TE-3")
@pytest.mark.spec("standards", "TE-4")
@pytest.mark.spec("standards", "TE-5")
@pytest.mark.spec("standards", "BC-6")
@pytest.mark.spec("standards", "O-2")
@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password", "username": "robin", "password": "x"}, "unsupported_grant_type"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "nonsense"}, "invalid_grant"),
        ({"grant_type": "authorization_code", "code": "asac_" + "A" * 70}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "asrt_" + "A" * 75}, "invalid_grant"),
        ({"grant_type": ["authorization_code", "refresh_token"]}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "x", "client_id": "spa"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "x", "client_secret": "y"}, "invalid_request"),
    ],
)
async def test_each_wrong_request_has_its_error(browser: httpx.AsyncClient, data: dict[str, Any], error: str) -> None:
    answer = await browser.post("/oauth/token", data=data, auth=("web", SECRET))
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.json()["error_description"]
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.spec("standards", "TE-2")
@pytest.mark.spec("standards", "T-3")
@pytest.mark.spec("standards", "T-5")
@pytest.mark.spec("standards", "CA-10")
@pytest.mark.parametrize("auth", [("web", "wrong"), ("nobody", SECRET), ("spa", ""), ("spa", SECRET)])
async def test_client_authentication_fails_with_one_answer(browser: httpx.AsyncClient, auth: tuple[str, str]) -> None:
    answer = await browser.post("/oauth/token", data={"grant_type": "refresh_token", "refresh_token": "x"}, auth=auth)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic realm=")
    unknown = await browser.post(
        "/oauth/token", data={"grant_type": "refresh_token", "refresh_token": "x"}, auth=("nobody at all", "x")
    )
    assert answer.content == unknown.content


async def test_a_disabled_application_is_unknown(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("gone", unmet=("dpop_bound_access_tokens",))
    answer = await browser.post(
        "/oauth/token", data={"grant_type": "refresh_token", "refresh_token": "x"}, auth=("gone", SECRET)
    )
    assert answer.status_code == 401


@pytest.mark.spec("standards", "T-1")
@pytest.mark.spec("standards", "T-2")
async def test_only_forms_by_post(browser: httpx.AsyncClient) -> None:
    got = await browser.get("/oauth/token")
    assert (got.status_code, got.headers["allow"]) == (405, "POST, OPTIONS")
    for refused in (
        await browser.post("/oauth/token", json={"grant_type": "refresh_token"}, auth=("web", SECRET)),
        await browser.post("/oauth/token?grant_type=refresh_token", data={"refresh_token": "x"}, auth=("web", SECRET)),
        await browser.post("/oauth/token", auth=("web", SECRET)),
    ):
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


async def test_a_body_over_a_megabyte_is_413(browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/oauth/token", data={"code": "x" * 1_000_001})
    assert (answer.status_code, answer.json()["error"]) == (413, "invalid_request")


@pytest.mark.spec("standards", "CO-1")
@pytest.mark.spec("standards", "CO-2")
@pytest.mark.spec("standards", "CO-3")
async def test_browsers_on_other_origins_may_call_and_read_errors(browser: httpx.AsyncClient) -> None:
    preflight = await browser.options("/oauth/token", headers={"Origin": "https://spa.example"})
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert int(preflight.headers["access-control-max-age"]) > 0
    answer = await browser.post("/oauth/token", data={}, headers={"Origin": "https://spa.example"})
    assert answer.status_code == 400
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
