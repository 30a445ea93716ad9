"""After everything that people and clients do, and do wrong, no secret stands in a log, in a trace or in a URL."""

import asyncio
import os
import re
import signal
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

import asyncpg
import httpx
import pytest

from app.protocol.authorize.pushed import REQUEST_URI
from app.services.client_secrets import new_client_secret
from app.store import embedded
from tests.support.api_person import HERE
from tests.support.demo import RunningDemo, running_demo
from tests.support.processes import eventually
from tests.support.pushing import pushed, pushed_url
from tests.support.registering import registered
from tests.support.service import (
    PASSWORD,
    REDIRECT_URI,
    SECRET,
    answer_of,
    authorize_url,
    decide,
    fields_of,
    follow,
    obtain_code,
    redeem,
    sign_in,
)

WRONG_PASSWORD = "thistle wagon ember quilt"
NEW_PASSWORD = "meadow lantern orbit crumb"
DATA = {
    "users": [{"username": "robin", "password": PASSWORD}],
    "applications": [
        {
            "client_id": "web",
            "client_secret": SECRET,
            "client_name": "Deploy Diary",
            "redirect_uris": [REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "client_secret_basic",
        }
    ],
}


@dataclass
class Hunt:
    """What must not be found, and the URLs and headers in which it could stand."""

    secrets: set[str] = field(default_factory=set, repr=False)
    seen: list[str] = field(default_factory=list, repr=False)

    def hide(self, *secrets: str) -> None:
        """Remember secrets; of a credential also the part that nobody can guess, in every spelling."""
        for secret in secrets:
            assert len(secret) >= 16, "too short to hunt for"
            self.secrets |= {secret, quote(secret, safe="")}
            if match := re.fullmatch(r"as[a-z]{2}_([A-Za-z0-9_-]+)", secret):
                body = match[1]
                raw = urlsafe_b64decode(body + "=" * (-len(body) % 4))
                self.secrets |= {body, body[-40:], raw[-36:-4].hex()}

    def found_in(self, text: str) -> set[str]:
        """Return the first characters of every secret that the text holds."""
        return {secret[:9] + "…" for secret in self.secrets if secret in text}


@asynccontextmanager
async def visitor(demo: RunningDemo, hunt: Hunt) -> AsyncIterator[httpx.AsyncClient]:
    """A browser whose every cookie and form token is a secret, and whose every answer of ours is looked at."""

    async def note(response: httpx.Response) -> None:
        for cookie in response.cookies.jar:
            if cookie.value:
                hunt.hide(cookie.value)
        location = response.headers.get("location", "")
        if not location.startswith(REDIRECT_URI):  # that one carries the code, to whom it belongs
            hunt.seen.append(location)
        hunt.seen += [value for name, value in response.headers.items() if name not in ("set-cookie", "location")]
        if response.headers.get("content-type", "").startswith("text/html"):
            page = (await response.aread()).decode()
            hunt.seen += re.findall(r'(?:href|src|action)="([^"]*)"', page)
            hunt.hide(*(value for name, value in fields_of(response).items() if name in ("csrf", "person")))

    async with httpx.AsyncClient(base_url=demo.issuer, event_hooks={"response": [note]}, timeout=60) as browser:
        yield browser


@pytest.fixture(scope="module")
def hunt() -> Hunt:
    """Everything that this module hides."""
    hunt = Hunt()
    hunt.hide(PASSWORD, WRONG_PASSWORD, NEW_PASSWORD, SECRET)
    return hunt


@pytest.fixture(scope="module")
async def demo(hunt: Hunt) -> AsyncIterator[RunningDemo]:
    """A server on which a person, a client and several fools have done what they do."""
    with running_demo(data=DATA) as running:
        hunt.hide(running.password, running.setup_link.rpartition("/")[2])
        files = [running.server.data_dir / name for name in ("secret.key", "postgres.password", "demo.json")]
        hunt.hide(*(word for file in files for word in re.findall(r"[\w.~-]{30,}", file.read_text())))
        async with visitor(running, hunt) as browser:
            await _live(browser, hunt)
            await _manage(browser, hunt)
            await _register(browser, hunt)
            await _blunder(browser, hunt)
            hunt.seen.append((await browser.get(urlsplit(running.setup_link).path)).headers["referrer-policy"])
        yield running


async def _live(browser: httpx.AsyncClient, hunt: Hunt) -> None:
    """The whole journey: sign in, consent, exchange, replay, refresh, introspect, revoke."""
    page = await follow(browser, await browser.get(authorize_url("web")))
    wrong = {**fields_of(page), "username": "robin", "password": WRONG_PASSWORD}
    assert (await browser.post("/login", data=wrong)).status_code == 422
    consent = await follow(browser, await sign_in(browser, "robin", page))
    code = answer_of(await decide(browser, consent))["code"]
    hunt.hide(code)
    tokens = (await redeem(browser, "web", code)).json()
    hunt.hide(tokens["access_token"], tokens["refresh_token"])
    request_uri = await pushed(browser, "web")
    hunt.hide(request_uri.removeprefix(REQUEST_URI))
    hunt.hide(answer_of(await browser.get(pushed_url("web", request_uri)))["code"])
    assert (await browser.get(pushed_url("web", request_uri))).status_code == 400
    basic = ("web", SECRET)
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    fresh = (await browser.post("/oauth/token", data=refresh, auth=basic)).json()
    hunt.hide(fresh["access_token"], fresh["refresh_token"])
    for token in (fresh["access_token"], fresh["refresh_token"]):
        assert (await browser.post("/oauth/introspect", data={"token": token}, auth=basic)).json()["active"]
    assert (await browser.get("/api/v1/me", headers=_bearer(fresh["access_token"]))).status_code == 200
    assert (await redeem(browser, "web", code)).json()["error"] == "invalid_grant"  # the replay, which ends the family
    assert (await browser.post("/oauth/revoke", data={"token": fresh["refresh_token"]}, auth=basic)).status_code == 200
    assert (await browser.get("/api/v1/me", headers=_bearer(fresh["access_token"]))).status_code == 401


async def _manage(browser: httpx.AsyncClient, hunt: Hunt) -> None:
    """Make one of every other credential, use it where it belongs and where it does not, and look at its traces."""
    await sign_in(browser, "robin")
    csrf = (await browser.get("/api/v1/session", headers=HERE)).json()["csrf"]
    hunt.hide(csrf)
    headers = HERE | {"X-CSRF-Token": csrf}

    async def make(path: str, **content: object) -> dict[str, str]:
        answer = await browser.post(f"/api/v1/{path}", json=content, headers=headers)
        assert answer.status_code in (200, 201), answer.text
        made: dict[str, str] = answer.json()
        return made

    await make("organizations", slug="saltbarn", name="Saltbarn")
    application = await make("applications", client_name="Pager Bridge", redirect_uris=[REDIRECT_URI])
    token = await make("tokens", name="Nightly export", scopes=["org:read"], expires_in=3600)
    key = await make("organizations/saltbarn/api-keys", label="Runner")
    invitation = await make("organizations/saltbarn/invitations", role="member")
    rotated = await make(f"organizations/saltbarn/api-keys/{key['id']}/rotate")
    made = [application["client_secret"], token["token"], key["key"], rotated["key"]]
    made.append(invitation["url"].rpartition("/")[2])
    assert [secret[:5] for secret in made] == ["ascs_", "aspt_", "asak_", "asak_", "asiv_"]
    hunt.hide(*made)
    audit = "/api/v1/organizations/saltbarn/audit"
    for secret in made:
        assert (await browser.get(audit, headers=_bearer(secret))).status_code == (
            200 if secret.startswith(("aspt_", "asak_")) else 401
        )
        await browser.get(audit, auth=(secret, ""))
        await browser.get(audit, auth=("", secret))
        await browser.get(f"/api/v1/{secret}", headers={"X-Request-Id": secret[:64]})
        await browser.get("/api/v1/me", params={"access_token": secret})
        await browser.get("/oauth/token", params={"client_secret": secret})
        await browser.post(
            "/oauth/token", data={"grant_type": "refresh_token", "refresh_token": secret}, auth=(secret, "")
        )
        await browser.post("/oauth/introspect", data={"token": secret}, auth=("web", SECRET))
        await browser.post("/oauth/revoke", data={"token": secret}, auth=("web", SECRET))
        await browser.delete(f"/api/v1/tokens/{secret}", headers=headers)
        await browser.get(f"/invitations/{secret}")
    for path in (
        "/account/activity",
        "/account/tokens",
        "/organizations/saltbarn/audit",
        "/organizations/saltbarn/api-keys",
    ):
        page = await browser.get(path)
        assert page.status_code == 200
        assert hunt.found_in(page.text) <= {csrf[:9] + "…"}, path
    for path in (audit, f"{audit}/export", f"{audit}/export?format=csv", "/api/v1/audit/export", "/api/v1/tokens"):
        assert hunt.found_in((await browser.get(path, headers=HERE)).text) == set(), path


async def _register(browser: httpx.AsyncClient, hunt: Hunt) -> None:
    """Register an application over the protocol, change it, show its secrets where they do not belong, delete it."""
    members = {"client_name": "Rye Inspector", "redirect_uris": [REDIRECT_URI]}
    told = await registered(browser, members)
    secret, token = told["client_secret"], told["registration_access_token"]
    hunt.hide(secret, token)
    path = urlsplit(told["registration_client_uri"]).path
    wish = {**members, "client_id": told["client_id"], "token_endpoint_auth_method": "client_secret_jwt"}
    changed = await browser.put(path, json={**wish, "client_secret": secret}, headers=_bearer(token))
    hunt.hide(changed.json()["client_secret"])
    for shown in (secret, token):
        await browser.get(f"{path}/{shown}")
        await browser.get(f"/oauth/register/{shown}", headers=_bearer(token))
        await browser.post("/oauth/register", json={**members, "scope": shown}, headers=_bearer(shown))
        wrong = {**wish, "registration_access_token": token, "token_endpoint_auth_method": shown}
        assert (await browser.put(path, json=wrong, headers=_bearer(token))).status_code == 400
        await browser.get(path, headers=_bearer(shown))
    assert (await browser.delete(path, headers=_bearer(token))).status_code == 204


async def _blunder(browser: httpx.AsyncClient, hunt: Hunt) -> None:
    """Everything in the wrong place: secrets as names, in paths, in queries, in headers that are not for them."""
    code = await obtain_code(browser, "web", "robin")
    hunt.hide(code)
    tokens = (await redeem(browser, "web", code)).json()
    access, refresh = tokens["access_token"], tokens["refresh_token"]
    client_secret = new_client_secret(datetime.now(UTC))
    hunt.hide(access, refresh, client_secret)
    await sign_in_as(browser, PASSWORD, "robin")
    await sign_in_as(browser, f"robin {WRONG_PASSWORD}", WRONG_PASSWORD)
    for secret in (access, refresh, code, client_secret):
        await browser.get(f"/api/v1/{secret}")
        await browser.get(f"/oauth/token/{secret}", params={"code": secret})
        await browser.get("/api/v1/me", params={"access_token": secret})
        await browser.post("/oauth/token", params={"client_secret": secret}, data={"grant_type": secret})
        await browser.post(
            "/oauth/token", data={"grant_type": "authorization_code", "code": secret}, auth=(secret, secret)
        )
        await browser.post("/oauth/introspect", data={"token": secret}, auth=("web", client_secret))
        await browser.post("/oauth/revoke", data={"token": secret, "token_type_hint": secret, "client_id": secret})
        await browser.get("/api/v1/me", headers={"Authorization": f"Basic {secret}", "X-Request-Id": secret[:64]})
        await browser.post("/login", data={"csrf": secret, "password": PASSWORD, "username": "robin"})
        await browser.post("/consent", data={"interaction": secret, "decision": secret})
    for secret in (access, refresh, code, client_secret):
        await browser.get(authorize_url("web", scope=secret))
        await browser.get(authorize_url("web", prompt=secret, response_type=secret))
        await browser.get(authorize_url("web", redirect_uri=f"{REDIRECT_URI}?code={secret}"))
        await browser.get(authorize_url(secret, code_challenge_method=secret))


async def sign_in_as(browser: httpx.AsyncClient, username: str, password: str) -> None:
    """Sign in on a page of one's own, in a browser without a session."""
    async with httpx.AsyncClient(base_url=browser.base_url, timeout=60) as stranger:
        form = fields_of(await stranger.get("/login"))
        answer = await stranger.post("/login", data={**form, "username": username, "password": password})
        assert answer.status_code == 422


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def logs_of(demo: RunningDemo) -> dict[str, str]:
    """Return what server and database have written; of the banner only what is not told there on purpose."""
    banner = demo.server.said.replace(demo.setup_link, "").replace(demo.password, "")
    database: Path = demo.server.data_dir / "postgres.log"
    return {"stdout": banner, "stderr": demo.server.log, "postgres.log": database.read_text(errors="replace")}


def database_of(demo: RunningDemo) -> str:
    """Return the address of the server's database, for its owner."""
    return embedded.guest(demo.server.data_dir).owner.url()


async def rows_of(demo: RunningDemo, tables: Iterable[str] = ()) -> dict[str, str]:
    """Return the text of every row, table by table; of all tables unless some are named."""
    connection = await asyncpg.connect(database_of(demo))
    try:
        known = await connection.fetch(
            "select relname from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace"
        )
        names = tuple(tables) or tuple(row["relname"] for row in known)
        return {
            name: "\n".join(row["line"] for row in await connection.fetch(f'select t::text as line from "{name}" t'))
            for name in names
        }
    finally:
        await connection.close()


@pytest.mark.spec("standards", "NS-5")
@pytest.mark.spec("standards", "SR-5")
async def test_no_secret_is_logged(demo: RunningDemo, hunt: Hunt) -> None:
    logs = logs_of(demo)

    assert logs["stderr"].count('"path":"/oauth/token"') > 5
    assert {name: found for name, text in logs.items() if (found := hunt.found_in(text))} == {}


async def test_no_secret_stands_in_the_audit_trail_or_in_a_decision_trace(demo: RunningDemo, hunt: Hunt) -> None:
    rows = await rows_of(demo, ["audit", "decision_trace"])
    for _ in range(600):  # traces are written every half second
        if rows["decision_trace"].count("invalid_scope") >= 4:
            break
        await asyncio.sleep(0.1)
        rows = await rows_of(demo, ["audit", "decision_trace"])

    assert rows["decision_trace"].count("invalid_scope") >= 4
    assert "login.failed" in rows["audit"]
    for event in ("personal_token.created", "api_key.rotated", "invitation.created", "application.created"):
        assert event in rows["audit"]
    assert {name: found for name, text in rows.items() if (found := hunt.found_in(text))} == {}


@pytest.mark.spec("standards", "G5")
async def test_no_secret_is_stored_at_all(demo: RunningDemo, hunt: Hunt) -> None:
    rows = await rows_of(demo)

    assert rows["access_token"]
    assert rows["browser_session"]
    assert {name: found for name, text in rows.items() if (found := hunt.found_in(text))} == {}


@pytest.mark.spec("standards", "NS-5")
async def test_no_secret_stands_in_an_address_or_header_of_ours(demo: RunningDemo, hunt: Hunt) -> None:
    assert any(url.startswith("/login?interaction=asin_") for url in hunt.seen)
    assert hunt.found_in("\n".join(hunt.seen)) == set()


BROKEN_TABLES = ("browser_session", "interaction", "grant_code", "token_family", "access_token", "audit")


async def test_faults_of_ours_are_logged_without_values(demo: RunningDemo, hunt: Hunt) -> None:
    """The database refuses every new row, and tells which: neither log may repeat it."""
    async with visitor(demo, hunt) as browser:
        code = await obtain_code(browser, "web", "robin")
        hunt.hide(code)
        setup = fields_of(await browser.get(urlsplit(demo.setup_link).path))
        connection = await asyncpg.connect(database_of(demo))
        for table in BROKEN_TABLES:
            await connection.execute(f"alter table {table} add constraint broken check (false) not valid")
        try:
            answers = [
                await redeem(browser, "web", code),
                await browser.get(authorize_url("web", prompt="consent")),
                await browser.post(
                    "/setup",
                    data={
                        **setup,
                        "username": "olive",
                        "email": "olive@example.org",
                        "password": NEW_PASSWORD,
                        "password_confirm": NEW_PASSWORD,
                    },
                ),
            ]
            async with visitor(demo, hunt) as stranger:
                answers.append(await sign_in(stranger, "robin"))
        finally:
            for table in BROKEN_TABLES:
                await connection.execute(f"alter table {table} drop constraint broken")
            await connection.close()

    assert [answer.status_code for answer in answers] == [500] * len(answers)
    assert answers[0].json() == {"error": "server_error", "error_description": "something broke on our side"}
    for answer in answers:
        assert hunt.found_in(answer.text.replace(setup["csrf"], "")) == set()
        assert "Traceback" not in answer.text
    logs = logs_of(demo)
    assert "CheckViolationError" in logs["stderr"]
    for name, text in logs.items():
        assert hunt.found_in(text) == set(), name
        assert "$argon2" not in text, name
        assert "olive@example.org" not in text, name


@pytest.mark.slow
async def test_a_killed_database_leaves_no_secret_in_the_logs(demo: RunningDemo, hunt: Hunt) -> None:
    async with visitor(demo, hunt) as browser:
        page = await browser.get("/login")
        os.kill(int((demo.server.data_dir / "pg" / "postmaster.pid").read_text().split("\n", 1)[0]), signal.SIGKILL)
        for _ in range(5):
            try:
                await sign_in(browser, "robin", page)
                await redeem(browser, "web", "no code")
            except httpx.TransportError:
                break

    assert eventually(lambda: demo.server.process.poll() is not None)
    for name, text in logs_of(demo).items():
        assert hunt.found_in(text) == set(), name
        assert "$argon2" not in text, name
