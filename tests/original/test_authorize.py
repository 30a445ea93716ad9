"""Lines A01 to A11, L01 and L02: the code flow, as the original's own tests describe it or better."""

from html import unescape
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid4

import httpx
import pytest

from app.store import records, users
from tests.support.service import (
    REDIRECT_URI,
    Service,
    answer_of,
    authorize_url,
    decide,
    follow,
    redeem,
    sign_in,
)

BARE = {"scope": None, "state": None, "redirect_uri": None}
"""A minimal request: what is left out of the usual one. PKCE stays (BUG 22)."""


@pytest.fixture
async def application(site: Service) -> str:
    """An application of this test alone."""
    client_id = f"app-{uuid4().hex[:12]}"
    await site.application(client_id, owner_user_id=(await account(site)))
    return client_id


async def account(site: Service, username: str = "robin") -> UUID:
    """Return the person's id."""
    found = await users.find_for_sign_in(site.database, username)
    assert found is not None
    return found.id


@pytest.fixture
async def robin(browser: httpx.AsyncClient) -> httpx.AsyncClient:
    """A browser with robin signed in."""
    assert (await sign_in(browser, "robin")).status_code == 303
    return browser


async def consent(robin: httpx.AsyncClient, client_id: str, **changes: str | None) -> httpx.Response:
    """Return the consent page."""
    page = await follow(robin, await robin.get(authorize_url(client_id, **changes)))
    assert page.status_code == 200, page.headers
    assert 'id="consent-approve"' in page.text
    return page


async def held(site: Service, client_id: str) -> list[str] | None:
    """Return what robin's consent for the application holds; None without one."""
    for record in await records.list_for_user(site.database, await account(site)):
        if record.client_id == client_id:
            return [pair.pair for pair in record.pairs]
    return None


async def codes(site: Service) -> int:
    """Return how many codes there are."""
    return await _count(site, "grant_code")


async def tokens(site: Service) -> int:
    """Return how many access tokens there are."""
    return await _count(site, "access_token")


async def _count(site: Service, table: str) -> int:
    from sqlalchemy import text

    async with site.database.transaction() as transaction:
        return int((await transaction.execute(text(f"select count(*) from {table}"))).scalar_one())


@pytest.mark.spec("original", "A01")
async def test_a_request_without_response_type_goes_back_with_an_error(
    robin: httpx.AsyncClient, application: str
) -> None:
    answer = await robin.get(authorize_url(application, response_type=None))
    assert answer.headers["location"].startswith(REDIRECT_URI)
    assert answer_of(answer)["error"] == "invalid_request"


@pytest.mark.spec("original", "A02")
@pytest.mark.spec("original", "BUG 27")
async def test_bug_27_an_unknown_response_type_of_a_registered_application_goes_back_as_the_rfc_says(
    robin: httpx.AsyncClient, application: str
) -> None:
    answer = await robin.get(authorize_url(application, response_type="foobar"))
    assert answer_of(answer)["error"] == "unsupported_response_type"


@pytest.mark.spec("original", "A03")
@pytest.mark.spec("original", "BUG 26")
async def test_bug_26_a_request_without_client_id_is_a_page_with_status_400(robin: httpx.AsyncClient) -> None:
    answer = await robin.get(authorize_url(None))
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert "client_id" in answer.text


@pytest.mark.spec("original", "A04")
async def test_an_unknown_scope_goes_back_as_invalid_scope(robin: httpx.AsyncClient, application: str) -> None:
    assert answer_of(await robin.get(authorize_url(application, scope="foo")))["error"] == "invalid_scope"


@pytest.mark.spec("original", "A05")
@pytest.mark.spec("original", "BUG 26")
async def test_bug_26_a_foreign_redirect_uri_is_a_page_with_status_400(
    robin: httpx.AsyncClient, application: str
) -> None:
    answer = await robin.get(authorize_url(application, redirect_uri="https://google.com"))
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert "redirect_uri" in answer.text


@pytest.mark.spec("original", "A06")
async def test_a_minimal_request_is_asked_and_approved(
    site: Service, robin: httpx.AsyncClient, application: str
) -> None:
    page = await consent(robin, application, **BARE)
    before = await codes(site), await tokens(site)
    approved = await decide(robin, page)
    assert urlsplit(approved.headers["location"])._replace(query="").geturl() == REDIRECT_URI
    assert set(answer_of(approved)) == {"code", "iss"}
    assert (await codes(site), await tokens(site)) == (before[0] + 1, before[1])
    assert await held(site, application) == []


@pytest.mark.spec("original", "A07")
async def test_a_minimal_request_is_denied(site: Service, robin: httpx.AsyncClient, application: str) -> None:
    page = await consent(robin, application, **BARE)
    before = await codes(site), await tokens(site)
    answer = answer_of(await decide(robin, page, "deny"))
    assert answer["error"] == "access_denied"
    assert (await codes(site), await tokens(site)) == before
    assert await held(site, application) is None


@pytest.mark.spec("original", "A08")
async def test_the_code_has_the_scopes_of_the_request_and_the_answer_its_state(
    site: Service, robin: httpx.AsyncClient, application: str
) -> None:
    page = await consent(robin, application, scope="org:read", state="foo")
    before = await tokens(site)
    answer = answer_of(await decide(robin, page))
    assert answer["state"] == "foo"
    assert await tokens(site) == before
    assert (await redeem(robin, application, answer["code"])).json()["scope"] == "org:read"


@pytest.mark.spec("original", "A09")
async def test_what_was_allowed_before_is_not_asked_again(
    site: Service, robin: httpx.AsyncClient, application: str
) -> None:
    await decide(robin, await consent(robin, application, scope="org:read"))
    answer = await robin.get(authorize_url(application, scope="org:read"))
    assert "code" in answer_of(answer)


@pytest.mark.spec("original", "BUG 28")
async def test_bug_28_another_consent_lets_no_other_request_pass_in_silence(
    robin: httpx.AsyncClient, application: str
) -> None:
    await decide(robin, await consent(robin, application, scope="org:read"))
    await consent(robin, application, scope="org:read team:read")
    code = answer_of(await robin.get(authorize_url(application, scope="org:read")))["code"]
    assert "user" not in (await redeem(robin, application, code)).json()


@pytest.mark.spec("original", "A10")
async def test_force_prompt_asks_again(robin: httpx.AsyncClient, application: str) -> None:
    await decide(robin, await consent(robin, application, scope="org:read"))
    await consent(robin, application, scope="org:read", force_prompt="1")


@pytest.mark.spec("original", "A11")
async def test_a_second_consent_is_merged_into_the_first(
    site: Service, robin: httpx.AsyncClient, application: str
) -> None:
    await decide(robin, await consent(robin, application, scope="org:write"))
    await decide(robin, await consent(robin, application, scope="org:read"))
    assert await held(site, application) == ["org:write", "org:read"]


@pytest.mark.spec("original", "L01")
@pytest.mark.spec("original", "BUG 4")
async def test_bug_4_the_page_lists_the_strongest_scope_of_a_set_and_needs_none_of_the_weaker_ones(
    robin: httpx.AsyncClient, application: str
) -> None:
    page = await consent(robin, application, scope="member:read member:admin")
    assert page.text.count("Manage organization members") == 1
    assert "See organization members" not in page.text
    code = answer_of(await decide(robin, page))["code"]
    assert (await redeem(robin, application, code)).json()["scope"] == "member:read member:admin"
    lone = await consent(robin, application, scope="org:write")
    assert "Create and edit your organizations" in unescape(lone.text)


@pytest.mark.spec("original", "L02")
@pytest.mark.spec("original", "BUG 34")
async def test_bug_34_who_is_signed_out_signs_in_for_the_application_and_goes_on(
    browser: httpx.AsyncClient, application: str
) -> None:
    login = await follow(browser, await browser.get(authorize_url(application)))
    assert 'id="login-submit"' in login.text
    assert "Deploy Diary" in login.text
    page = await follow(browser, await sign_in(browser, "robin", login))
    assert 'id="consent-approve"' in page.text
    assert set(answer_of(await decide(browser, page))) == {"code", "state", "iss"}


async def test_a_refusal_carries_the_state_and_says_why(robin: httpx.AsyncClient, application: str) -> None:
    answer = dict(
        parse_qsl(urlsplit((await robin.get(authorize_url(application, scope="foo"))).headers["location"]).query)
    )
    assert answer["state"] == "xyz"
    assert "foo" in answer["error_description"]
