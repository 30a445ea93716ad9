"""An application that is switched off or being deleted is unknown to everybody at once; its secrets overlap."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from app.jobs.deletions import delete_applications
from app.jobs.work import Work
from app.protocol.policy import Lifetimes
from app.services import applications
from app.services.operator import Operator
from app.store.database import Database
from tests.support.api_person import assert_problem
from tests.support.database import FreshDatabase
from tests.support.own_applications import PATH, Developer, developer, exchange, of
from tests.support.service import (
    REDIRECT_URI,
    SECRET,
    Service,
    authorize_url,
    decide,
    follow,
    obtain_code,
    service,
    sign_in,
)
from tests.support.site import VAULT

UNKNOWN = "0" * 32
MACHINE = "resource-server"


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """The application; robin develops, sam signs in, and a resource server introspects."""
    async with service(database) as running:
        await running.user("robin")
        await running.user("sam")
        await running.application(MACHINE)
        yield running


@pytest.fixture
async def robin(site: Service) -> AsyncIterator[Developer]:
    """Robin, signed in just now."""
    async with site.browser() as browser:
        yield await developer(browser, "robin")


@pytest.fixture
async def sam(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    """Sam's browser, signed in."""
    async with site.browser() as browser:
        assert (await sign_in(browser, "sam")).status_code == 303
        yield browser


@pytest.fixture
async def diary(robin: Developer) -> dict[str, Any]:
    """An application of robin's that can be used."""
    return await robin.made(client_name="Deploy Diary", redirect_uris=[REDIRECT_URI])


LEAVING = [("POST", "/disable"), ("DELETE", "")]


@pytest.mark.spec("original", "N10")
@pytest.mark.parametrize(("method", "below"), LEAVING, ids=["switched off", "being deleted"])
async def test_at_every_step_it_is_refused_like_an_application_that_never_was(
    robin: Developer, sam: httpx.AsyncClient, diary: dict[str, Any], method: str, below: str
) -> None:
    client_id = diary["client_id"]
    tokens = (await exchange(sam, diary, await obtain_code(sam, client_id, "sam"))).json()
    code = await obtain_code(sam, client_id, "sam")
    asked = await follow(sam, await sam.get(authorize_url(client_id, scope="org:read")))
    assert 'id="consent-approve"' in asked.text

    assert (await robin.send(method, of(diary, below))).status_code in {200, 204}

    clicked = await decide(sam, asked)
    assert clicked.status_code == 400
    assert "location" not in clicked.headers
    for known, unknown in (
        (await sam.get(authorize_url(client_id)), await sam.get(authorize_url(UNKNOWN))),
        (await exchange(sam, diary, code), await exchange(sam, diary | {"client_id": UNKNOWN}, code)),
        (await refreshed(sam, client_id, diary, tokens), await refreshed(sam, UNKNOWN, diary, tokens)),
        (await introspected(sam, client_id, diary, tokens), await introspected(sam, UNKNOWN, diary, tokens)),
        (await revoked(sam, client_id, diary, tokens), await revoked(sam, UNKNOWN, diary, tokens)),
    ):
        assert known.status_code == unknown.status_code >= 400
        assert scrubbed(known, client_id) == scrubbed(unknown, UNKNOWN)
    assert not await active(sam, tokens["access_token"])


@pytest.mark.spec("original", "M09")
@pytest.mark.spec("original", "M10")
async def test_what_it_held_before_stays_dead_and_what_it_gets_later_lives(
    robin: Developer, sam: httpx.AsyncClient, diary: dict[str, Any]
) -> None:
    client_id = diary["client_id"]
    early = [(await exchange(sam, diary, await obtain_code(sam, client_id, "sam"))).json() for _ in range(3)]
    assert [await active(sam, one["access_token"]) for one in early] == [True] * 3

    off = (await robin.send("POST", of(diary, "/disable"))).json()
    on = (await robin.send("POST", of(diary, "/enable"))).json()

    assert (off["status"], off["switched_off_by"]) == ("inactive", "owner")
    assert (on["status"], on["switched_off_by"]) == ("active", None)
    late = (await exchange(sam, diary, await obtain_code(sam, client_id, "sam"))).json()
    assert [await active(sam, one["access_token"]) for one in (*early, late)] == [False] * 3 + [True]
    assert (await refreshed(sam, client_id, diary, early[0])).json()["error"] == "invalid_grant"


async def test_switching_twice_changes_nothing(robin: Developer, diary: dict[str, Any]) -> None:
    first = (await robin.send("POST", of(diary, "/disable"))).json()
    assert (await robin.send("POST", of(diary, "/disable"))).json() == first
    first = (await robin.send("POST", of(diary, "/enable"))).json()
    assert (await robin.send("POST", of(diary, "/enable"))).json() == first


async def test_what_the_operator_switched_off_its_owner_cannot_switch_on(
    site: Service, robin: Developer, diary: dict[str, Any]
) -> None:
    operator = Operator("test", site.clock())
    await robin.send("POST", of(diary, "/disable"))
    assert await applications.disable(site.database, diary["client_id"], operator)
    assert (await robin.read(diary))["switched_off_by"] == "operator"
    assert_problem(await robin.send("POST", of(diary, "/enable")), 409, "conflict")
    await robin.send("DELETE", of(diary))
    restored = await robin.send("POST", of(diary, "/restore"))
    assert restored.json()["status"] == "inactive"
    assert_problem(await robin.send("POST", of(diary, "/enable")), 409, "conflict")
    assert await applications.enable(site.database, diary["client_id"], operator)
    assert (await robin.read(diary))["status"] == "active"


@pytest.mark.spec("original", "R11")
async def test_deleting_begins_with_a_time_in_which_it_can_be_restored(
    site: Service, robin: Developer, sam: httpx.AsyncClient, diary: dict[str, Any]
) -> None:
    answer = await robin.send("DELETE", of(diary))
    assert (answer.status_code, answer.content) == (204, b"")
    leaving = await robin.read(diary)
    grace = site.server.policy.lifetimes.deletion_grace
    assert leaving["status"] == "pending_deletion"
    assert leaving["deletes_at"] == (site.clock() + grace).isoformat().replace("+00:00", "Z")
    site.clock.forward(600)
    assert (await robin.send("DELETE", of(diary))).status_code == 204
    assert (await robin.read(diary))["deletes_at"] == leaving["deletes_at"]
    for method, below, body in (("PATCH", "", {}), ("POST", "/secrets", None), ("POST", "/disable", None)):
        assert_problem(await robin.send(method, of(diary, below), body), 409, "conflict")

    restored = (await robin.send("POST", of(diary, "/restore"))).json()

    assert (restored["status"], restored["deletes_at"]) == ("active", None)
    assert (await exchange(sam, diary, await obtain_code(sam, diary["client_id"], "sam"))).status_code == 200
    assert_problem(await robin.send("POST", of(diary, "/restore")), 409, "conflict")


async def test_after_that_time_it_is_gone_for_its_owner_too(
    site: Service, robin: Developer, diary: dict[str, Any]
) -> None:
    await robin.send("DELETE", of(diary))
    site.clock.forward(3600)
    assert_problem(await robin.send("POST", of(diary, "/restore")), 409, "conflict")
    await delete_applications(Work(site.database, Lifetimes(), site.clock, VAULT), site.clock())
    for method, below in (("GET", ""), ("POST", "/restore"), ("GET", "/secrets")):
        assert_problem(await robin.send(method, of(diary, below)), 404, "not-found")
    listed = (await robin.get(f"{PATH}?limit=100")).json()["items"]
    assert diary["client_id"] not in [one["client_id"] for one in listed]


async def test_a_secret_is_changed_without_an_outage(
    site: Service, robin: Developer, sam: httpx.AsyncClient, diary: dict[str, Any]
) -> None:
    client_id = diary["client_id"]
    answer = await robin.send("POST", of(diary, "/secrets"))
    added = answer.json()
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"].endswith(of(diary, f"/secrets/{added['id']}"))
    newer = diary | {"client_secret": added["client_secret"]}
    for made, used in ((diary, [True, False]), (newer, [True, True])):
        assert (await exchange(sam, made, await obtain_code(sam, client_id, "sam"))).status_code == 200
        await site.server.last_uses.flush()
        secrets = (await robin.get(of(diary, "/secrets"))).json()["items"]
        assert [one["last_used_at"] is not None for one in secrets] == used
    assert_problem(await robin.send("POST", of(diary, "/secrets")), 409, "conflict")
    older, latest = (await robin.get(of(diary, "/secrets"))).json()["items"]
    assert [older["last_four"], latest["last_four"]] == [diary["client_secret"][-4:], added["client_secret"][-4:]]

    assert (await robin.send("DELETE", of(diary, f"/secrets/{older['id']}"))).status_code == 204

    code = await obtain_code(sam, client_id, "sam")
    assert (await exchange(sam, diary, code)).status_code == 401
    assert (await exchange(sam, newer, code)).status_code == 200
    assert_problem(await robin.send("DELETE", of(diary, f"/secrets/{latest['id']}")), 409, "conflict")
    assert_problem(await robin.send("DELETE", of(diary, f"/secrets/{older['id']}")), 404, "not-found")


async def test_a_repeated_secret_is_named_and_not_told_again(robin: Developer, diary: dict[str, Any]) -> None:
    added = (await robin.send("POST", of(diary, "/secrets"), Idempotency_Key="again")).json()
    repeat = await robin.send("POST", of(diary, "/secrets"), Idempotency_Key="again")
    assert_problem(repeat, 409, "already-done")
    assert repeat.json()["resource_id"] == added["id"]


async def test_a_public_application_has_no_secrets(robin: Developer) -> None:
    made = await robin.made(token_endpoint_auth_method="none")
    assert made["client_secret"] is None
    assert (await robin.get(of(made, "/secrets"))).json() == {"items": []}
    assert_problem(await robin.send("POST", of(made, "/secrets")), 409, "conflict")


async def test_every_deed_is_in_the_audit_trail_without_a_secret(
    robin: Developer, diary: dict[str, Any], fresh_database: FreshDatabase
) -> None:
    added = (await robin.send("POST", of(diary, "/secrets"))).json()
    await robin.send("DELETE", of(diary, f"/secrets/{added['id']}"))
    await robin.send("PATCH", of(diary), {"client_name": "Ship’s Log", "allowed_origins": ["*"]})
    for method, below in (("POST", "/disable"), ("POST", "/enable"), ("DELETE", ""), ("POST", "/restore")):
        await robin.send(method, of(diary, below))
    connection = await asyncpg.connect(fresh_database.superuser_url)
    try:
        rows = await connection.fetch(
            "select event, actor_kind, data::text from audit where subject_id = $1 order by id", diary["client_id"]
        )
    finally:
        await connection.close()
    assert [row["event"].removeprefix("application.") for row in rows] == [
        *("created", "secret_added", "secret_removed", "changed", "disabled", "enabled"),
        *("deletion_asked", "restored"),
    ]
    assert {row["actor_kind"] for row in rows} == {"user"}
    trail = str([tuple(row) for row in rows])
    assert diary["client_secret"] not in trail
    assert added["client_secret"] not in trail
    assert added["last_four"] in trail
    assert '"before": {"client_name": "Deploy Diary", "allowed_origins": []}' in rows[3]["data"]


async def refreshed(
    browser: httpx.AsyncClient, client_id: str, made: dict[str, Any], tokens: dict[str, Any]
) -> httpx.Response:
    """Refresh as the application."""
    data = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    return await browser.post("/oauth/token", data=data, auth=(client_id, made["client_secret"]))


async def introspected(
    browser: httpx.AsyncClient, client_id: str, made: dict[str, Any], tokens: dict[str, Any]
) -> httpx.Response:
    """Introspect as the application."""
    data = {"token": tokens["access_token"]}
    return await browser.post("/oauth/introspect", data=data, auth=(client_id, made["client_secret"]))


async def revoked(
    browser: httpx.AsyncClient, client_id: str, made: dict[str, Any], tokens: dict[str, Any]
) -> httpx.Response:
    """Revoke as the application."""
    data = {"token": tokens["refresh_token"]}
    return await browser.post("/oauth/revoke", data=data, auth=(client_id, made["client_secret"]))


async def active(browser: httpx.AsyncClient, token: str) -> bool:
    """Introspect as the resource server."""
    answer = await browser.post("/oauth/introspect", data={"token": token}, auth=(MACHINE, SECRET))
    return bool(answer.json()["active"])


def scrubbed(answer: httpx.Response, client_id: str) -> str:
    """Return an answer without what is of this request alone."""
    return answer.text.replace(client_id, "…").replace(answer.headers["x-request-id"], "…")
