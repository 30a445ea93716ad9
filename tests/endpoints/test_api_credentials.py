"""What opens the server's own API: every kind of credential, and what its holder is told when it does not."""

from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select
from sqlmodel import col

from app import __version__
from app.crypto.hashing import digest
from app.models import ApiKey, Application, Audit, Organization, PersonalToken
from app.models.user import User
from app.store.database import Database
from app.store.hot_connection import counting_trips
from tests.support.api_person import HERE, assert_problem
from tests.support.credentials import api_key, basic, bearer, change, personal_token
from tests.support.membership import found, join
from tests.support.service import ISSUER, Service, obtain_code, redeem, service, sign_in

INDEX, ME = "/api/v1/", "/api/v1/me"
SYSTEM_KEY = "the-root-credential-of-these-tests-long-enough"


@pytest.fixture(scope="module")
async def organization(site: Service) -> UUID:
    """Northquay, where casey is a member."""
    organization_id = await found(site.database, "northquay", site.clock())
    await join(site.database, organization_id, await site.user("casey"), "member", site.clock())
    return organization_id


@pytest.fixture
async def casey(site: Service) -> UUID:
    """The id of casey."""
    async with site.database.transaction() as transaction:
        return (await transaction.scalars(select(col(User.id)).where(col(User.username) == "casey"))).one()


@pytest.fixture
async def stranger(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client without cookies."""
    async with site.browser() as fresh:
        yield fresh


async def access_token(site: Service, client_id: str = "web", **asked: str) -> str:
    async with site.browser() as browser:
        answer = await redeem(browser, client_id, await obtain_code(browser, client_id, "robin", **asked))
    return str(answer.json()["access_token"])


@pytest.mark.spec("original", "I01")
async def test_anyone_may_ask_which_server_this_is(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get(INDEX)
    assert answer.json() == {"version": __version__, "issuer": ISSUER, "user": None, "auth": None}


@pytest.mark.spec("original", "I02")
async def test_a_session_has_a_person_and_no_credential(stranger: httpx.AsyncClient) -> None:
    await sign_in(stranger, "robin")
    body = (await stranger.get(INDEX, headers=HERE)).json()
    assert (body["user"]["username"], body["auth"]) == ("robin", None)


@pytest.mark.parametrize(
    "elsewhere",
    [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://attacker.example"}, {"Sec-Fetch-Site": "same-site"}],
)
async def test_a_session_does_not_count_in_requests_from_elsewhere(
    stranger: httpx.AsyncClient, elsewhere: dict[str, str]
) -> None:
    await sign_in(stranger, "robin")
    answer = await stranger.get(INDEX, headers=elsewhere)
    assert answer.json()["user"] is None
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.spec("original", "I03")
async def test_a_key_has_its_scopes_and_no_person(
    site: Service, stranger: httpx.AsyncClient, organization: UUID
) -> None:
    _, key = await api_key(site, organization, "org:read", "team:read")
    alone = {"Authorization": "basic " + b64encode(key.encode()).decode()}
    for headers in (basic(key), alone, bearer(key)):
        body = (await stranger.get(INDEX, headers=headers)).json()
        assert body["user"] is None
        assert body["auth"] == {
            "kind": "api_key", "organization": "northquay", "label": "Deploys", "scopes": ["org:read", "team:read"],
        }  # fmt: skip


@pytest.mark.spec("original", "I04")
async def test_a_token_has_its_scopes_and_its_person(
    site: Service, stranger: httpx.AsyncClient, organization: UUID, casey: UUID
) -> None:
    body = (await stranger.get(INDEX, headers=bearer(await access_token(site)))).json()
    assert body["user"]["username"] == "robin"
    assert body["auth"] == {"kind": "access_token", "client_id": "web", "scopes": ["project:read"]}
    _, token = await personal_token(site, casey, "org:read")
    body = (await stranger.get(INDEX, headers=bearer(token))).json()
    assert body["user"]["username"] == "casey"
    assert body["auth"] == {"kind": "personal_token", "name": "nightly", "scopes": ["org:read"]}


async def test_me_is_the_person_behind_a_token_and_nobody_behind_a_key(
    site: Service, stranger: httpx.AsyncClient, organization: UUID, casey: UUID
) -> None:
    _, token = await personal_token(site, casey, "org:read", expires_at=None)
    body = (await stranger.get(ME, headers=bearer(token))).json()
    assert (body["username"], body["client_id"], body["scopes"], body["exp"]) == ("casey", None, ["org:read"], None)
    _, key = await api_key(site, organization, "org:read")
    assert_problem(await stranger.get(ME, headers=basic(key)), 403, "insufficient-scope")
    assert_problem(await stranger.get(ME), 401, "not-signed-in")


@pytest.mark.spec("original", "BUG 20")
async def test_bug_20_a_personal_token_shrinks_and_grows_with_its_persons_roles(
    site: Service, stranger: httpx.AsyncClient, organization: UUID, casey: UUID
) -> None:
    _, token = await personal_token(site, casey, "org:write", "org:read")
    assert (await stranger.get(INDEX, headers=bearer(token))).json()["auth"]["scopes"] == ["org:read"]
    second = await found(site.database, "saltbarn", site.clock())
    await join(site.database, second, casey, "manager", site.clock())
    assert (await stranger.get(INDEX, headers=bearer(token))).json()["auth"]["scopes"] == ["org:write", "org:read"]
    await change(site, Organization, second, deleted_at=site.clock())
    assert (await stranger.get(INDEX, headers=bearer(token))).json()["auth"]["scopes"] == ["org:read"]


def assert_refused(answer: httpx.Response, said: str) -> None:
    """Check a credential's refusal: what its holder is told, and a challenge that no browser asks a password for."""
    assert_problem(answer, 401, "invalid-credential")
    assert said in answer.json()["detail"]
    assert answer.headers["www-authenticate"].startswith(f'Bearer realm="{ISSUER}", error="invalid_token"')
    assert "set-cookie" not in answer.headers


@pytest.mark.spec("original", "BUG 33")
async def test_bug_33_what_is_switched_off_is_refused_with_the_next_request(
    site: Service, stranger: httpx.AsyncClient, organization: UUID, casey: UUID
) -> None:
    async def refused(credential: str, said: str) -> None:
        for path in (INDEX, ME):
            assert_refused(await stranger.get(path, headers=bearer(credential)), said)

    key_id, key = await api_key(site, organization, "org:read")
    assert (await stranger.get(INDEX, headers=basic(key))).status_code == 200
    await change(site, ApiKey, key_id, status="inactive")
    await refused(key, "switched off")
    assert_refused(await stranger.get(INDEX, headers=basic(key)), "switched off")
    await change(site, ApiKey, key_id, status="active")
    closed = await found(site.database, "shortlived", site.clock())
    await change(site, ApiKey, key_id, organization_id=closed)
    assert (await stranger.get(INDEX, headers=bearer(key))).json()["auth"]["organization"] == "shortlived"
    await change(site, Organization, closed, deleted_at=site.clock())
    await refused(key, "organization has been deleted")

    token_id, token = await personal_token(site, casey, "org:read")
    assert (await stranger.get(INDEX, headers=bearer(token))).status_code == 200
    await change(site, PersonalToken, token_id, revoked_at=site.clock())
    await refused(token, "revoked")
    await change(site, PersonalToken, token_id, revoked_at=None, expires_at=site.clock())
    await refused(token, "expired")
    await change(site, PersonalToken, token_id, expires_at=None)
    await change(site, User, casey, disabled_at=site.clock(), epoch=1)
    await refused(token, "disabled")
    await change(site, User, casey, disabled_at=None)
    await refused(token, "disabled")
    await change(site, User, casey, epoch=0)


async def test_an_application_that_is_switched_off_takes_its_tokens_with_it(
    site: Service, stranger: httpx.AsyncClient
) -> None:
    application_id = await site.application("brief")
    token = await access_token(site, "brief")
    await change(site, Application, application_id, status="inactive", epoch=1)
    assert_refused(await stranger.get(ME, headers=bearer(token)), "application is not active")


async def test_both_secrets_of_a_key_count_until_the_old_one_is_retired(
    site: Service, stranger: httpx.AsyncClient, organization: UUID
) -> None:
    key_id, old = await api_key(site, organization, "org:read")
    async with site.database.transaction() as transaction:
        known = (await transaction.scalars(select(col(ApiKey.digest)).where(col(ApiKey.id) == key_id))).one()
    await change(site, ApiKey, key_id, retiring_digest=known, digest=digest(b"another secret"))
    assert (await stranger.get(INDEX, headers=bearer(old))).status_code == 200
    await change(site, ApiKey, key_id, retiring_digest=None)
    assert_refused(await stranger.get(INDEX, headers=bearer(old)), "knows no such token or key")


@pytest.mark.parametrize(
    ("header", "status", "kind"),
    [
        ("Bearer", 400, "invalid-request"),
        ("Bearer a b", 400, "invalid-request"),
        ("Negotiate x", 400, "invalid-request"),
        ("Bearer unknown", 401, "invalid-credential"),
        ("bearer asat_" + "A" * 70, 401, "invalid-credential"),
        ("Bearer aspt_" + "A" * 70, 401, "invalid-credential"),
        ("Bearer asak_" + "A" * 70, 401, "invalid-credential"),
        ("Bearer asac_" + "A" * 70, 401, "invalid-credential"),
        ("Basic eDp5", 401, "invalid-credential"),
        ("Basic x", 401, "invalid-credential"),
        ("Basic", 401, "invalid-credential"),
    ],
)
async def test_a_header_that_is_shown_and_does_not_count_is_final(
    stranger: httpx.AsyncClient, header: str, status: int, kind: str
) -> None:
    """Original behaviour §4.1 fell through to the session after Basic with a password; here nothing falls through."""
    await sign_in(stranger, "robin")
    for path in (INDEX, ME):
        answer = await stranger.get(path, headers=HERE | {"Authorization": header})
        assert_problem(answer, status, kind)
        assert answer.headers["www-authenticate"].startswith("Bearer ")


async def test_a_key_of_the_right_id_with_a_wrong_secret_is_told_what_a_stranger_is(
    site: Service, stranger: httpx.AsyncClient, organization: UUID
) -> None:
    key_id, key = await api_key(site, organization, "org:read", status="inactive")
    await change(site, ApiKey, key_id, digest=digest(b"another secret"))
    assert_refused(await stranger.get(INDEX, headers=bearer(key)), "knows no such token or key")


@pytest.mark.spec("original", "BUG 35")
async def test_bug_35_a_refusal_is_in_the_log_with_its_reason_and_without_the_credential(
    site: Service, stranger: httpx.AsyncClient, organization: UUID, capfd: pytest.CaptureFixture[str]
) -> None:
    _, key = await api_key(site, organization, "org:read", status="inactive")
    capfd.readouterr()
    await stranger.get(INDEX, headers=bearer(key))
    await stranger.get(INDEX, headers=bearer("nonsense"))
    log = "".join(capfd.readouterr())
    assert "API key: key_inactive" in log
    assert "credential: unknown" in log
    assert key not in log
    assert "nonsense" not in log


async def test_every_credential_is_found_in_one_trip_with_or_without_a_website(
    site: Service, stranger: httpx.AsyncClient, organization: UUID, casey: UUID
) -> None:
    tokens = {
        "gather_token_alone": await access_token(site),
        "gather_personal_token_alone": (await personal_token(site, casey, "org:read"))[1],
        "gather_key_alone": (await api_key(site, organization, "org:read"))[1],
    }
    for statement, credential in tokens.items():
        with counting_trips() as trips:
            await stranger.get(INDEX, headers=bearer(credential))
        assert trips == [statement]
    with counting_trips() as trips:
        await stranger.get(INDEX, headers=bearer(tokens["gather_token_alone"]) | {"Origin": "https://x.example"})
    assert trips == ["gather_token_for_website"]


@pytest.fixture
async def rooted(database: Database) -> AsyncIterator[Service]:
    """A server with a system key, which counts from this machine alone."""
    async with service(database, system_key=SYSTEM_KEY) as running:
        yield running


async def uses(site: Service) -> list[Audit]:
    async with site.database.transaction() as transaction:
        query = select(Audit).where(col(Audit.event) == "system_key.used").order_by(col(Audit.id))
        return [*(await transaction.scalars(query)).all()]


async def test_the_system_key_holds_every_scope_and_each_use_is_written_down(rooted: Service) -> None:
    before = len(await uses(rooted))
    async with rooted.browser() as client:
        for headers in (basic(SYSTEM_KEY), {"Authorization": f"Basic {b64encode(SYSTEM_KEY.encode()).decode()}"}):
            body = (await client.get(INDEX, headers=headers)).json()
            assert body["user"] is None
            assert body["auth"]["kind"] == "system_key"
            assert body["auth"]["scopes"] == [scope.name for scope in rooted.server.scopes]
    row, _ = (await uses(rooted))[before:]
    assert (row.actor_kind, row.actor_id, row.address) == ("system_key", "system", "127.0.0.1")
    assert row.data == {"method": "GET", "path": INDEX}
    assert row.request_id.startswith("req_")


async def test_the_system_key_opens_every_organization(rooted: Service) -> None:
    await found(rooted.database, "anywhere", rooted.clock())
    before = len(await uses(rooted))
    path = "/api/v1/organizations/anywhere"
    async with rooted.browser() as client:
        assert (await client.get(path, headers=basic(SYSTEM_KEY))).status_code == 200
        assert_problem(await client.get(f"{path}/api-keys", headers=basic(SYSTEM_KEY)), 403, "session-only")
    [row] = (await uses(rooted))[before:]
    assert row.data == {"method": "GET", "path": path}


async def test_the_system_key_counts_from_its_networks_alone(database: Database) -> None:
    async with service(database, system_key=SYSTEM_KEY, system_key_networks=("10.0.0.0/8",)) as elsewhere:
        before = len(await uses(elsewhere))
        async with elsewhere.browser() as client:
            assert_refused(await client.get(INDEX, headers=basic(SYSTEM_KEY)), "knows no such token or key")
        assert len(await uses(elsewhere)) == before


async def test_the_system_key_counts_for_the_person_behind_a_trusted_proxy(database: Database) -> None:
    settings = {"system_key": SYSTEM_KEY, "system_key_networks": ("10.0.0.0/8",), "trusted_proxies": ("127.0.0.1",)}
    async with service(database, **settings) as behind, behind.browser() as client:
        inside = basic(SYSTEM_KEY) | {"X-Forwarded-For": "10.1.2.3"}
        assert (await client.get(INDEX, headers=inside)).status_code == 200
        outside = basic(SYSTEM_KEY) | {"X-Forwarded-For": "10.1.2.3, 192.0.2.1"}
        assert_refused(await client.get(INDEX, headers=outside), "knows no such token or key")


async def test_without_a_system_key_nothing_is_taken_for_it(site: Service, rooted: Service) -> None:
    async with site.browser() as client:
        assert_refused(await client.get(INDEX, headers=basic(SYSTEM_KEY)), "knows no such token or key")
        assert_refused(await client.get(INDEX, headers=basic("")), "knows no such token or key")
    async with rooted.browser() as client:
        assert_refused(await client.get(INDEX, headers=basic("")), "knows no such token or key")
        assert_refused(await client.get(INDEX, headers=basic(SYSTEM_KEY + "x")), "knows no such token or key")


async def test_the_system_key_is_for_no_website(rooted: Service) -> None:
    before = len(await uses(rooted))
    async with rooted.browser() as client:
        answer = await client.get(INDEX, headers=basic(SYSTEM_KEY) | {"Origin": "https://x.example"})
    assert_problem(answer, 403, "origin-not-allowed")
    assert len(await uses(rooted)) == before


async def test_last_uses_are_written_together_and_never_backwards(
    site: Service, stranger: httpx.AsyncClient, organization: UUID, casey: UUID
) -> None:
    token_id, token = await personal_token(site, casey, "org:read")
    key_id, key = await api_key(site, organization, "org:read")
    later = site.clock() + timedelta(days=1)
    ahead_id, ahead = await api_key(site, organization, "org:read", last_used_at=later)
    for credential in (token, key, ahead, token):
        await stranger.get(INDEX, headers=bearer(credential))
    await site.server.last_uses.flush()
    async with site.database.transaction() as transaction:
        used = dict((await transaction.execute(select(col(ApiKey.id), col(ApiKey.last_used_at)))).all())
        token_used = (
            await transaction.scalars(select(col(PersonalToken.last_used_at)).where(col(PersonalToken.id) == token_id))
        ).one()
    assert token_used == site.clock()
    assert (used[key_id], used[ahead_id]) == (site.clock(), later)
