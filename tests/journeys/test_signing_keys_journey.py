"""Signing keys change while two workers sign and everybody checks: no token is refused that should count, and after an
emergency none counts that should not (JW-1, JW-3).

Time that only passes is left out: what the keys say of themselves is moved into the past, and the clocks of those who
keep the list forward by as much.
"""

import asyncio
import shutil
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import orjson
import pytest

from app.outbound.visitor import Visitor
from app.protocol.tokens.keyring import SHORTEST_ANNOUNCEMENT, SigningPlan
from app.store.database import Database
from tests.support.database import FreshDatabase
from tests.support.facts import VERIFIER
from tests.support.login import Person, go
from tests.support.node_programs import program
from tests.support.race import CLIENT_ID, USERNAME, WORKERS, RacedServer, raced_server
from tests.support.service import PASSWORD, REDIRECT_URI, SECRET, authorize_url
from tests.support.verifiers import ALGORITHMS, Clock, JoseVerifier, StrictVerifier

ANNOUNCE = SHORTEST_ANNOUNCEMENT.total_seconds()
PATIENCE = 60.0
PAUSE = 0.05
SECONDS = 15.0
"""The ring is read again every ten."""

APPLICATIONS = {"RS256": CLIENT_ID, "ES256": "es256"}
"""Who gets ID tokens of which algorithm; what registers none has RS256 (ID-2)."""

TABLES = f"[signing]\nannounce = {ANNOUNCE:.0f}\n" + "".join(
    f'[resources."https://{alg.lower()}.example"]\ntoken_format = "jwt"\nsigning_alg = "{alg}"\n'
    for alg in APPLICATIONS
)
UNKNOWN = b".".join(
    urlsafe_b64encode(orjson.dumps(part)).rstrip(b"=") for part in ({"alg": "ES256", "kid": "of nobody"}, {}, "")
).decode()
"""A JWT for which a worker looks for its key, as it does for each that names one which it has never heard of."""

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="one of the verifiers needs Node.js")


@pytest.fixture(scope="module")
async def raced(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[RacedServer]:
    """Two workers, and applications with ID tokens of either algorithm."""
    further = {
        "client_id": APPLICATIONS["ES256"],
        "client_secret": SECRET,
        "redirect_uris": [REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token"],
        "id_token_signed_response_alg": "ES256",
    }
    async with raced_server(database, fresh_database, tables=TABLES, applications=[further]) as running:
        yield running


@dataclass(slots=True)
class Busy:
    """Those who get tokens all the time at either worker, those who check each of them, and what was seen.

    `signs` is the key that the last token of each worker and algorithm was signed with.
    """

    raced: RacedServer
    workers: list[httpx.AsyncClient]
    clock: Clock
    strict: StrictVerifier
    jose: JoseVerifier
    refused: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    signs: dict[tuple[int, str], str] = field(default_factory=dict)

    async def go_on(self, worker: int, alg: str, refresh_token: str) -> None:
        """Refresh at one worker until cancelled, and have the tokens checked."""
        while True:
            data = {"grant_type": "refresh_token", "refresh_token": refresh_token}
            answer = await self.workers[worker].post("/oauth/token", data=data, auth=(APPLICATIONS[alg], SECRET))
            got = answer.raise_for_status().json()
            refresh_token = got["refresh_token"]
            for token in (got["id_token"], got["access_token"]):
                self.signs[worker, alg] = _header(token)["kid"]
                await self.check(token)
            await asyncio.sleep(PAUSE)

    async def check(self, token: str) -> None:
        """Have a token checked by everybody."""
        self.tokens.append(token)
        for verifier in (self.strict, self.jose):
            if problem := await verifier.problem_with(token):
                self.refused.append(f"{type(verifier).__name__}: {problem}")

    async def listed(self) -> list[dict[str, str]]:
        """Return the algorithm of each key in the list, of either worker."""
        answers = [(await worker.get("/oauth/jwks")).json()["keys"] for worker in self.workers]
        assert all(key["use"] == "sig" and "d" not in key for keys in answers for key in keys)
        return [{key["kid"]: key["alg"] for key in keys} for keys in answers]

    async def let_pass(self, time: timedelta) -> None:
        """Let time pass, for the keys and for those who keep the list."""
        moved = "update signing_key set created_at = created_at - $1::interval, active_from = active_from - $1"
        await self.raced.fetch(moved, time)
        self.clock.ahead += time.total_seconds()
        await self.jose.put_forward(self.clock.ahead)

    async def until(self, done: Callable[[list[dict[str, str]]], bool], *, patience: float = PATIENCE) -> None:
        """Wait until both lists, and what signs, are as wanted. That a worker looks for unknown keys saves time."""
        async with asyncio.timeout(patience):
            while not done(await self.listed()):
                for worker in self.workers:
                    assert (await worker.get("/oauth/logout", params={"id_token_hint": UNKNOWN})).status_code == 400
                await asyncio.sleep(PAUSE)


@asynccontextmanager
async def busy(raced: RacedServer) -> AsyncIterator[Busy]:
    """Yield while tokens are issued and checked; nobody may have been refused at the end."""
    async with (
        raced.rivals(WORKERS) as workers,
        program("remote_keys.mjs", raced.server.environment, None) as node,
        asyncio.TaskGroup() as group,
    ):
        clock = Clock()
        seen = Busy(raced, workers, clock, StrictVerifier.over(clock, workers), JoseVerifier(node))
        await seen.jose.begin(raced.server.issuer)
        tasks = [
            group.create_task(seen.go_on(worker, alg, (await sign_in(raced, alg))["refresh_token"]))
            for alg in APPLICATIONS
            for worker in range(WORKERS)
        ]
        try:
            yield seen
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await seen.jose.end()
    assert seen.refused == []
    assert len(seen.tokens) > 100


async def sign_in(raced: RacedServer, alg: str) -> dict[str, Any]:
    """Sign the person in with an application; return what that gets."""
    issuer, resource = raced.server.issuer, f"https://{alg.lower()}.example"
    asked = authorize_url(APPLICATIONS[alg], scope="openid offline_access", prompt="consent", resource=resource)
    async with Visitor() as browser:
        back = await go(browser, Person(USERNAME, PASSWORD), issuer + asked, callback=REDIRECT_URI)
    data = {
        "grant_type": "authorization_code",
        "code": parse_qs(urlsplit(back).query)["code"][0],
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
    }
    async with raced.browser() as client:
        answer = await client.post("/oauth/token", data=data, auth=(APPLICATIONS[alg], SECRET))
    got: dict[str, Any] = answer.raise_for_status().json()
    return got


async def rotate(raced: RacedServer, *words: str) -> list[str]:
    """Run the operator's command; return the ids of the keys that it speaks of, in its order."""
    done = await asyncio.to_thread(raced.server.assent, "keys", "rotate", *words)
    return [line.split()[1].rstrip(".") for line in done.stdout.splitlines()]


def _header(token: str) -> dict[str, str]:
    header: dict[str, str] = orjson.loads(_decoded(token.split(".")[0]))
    return header


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


async def rotated(seen: Busy, wait: Callable[[], Any]) -> None:
    """Go through a rotation; `wait` lets the second half of the announcement pass, and a little more."""
    [before, _] = await seen.listed()
    made = await rotate(seen.raced, "--now")
    assert len(made) == len(ALGORITHMS)
    everything = {*before, *made}
    await seen.until(lambda lists: all(keys.keys() == everything for keys in lists))
    assert set(seen.signs.values()) <= before.keys(), "an announced key signs nothing"
    earlier = [*seen.tokens[:20]]

    await wait()
    await seen.until(lambda _: len(seen.signs) == 4 and set(seen.signs.values()) == set(made), patience=2 * ANNOUNCE)
    for token in earlier:
        await seen.check(token)
    assert [keys.keys() for keys in await seen.listed()] == [everything] * WORKERS, "the keys before still count"

    await seen.let_pass(SigningPlan().keep)
    await seen.until(lambda lists: all(keys.keys() == set(made) for keys in lists))
    assert {*await rotate(seen.raced)} == before.keys(), "they are removed"


@pytest.mark.slow
@pytest.mark.spec("standards", "JW-1")
@pytest.mark.spec("standards", "JW-3")
async def test_nobody_refuses_a_token_while_the_keys_rotate(raced: RacedServer) -> None:
    async with busy(raced) as seen:

        async def wait() -> None:
            await seen.let_pass(SHORTEST_ANNOUNCEMENT / 2)
            so_far = len(seen.tokens)
            await seen.until(lambda _: len(seen.tokens) > so_far + 20)
            await seen.let_pass(SHORTEST_ANNOUNCEMENT / 2)

        await rotated(seen, wait)
    assert seen.strict.fetched >= 3


@pytest.mark.soak
@pytest.mark.slow
@pytest.mark.spec("standards", "JW-1")
@pytest.mark.spec("standards", "JW-3")
async def test_nobody_refuses_a_token_while_an_announcement_takes_its_time(raced: RacedServer) -> None:
    """As above, and no clock is put forward until the next keys sign."""
    async with busy(raced) as seen:

        async def wait() -> None:
            await asyncio.sleep(ANNOUNCE)

        await rotated(seen, wait)
    assert seen.strict.fetched >= 3


@pytest.mark.spec("standards", "JW-3")
@pytest.mark.spec("standards", "OC-12")
async def test_what_a_revoked_key_has_signed_counts_nowhere_within_seconds(raced: RacedServer) -> None:
    got = await sign_in(raced, "ES256")
    kid = _header(got["id_token"])["kid"]
    assert _header(got["access_token"])["kid"] == kid
    async with raced.rivals(WORKERS) as workers:
        for worker in workers:
            assert await _standing(worker, got) == (True, True, True)

        await asyncio.to_thread(raced.server.assent, "keys", "retire", kid)
        async with asyncio.timeout(SECONDS):
            while {await _standing(worker, got, kid=kid) for worker in workers} != {(False, False, False)}:  # noqa: ASYNC110
                await asyncio.sleep(PAUSE)

        for worker in workers:
            data = {"grant_type": "refresh_token", "refresh_token": got["refresh_token"]}
            answer = await worker.post("/oauth/token", data=data, auth=(APPLICATIONS["ES256"], SECRET))
            got = answer.raise_for_status().json()
            assert _header(got["id_token"])["kid"] != kid
            for other in workers:
                assert await _standing(other, got) == (True, True, True), "another key has begun, on every worker"


async def _standing(worker: httpx.AsyncClient, got: dict[str, Any], *, kid: str = "") -> tuple[bool, bool, bool]:
    """Tell of one worker whether a key is in its list, an ID token counts as a hint, and an access token is active."""
    keys = (await worker.get("/oauth/jwks")).json()["keys"]
    hint = await worker.get("/oauth/logout", params={"id_token_hint": got["id_token"]})
    data, own = {"token": got["access_token"]}, (APPLICATIONS["ES256"], SECRET)
    told = (await worker.post("/oauth/introspect", data=data, auth=own)).json()
    kid = kid or _header(got["id_token"])["kid"]
    return kid in {key["kid"] for key in keys}, hint.status_code != 400, told["active"]
