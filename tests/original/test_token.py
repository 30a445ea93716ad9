"""Lines T01 to T17, L03: the token endpoint, as the original's own tests describe it or better."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.facts import VERIFIER
from tests.support.service import REDIRECT_URI, SECRET, Service, obtain_code, redeem

CODE = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
REFRESH = {"grant_type": "refresh_token"}


@pytest.fixture
async def application(site: Service) -> str:
    """An application of this test alone that sends its secret in the form, as every client did."""
    client_id = f"app-{uuid4().hex[:12]}"
    await site.application(client_id, auth_method="client_secret_post")
    return client_id


async def post(browser: httpx.AsyncClient, **fields: str) -> httpx.Response:
    """Send a form to the token endpoint."""
    return await browser.post("/oauth/token", data=fields)


async def bought(browser: httpx.AsyncClient, application: str, **changes: str | None) -> dict[str, Any]:
    """Return the answer to the exchange of a new code."""
    code = await obtain_code(browser, application, "robin", **changes)
    answer = await post(browser, **CODE, client_id=application, client_secret=SECRET, code=code)
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    return content


def refused(answer: httpx.Response, status: int, error: str) -> bool:
    """Tell whether an answer is this refusal."""
    return (answer.status_code, answer.json()["error"]) == (status, error)


@pytest.mark.spec("original", "T01")
async def test_get_is_not_allowed(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/oauth/token")).status_code == 405


@pytest.mark.spec("original", "T02")
@pytest.mark.spec("original", "BUG 25")
async def test_bug_25_a_post_with_nothing_lacks_a_parameter(browser: httpx.AsyncClient) -> None:
    assert refused(await browser.post("/oauth/token", data={}), 400, "invalid_request")


@pytest.mark.spec("original", "T03")
async def test_an_unknown_grant_type(browser: httpx.AsyncClient, application: str) -> None:
    answer = await post(browser, grant_type="foo", client_id=application, client_secret=SECRET)
    assert refused(answer, 400, "unsupported_grant_type")


@pytest.mark.spec("original", "T04")
async def test_a_code_without_client_id(browser: httpx.AsyncClient) -> None:
    assert refused(await post(browser, **CODE, client_secret=SECRET, code="x"), 401, "invalid_client")


@pytest.mark.spec("original", "T05")
async def test_a_code_of_an_unknown_client(browser: httpx.AsyncClient) -> None:
    assert refused(await post(browser, **CODE, client_id="no", client_secret=SECRET, code="x"), 401, "invalid_client")


@pytest.mark.spec("original", "T06")
async def test_a_code_without_secret(browser: httpx.AsyncClient, application: str) -> None:
    assert refused(await post(browser, **CODE, client_id=application, code="x"), 401, "invalid_client")


@pytest.mark.spec("original", "T07")
@pytest.mark.spec("original", "BUG 25")
async def test_bug_25_a_wrong_secret_is_401_with_a_challenge_for_who_used_the_header(
    site: Service, browser: httpx.AsyncClient, application: str
) -> None:
    answer = await post(browser, **CODE, client_id=application, client_secret="wrong", code="x")
    assert refused(answer, 401, "invalid_client")
    basic = f"basic-{application}"
    await site.application(basic)
    challenged = await browser.post("/oauth/token", data={**CODE, "code": "x"}, auth=(basic, "wrong"))
    assert challenged.headers["www-authenticate"].startswith("Basic realm=")


@pytest.mark.spec("original", "T08")
async def test_no_code(browser: httpx.AsyncClient, application: str) -> None:
    answer = await post(browser, **CODE, client_id=application, client_secret=SECRET)
    assert refused(answer, 400, "invalid_request")


@pytest.mark.spec("original", "T09")
async def test_an_unknown_code(browser: httpx.AsyncClient, application: str) -> None:
    answer = await post(browser, **CODE, client_id=application, client_secret=SECRET, code="1" * 32)
    assert refused(answer, 400, "invalid_grant")


@pytest.mark.spec("original", "T10")
@pytest.mark.spec("original", "L03")
@pytest.mark.spec("original", "BUG 2")
async def test_bug_2_a_right_exchange_answers_a_pair_that_ends_in_whole_seconds_from_now(
    browser: httpx.AsyncClient, application: str
) -> None:
    answer = await bought(browser, application, scope="org:read team:read")
    assert answer["token_type"].lower() == "bearer"
    assert answer["scope"] == "org:read team:read"
    assert answer["access_token"]
    assert answer["refresh_token"]
    assert type(answer["expires_in"]) is int
    assert answer["expires_in"] > 0


@pytest.mark.spec("original", "T11")
async def test_a_refresh_without_client_id(browser: httpx.AsyncClient) -> None:
    assert refused(await post(browser, **REFRESH, refresh_token="x", client_secret=SECRET), 401, "invalid_client")


@pytest.mark.spec("original", "T12")
async def test_a_refresh_of_an_unknown_client(browser: httpx.AsyncClient) -> None:
    answer = await post(browser, **REFRESH, refresh_token="x", client_id="no", client_secret=SECRET)
    assert refused(answer, 401, "invalid_client")


@pytest.mark.spec("original", "T13")
@pytest.mark.spec("original", "BUG 22")
async def test_bug_22_a_refresh_without_the_secret_of_a_confidential_application(
    browser: httpx.AsyncClient, application: str
) -> None:
    pair = await bought(browser, application)
    answer = await post(browser, **REFRESH, refresh_token=pair["refresh_token"], client_id=application)
    assert refused(answer, 401, "invalid_client")


@pytest.mark.spec("original", "T14")
async def test_a_refresh_with_a_wrong_secret(browser: httpx.AsyncClient, application: str) -> None:
    answer = await post(browser, **REFRESH, refresh_token="x", client_id=application, client_secret="wrong")
    assert refused(answer, 401, "invalid_client")


@pytest.mark.spec("original", "T15")
async def test_a_refresh_without_refresh_token(browser: httpx.AsyncClient, application: str) -> None:
    answer = await post(browser, **REFRESH, client_id=application, client_secret=SECRET)
    assert refused(answer, 400, "invalid_request")


@pytest.mark.spec("original", "T16")
async def test_an_unknown_refresh_token(browser: httpx.AsyncClient, application: str) -> None:
    answer = await post(browser, **REFRESH, refresh_token="1" * 64, client_id=application, client_secret=SECRET)
    assert refused(answer, 400, "invalid_grant")


@pytest.mark.spec("original", "T17")
@pytest.mark.spec("original", "BUG 13")
async def test_bug_13_an_expired_access_token_takes_its_refresh_token_nowhere(
    site: Service, browser: httpx.AsyncClient, application: str
) -> None:
    pair = await bought(browser, application, scope="org:read")
    site.clock.forward(2 * 24 * 3600)
    for table in ("access_token", "audit"):
        await site.database.ensure_partition(table, site.clock())
    answer = await post(
        browser, **REFRESH, refresh_token=pair["refresh_token"], client_id=application, client_secret=SECRET
    )
    assert answer.status_code == 200
    renewed = answer.json()
    assert renewed["scope"] == "org:read"
    assert renewed["access_token"] != pair["access_token"]
    assert renewed["refresh_token"] not in ("", pair["refresh_token"])


async def test_basic_authentication_works_too(site: Service, browser: httpx.AsyncClient) -> None:
    client_id = f"basic-{uuid4().hex[:12]}"
    await site.application(client_id)
    code = await obtain_code(browser, client_id, "robin")
    assert (await redeem(browser, client_id, code)).status_code == 200
