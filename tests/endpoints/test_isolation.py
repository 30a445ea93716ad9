"""Every route with every kind of credential of another person and another organization.

What is somebody else's is answered exactly like what never was; nothing of his is in any answer, and every row of his
is as it was. The routes are those of the running application: a new one is tried without a word here, or fails by name.
"""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import islice
from urllib.parse import urlencode
from uuid import UUID

import asyncpg
import httpx
import pytest

from app.models import Organization, User
from app.store.database import Database
from tests.support.credentials import api_key, basic, bearer, change, personal_token
from tests.support.database import FreshDatabase
from tests.support.isolation import BODIES, FEATURES, Route, Sent, attempts, by_owner, every_route, shape
from tests.support.membership import found, join
from tests.support.service import Service, service
from tests.support.worlds import LAST_FOUR, World, a_world, absent, browser_headers, every_row, sign_in_again, visit

SYSTEM_KEY = "system-key-of-these-tests-0123456789abcdef"
PUBLIC = {
    "GET /oauth/authorize": "a client_id is public: applications send people there with it",
    "POST /oauth/authorize": "a client_id is public: applications send people there with it",
}
"""Routes where somebody else's thing may be told from what never was, and why."""

LEAVES_A_ROW = {"POST /login": "who tried to sign in as somebody is written down in that person's trail"}
"""Routes that add a row which names somebody else, and why."""

HASHES = {"POST /login", "POST /setup"}
"""Routes that may hash a password, which takes long: two kinds of callers try them."""

NO_OWNER = {
    "GET /invitations/{link}": "who has the link is let in; the owner is a member already",
    "POST /invitations": "who has the link is let in; the owner is a member already",
    "GET /logos/{sealed}": "its addresses are sealed by pages, and hold what everybody may see",
    "GET /setup/{token}": "its link is for the very first operator",
    "POST /setup": "its link is for the very first operator",
    "GET /api/v1/me": "tells tokens who they are",
    "GET /oauth/userinfo": "tells tokens who has signed in",
    "POST /oauth/userinfo": "tells tokens who has signed in",
    "GET /login": "for whoever is not signed in",
    "POST /login": "for whoever is not signed in",
    "POST /sign-up": "for whoever has no account",
    "GET /consent": "needs a request of an application",
    "POST /consent": "needs a request of an application",
    "POST /device": "needs a device that waits",
    "GET /device/confirm": "needs a device that waits",
    "POST /device/confirm": "needs a device that waits",
    "GET /device/done": "needs a device that was decided about",
    "POST /oauth/device_authorization": "for applications",
    "POST /oauth/par": "for applications",
    "POST /oauth/bc-authorize": "for applications",
    "GET /oauth/authorize": "for applications",
    "POST /oauth/authorize": "for applications",
    "GET /oauth/authorize/resume": "needs a request of an application",
    "GET /oauth/logout/resume": "needs a request of an application",
    "POST /oauth/token": "for applications",
    "POST /oauth/introspect": "for applications",
    "POST /oauth/revoke": "for applications",
    "POST /oauth/global-token-revocation": "for applications",
    "GET /.well-known": "nothing is published under no name",
    "GET /.well-known/**": "nothing is published under other names",
    "GET /.well-known/oauth-protected-resource": "the origin is no resource here",
    "GET /.well-known/oauth-protected-resource/**": "a place for paths, and no path itself",
    "GET /oauth/grants": "for applications",
    "DELETE /oauth/grants": "for applications",
    "GET /oauth/grants/*": "for applications",
    "DELETE /oauth/grants/*": "for applications",
}
"""Routes that are not an owner's to use in his browser, and why."""

ROUTES = every_route()
named = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)


TAKE_TURNS = (
    "access token",
    "personal token",
    "API key",
    "API key as Basic",
)
"""Callers that come as scripts do, each from outside: with every test three of them try each route, in turn."""

TURNED_AWAY = (
    "a session that has ended",
    "a personal token that has expired",
    "a personal token that was revoked",
    "the token of somebody disabled",
    "a key that is switched off",
    "a key of a closed organization",
    "the system key from elsewhere",
)
"""Callers whose credential is good for nothing, at whichever route: with every test two of them try each, in turn."""


@dataclass(frozen=True, slots=True)
class Caller:
    """One way to call.

    `member`: of the victim's organization, with the weakest role. `lists`: also tries to narrow lists by what is the
    victim's. `session_of`: a person who signs in for it.
    """

    kind: str
    own: World
    headers: Mapping[str, str]
    member: bool = False
    lists: bool = False
    session_of: UUID | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """The victim, what never was, the ways to call, and the browser with the database behind it."""

    site: Service
    client: httpx.AsyncClient
    rows: asyncpg.Connection
    csrf: str
    victim: World
    nothing: Mapping[str, str]
    callers: tuple[Caller, ...]
    known: dict[str, bool] = field(default_factory=dict)

    async def call(self, sent: Sent, caller: Caller, route: Route) -> httpx.Response:
        """Send a request as somebody."""
        headers = dict(caller.headers)
        content = None
        if sent.body is not None and route.is_form:
            content = urlencode({**sent.body, "csrf": self.csrf}).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        elif sent.body is not None:
            content = json.dumps(sent.body).encode()
            headers["Content-Type"] = "application/json"
        elif route.is_form:
            content = urlencode({"csrf": self.csrf}).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.client.cookies.clear()
        return await self.client.request(sent.method, sent.url, headers=headers, content=content)

    async def of_victim(self) -> set[str]:
        """Return every row of the database that has anything of the victim's in it.

        Nearly all rows are as they were the time before: each is searched once.
        """
        marks, rows = (*self.victim.marks, str(self.victim.organization_id)), await every_row(self.rows)
        for row in rows:
            if row not in self.known:
                self.known[row] = any(mark in row for mark in marks)
        return {row for row in rows if self.known[row]}


async def ways_to_call(site: Service, csrf: str, victim: World) -> tuple[Caller, ...]:
    """Return every kind of credential that another person and another organization can have, valid and not."""
    own, now = await a_world(site, "Mallowfen"), site.clock()
    member, scopes = await a_world(site, "Tansyhurst"), [scope.name for scope in site.server.scopes]
    await join(site.database, victim.organization_id, member.user_id, "member", now)
    inside = replace(member, ids={**member.ids, "slug": victim.ids["slug"], "spare": victim.ids["slug"]})
    over = {"expires_at": now - timedelta(minutes=1)}
    _, expired = await personal_token(site, own.user_id, *scopes, **over)
    _, revoked = await personal_token(site, own.user_id, *scopes, revoked_at=now)
    _, switched_off = await api_key(site, own.organization_id, *scopes, status="inactive")
    closed_id = await found(site.database, "closed-one", now)
    _, closed = await api_key(site, closed_id, *scopes)
    await change(site, Organization, closed_id, deleted_at=now)
    shut_out = await a_world(site, "Ryegarth")
    await change(site, User, shut_out.user_id, disabled_at=now, epoch=1)
    _, members = await personal_token(site, member.user_id, *scopes)
    client = basic(own.ids["client"])["Authorization"]
    return (
        Caller("nobody", own, browser_headers(csrf, None)),
        Caller("session", own, browser_headers(csrf, ""), lists=True, session_of=own.user_id),
        Caller("a session that has ended", own, browser_headers(csrf, shut_out.secrets["session"])),
        Caller("access token", own, bearer(own.secrets["access_token"]), lists=True),
        Caller("personal token", own, bearer(own.secrets["personal_token"]), lists=True),
        Caller("API key", own, bearer(own.secrets["key"]), lists=True),
        Caller("API key as Basic", own, basic(own.secrets["key"])),
        Caller("an application", own, {"Authorization": client}),
        Caller("a personal token that has expired", own, bearer(expired)),
        Caller("a personal token that was revoked", own, bearer(revoked)),
        Caller("the token of somebody disabled", shut_out, bearer(shut_out.secrets["personal_token"])),
        Caller("a key that is switched off", own, basic(switched_off)),
        Caller("a key of a closed organization", own, bearer(closed)),
        Caller("the system key from elsewhere", own, bearer(SYSTEM_KEY)),
        Caller("session of a member", inside, browser_headers(csrf, ""), member=True, session_of=member.user_id),
        Caller("token of a member", inside, bearer(members), member=True),
    )


@pytest.fixture(scope="module")
async def stage(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[Stage]:
    """Two worlds and more, in an application with all its features."""
    settings = {"features": FEATURES, "system_key": SYSTEM_KEY, "system_key_networks": ["10.9.0.0/16"]}
    rows = await asyncpg.connect(fresh_database.superuser_url)
    async with service(database, **settings) as site, site.browser() as client:
        victim = await a_world(site, "Quillwort")
        csrf = (await visit(client, victim.secrets["session"])).csrf
        callers = await ways_to_call(site, csrf, victim)
        yield Stage(site, client, rows, csrf, victim, absent(victim), callers)
    await rows.close()


async def signed_in_anew(stage: Stage, caller: Caller) -> Caller:
    """Return the caller with a session of its own for the next route: the one before may have been signed out."""
    if caller.session_of is None:
        return caller
    return replace(caller, headers=browser_headers(stage.csrf, await sign_in_again(stage.site, caller.session_of)))


def not_to_be_seen(stage: Stage, caller: Caller) -> tuple[str, ...]:
    """Return the texts that no answer may hold. A member sees the organization and who is in it, and nothing else."""
    victim = stage.victim
    if not caller.member:
        return victim.marks
    hidden = {"slug", "spare", "organization_id", "user", "username", "companion", "sub", "request"}
    return (
        *(text for kind, text in victim.ids.items() if kind not in hidden),
        *victim.secrets.values(),
        *(f"{victim.mark} {what}" for what in ("key", "note", "application", "token", "person")),
        LAST_FOUR.format(victim.mark[:2]),
    )


def may_tell_apart(route: Route, caller: Caller, one: Sent, other: Sent) -> bool:
    """Tell whether a difference is meant: public names, and for members who else is in their organization."""
    if route.name in PUBLIC:
        return True
    inside = caller.member and route.kinds[:1] in (("slug",), ("spare",))
    names_it = caller.own.ids["slug"] in one and caller.own.ids["slug"] not in other
    return inside and (names_it or "companion" in route.kinds)


def left_to_the_slow(route: Route) -> set[str]:
    """Return the kinds of callers that try a route in `make test-slow` alone."""
    place = ROUTES.index(route)
    missed = {TAKE_TURNS[place % len(TAKE_TURNS)]}
    return missed | {*TURNED_AWAY} - {TURNED_AWAY[number % len(TURNED_AWAY)] for number in (place, place + 1)}


@pytest.mark.parametrize(
    "slow", [pytest.param(False, id="most"), pytest.param(True, id="others", marks=pytest.mark.slow)]
)
@named
async def test_another_persons_thing_is_what_never_was(stage: Stage, route: Route, slow: bool) -> None:
    before = await stage.of_victim()
    assert before
    assert {caller.kind for caller in stage.callers} > {*TAKE_TURNS, *TURNED_AWAY}
    for caller in stage.callers:
        if (caller.kind in left_to_the_slow(route)) is not slow:
            continue
        if route.name in HASHES and caller.kind not in ("nobody", "session"):
            continue
        who = await signed_in_anew(stage, caller)
        if not route.kinds:
            own = by_owner(route, caller.own)
            assert_nothing_seen(stage, who, own, await stage.call(own, who, route))
            who = await signed_in_anew(stage, caller)
        pairs = attempts(route, caller.own, stage.victim, stage.nothing, lists=caller.lists)
        for theirs, nothing in islice(pairs, None if route.is_api or not caller.headers.get("Authorization") else 1):
            answers = [await stage.call(sent, who, route) for sent in (theirs, nothing)]
            assert_nothing_seen(stage, who, theirs, answers[0])
            shapes = [shape(answer, sent) for answer, sent in zip(answers, (theirs, nothing), strict=True)]
            if not may_tell_apart(route, caller, theirs, nothing):
                assert shapes[0] == shapes[1], (caller.kind, theirs, nothing)
    after = await stage.of_victim()
    assert before <= after, (route.name, before - after)
    assert after == before or route.name in LEAVES_A_ROW, (route.name, after - before)


def assert_nothing_seen(stage: Stage, caller: Caller, sent: Sent, answer: httpx.Response) -> None:
    """Check that an answer tells nothing of the victim's but what the request has said itself."""
    told = answer.text + str(answer.headers.multi_items())
    assert answer.status_code < 500, (caller.kind, sent)
    assert not [text for text in not_to_be_seen(stage, caller) if text in told and text not in sent], (
        caller.kind,
        sent,
    )


_number = iter(range(10_000))


@named
async def test_the_owner_himself_gets_through_with_the_very_same_request(stage: Stage, route: Route) -> None:
    """Else the test above would show nothing: whatever is refused to everybody tells nobody apart."""
    if route.name in NO_OWNER:
        return
    operator = "/admin" in route.path or route.name == "POST /api/v1/organizations/{slug}/members"
    own = await a_world(stage.site, f"Owner{next(_number)}", operator=operator)
    if operator:
        guest = f"guest-{own.mark.lower()}"
        await stage.site.user(guest)
        own = replace(own, ids={**own.ids, "username": guest, "user": own.ids["companion"]})
    caller = Caller("owner", own, browser_headers(stage.csrf, own.secrets["session"]))
    answer = await stage.call(by_owner(route, own), caller, route)
    assert answer.status_code in (200, 201, 204, 303), answer.text[-1500:]
    assert not answer.headers.get("location", "").startswith("/login"), answer.headers


def test_every_exception_and_every_body_is_for_a_route_that_there_is() -> None:
    there = {route.name for route in ROUTES}
    assert {*PUBLIC, *LEAVES_A_ROW, *HASHES, *NO_OWNER, *BODIES} <= there
    assert all(route.kinds is not None for route in ROUTES)
