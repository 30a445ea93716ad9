"""CORS of the JSON API: a website reads what its credential is for, and nothing that a session could (issue part 6)."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select
from sqlmodel import col

from app.models import Application, User
from tests.support.api_person import HERE, PROBLEM
from tests.support.credentials import api_key, basic, bearer, change, personal_token
from tests.support.membership import found, join
from tests.support.service import ISSUER, Service, obtain_code, redeem, sign_in

INDEX, ME = "/api/v1/", "/api/v1/me"
ORGANIZATION = "/api/v1/organizations/northquay"
KEYS = f"{ORGANIZATION}/api-keys"
SITE = "https://app.example"


@pytest.fixture(scope="module")
async def organization(site: Service) -> UUID:
    """Northquay, where casey is the owner."""
    organization_id = await found(site.database, "northquay", site.clock())
    await join(site.database, organization_id, await site.user("casey"), "owner", site.clock())
    return organization_id


@pytest.fixture
async def stranger(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client without cookies."""
    async with site.browser() as fresh:
        yield fresh


async def application_token(site: Service, client_id: str, *origins: str, scope: str = "org:read") -> str:
    application_id = await site.application(client_id)
    await change(site, Application, application_id, allowed_origins=list(origins))
    async with site.browser() as browser:
        answer = await redeem(browser, client_id, await obtain_code(browser, client_id, "casey", scope=scope))
    return str(answer.json()["access_token"])


def cors_of(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


def assert_readable(answer: httpx.Response, origin: str) -> None:
    """Check that a website, and no other, may read an answer, and never with a cookie."""
    cors = cors_of(answer)
    assert cors.pop("access-control-allow-origin") == origin
    assert "ETag" in cors.pop("access-control-expose-headers")
    assert not cors
    assert answer.headers["vary"] == "Origin"


def assert_kept(answer: httpx.Response) -> None:
    """Check that no website reads the answer."""
    assert not cors_of(answer)


@pytest.mark.spec("original", "I05")
@pytest.mark.parametrize("path", [INDEX, ORGANIZATION])
async def test_a_key_for_every_website_works_on_one_and_its_origin_is_echoed(
    site: Service, stranger: httpx.AsyncClient, organization: UUID, path: str
) -> None:
    _, key = await api_key(site, organization, "org:read", allowed_origins=["*"])
    for origin in (SITE, "http://localhost:3000", "null"):
        answer = await stranger.get(path, headers=basic(key) | {"Origin": origin})
        assert answer.status_code == 200
        assert_readable(answer, origin)


@pytest.mark.spec("standards", "CO-2")
@pytest.mark.spec("original", "BUG 6")
@pytest.mark.spec("original", "N20")
@pytest.mark.parametrize("path", [INDEX, ME, ORGANIZATION])
async def test_bug_6_a_token_works_on_its_applications_websites(
    site: Service, stranger: httpx.AsyncClient, organization: UUID, path: str
) -> None:
    token = await application_token(site, f"site-{len(path)}", "*.app.example")
    for origin in (SITE, "https://eu.app.example:8443"):
        answer = await stranger.get(path, headers=bearer(token) | {"Origin": origin})
        assert answer.status_code == 200
        assert_readable(answer, origin)
    for origin in ("https://attacker.example", "https://app.example.attacker.example", "null", ""):
        answer = await stranger.get(path, headers=bearer(token) | {"Origin": origin})
        assert (answer.status_code, answer.headers["content-type"]) == (403, PROBLEM)
        assert answer.json()["type"].endswith("#problem-origin-not-allowed")
        assert_kept(answer)
        assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("path", [INDEX, ORGANIZATION])
async def test_what_has_no_allowed_origin_works_on_no_website_and_everywhere_else(
    site: Service, stranger: httpx.AsyncClient, organization: UUID, path: str
) -> None:
    tokens = [
        await application_token(site, f"plain-{len(path)}"),
        (await personal_token(site, await person_id(site), "org:read"))[1],
        (await api_key(site, organization, "org:read"))[1],
    ]
    for token in tokens:
        refused = await stranger.get(path, headers=bearer(token) | {"Origin": SITE})
        assert refused.status_code == 403
        assert_kept(refused)
        answer = await stranger.get(path, headers=bearer(token))
        assert answer.status_code == 200
        assert_kept(answer)
        assert answer.headers["vary"] == "Origin"
        own = await stranger.get(path, headers=bearer(token) | {"Origin": ISSUER})
        assert own.status_code == 200  # the explorer of the API document is one of our own pages
        assert_kept(own)


async def person_id(site: Service) -> UUID:
    """Return the id of casey."""
    async with site.database.transaction() as transaction:
        return (await transaction.scalars(select(col(User.id)).where(col(User.username) == "casey"))).one()


@pytest.mark.spec("standards", "CO-1")
async def test_a_website_may_read_why_its_request_was_refused(
    site: Service, stranger: httpx.AsyncClient, organization: UUID
) -> None:
    _, key = await api_key(site, organization, "team:read", allowed_origins=["app.example"])
    headers = basic(key) | {"Origin": SITE}
    for path in (ORGANIZATION, ME):
        answer = await stranger.get(path, headers=headers)
        assert answer.status_code == 403
        assert_readable(answer, SITE)
    _, other = await api_key(site, organization, "org:read", allowed_origins=["app.example"])
    answer = await stranger.get("/api/v1/organizations/nowhere", headers=basic(other) | {"Origin": SITE})
    assert answer.status_code == 404
    assert_readable(answer, SITE)


@pytest.mark.parametrize("path", [INDEX, ORGANIZATION])
async def test_a_credential_that_does_not_count_is_for_no_website(
    stranger: httpx.AsyncClient, organization: UUID, path: str
) -> None:
    answer = await stranger.get(path, headers=bearer("nonsense") | {"Origin": SITE})
    assert answer.status_code == 401
    assert_kept(answer)


@pytest.mark.spec("standards", "CO-2")
@pytest.mark.parametrize("path", [INDEX, ME, ORGANIZATION])
async def test_a_preflight_is_answered_for_what_tokens_may_use(
    stranger: httpx.AsyncClient, organization: UUID, path: str
) -> None:
    """The original refused preflights, so that no browser could send a token at all."""
    asks = {"Origin": SITE, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    answer = await stranger.options(path, headers=asks)
    assert (answer.status_code, answer.content) == (204, b"")
    cors = cors_of(answer)
    assert cors["access-control-allow-origin"] == "*"
    assert "GET" in cors["access-control-allow-methods"].split(", ")
    assert "Authorization" in cors["access-control-allow-headers"].split(", ")
    assert "X-CSRF-Token" not in cors["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in cors


@pytest.mark.parametrize("path", ["/api/v1/session", "/api/v1/authorizations", KEYS])
async def test_what_only_a_session_may_do_is_not_offered_to_websites(
    site: Service, organization: UUID, path: str
) -> None:
    async with site.browser() as browser:
        await sign_in(browser, "casey")
        asks = {"Origin": SITE, "Access-Control-Request-Method": "GET"}
        answer = await browser.options(path, headers=asks)
        assert answer.status_code == 405
        assert_kept(answer)
        for headers in (HERE, {"Origin": SITE}):
            assert_kept(await browser.get(path, headers=headers))


@pytest.mark.spec("standards", "CO-3")
async def test_a_session_is_for_no_website_where_tokens_are(site: Service, organization: UUID) -> None:
    async with site.browser() as browser:
        await sign_in(browser, "casey")
        answer = await browser.get(ORGANIZATION, headers={"Origin": SITE})
        assert answer.status_code == 403
        assert_kept(answer)
        assert answer.headers["vary"] == "Origin"
