"""The database goes away in the middle of changes: what was not acknowledged can be sent again, and is done once."""

import asyncio
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.store.scene import fetch
from tests.support import database
from tests.support.api_person import HERE
from tests.support.database import OWNER, RUNTIME, TestCluster
from tests.support.server import Server, directory_for_server, running_server
from tests.support.service import PASSWORD, fields_of

RETRY_SECONDS = 0.05
RESTART_SECONDS = 1.0
"""About as long as a restart takes, and the time until the next one."""

MOST = 90
"""Deeds of one kind, spread over the test: a person can have no more than 100 personal tokens."""

DATA = {
    "users": [{"username": "robin", "password": PASSWORD}],
    "organizations": [{"slug": "northquay", "members": [{"user": "robin", "role": "owner"}]}],
}
KINDS: dict[str, tuple[str, str, Callable[[str], dict[str, Any]], str]] = {
    "application": ("/api/v1/applications", "client_id", lambda name: {"client_name": name}, "name from application"),
    "token": (
        "/api/v1/tokens", "id", lambda name: {"name": name, "scopes": ["org:read"]}, "name from personal_token",
    ),
    "key": (
        "/api/v1/organizations/northquay/api-keys", "id", lambda name: {"label": name}, "label from api_key",
    ),
}  # fmt: skip
"""By kind: where it is made, the member that names it, what is sent, and where its rows are."""


@dataclass(slots=True)
class Maker:
    """Makes one thing after the other, each under an Idempotency-Key, and repeats whatever was not answered."""

    kind: str
    csrf: str
    cookies: httpx.Cookies
    pause_seconds: float
    made: dict[str, str] = field(default_factory=dict)
    repeats: int = 0
    surprises: list[str] = field(default_factory=list)

    def work(self, server: Server, over: threading.Event) -> None:
        """Go on until it is over."""
        with server.client(cookies=self.cookies) as client:
            while not over.is_set() and not self.surprises and len(self.made) < MOST:
                self._make_one(client, f"{self.kind} {len(self.made)}")
                time.sleep(self.pause_seconds)

    def _make_one(self, client: httpx.Client, name: str) -> None:
        path, member, body, _ = KINDS[self.kind]
        headers = HERE | {"X-CSRF-Token": self.csrf, "Idempotency-Key": name}
        while True:
            try:
                answer = client.post(path, json=body(name), headers=headers)
            except httpx.HTTPError:
                answer = None
            if answer is not None and answer.status_code < 500:
                break
            self.repeats += 1
            time.sleep(RETRY_SECONDS)
        if answer.status_code == 201:
            self.made[name] = answer.json()[member]
        elif answer.status_code == 409:
            self.made[name] = answer.json()["resource_id"]
        else:
            self.surprises.append(answer.text)


@pytest.fixture
def cluster() -> Iterator[list[TestCluster]]:
    """A PostgreSQL that may be restarted; the list holds the one that runs."""
    running = [database.start("wheel")]
    roles = (f"create role {OWNER} login", f"create role {RUNTIME} login", f"create database faults owner {OWNER}")
    asyncio.run(database.command(running[0], *roles))
    yield running
    database.end(running[0])


@pytest.fixture
def server(cluster: list[TestCluster]) -> Iterator[Server]:
    settings = {
        "DATABASE_URL": cluster[0].url(RUNTIME, "faults"),
        "DATABASE_OWNER_URL": cluster[0].url(OWNER, "faults"),
        "SECRET_KEY": secrets.token_urlsafe(48),
    }
    with (
        directory_for_server() as directory,
        running_server(directory, workers=2, data=DATA, settings=settings) as running,
    ):
        yield running


def sign_in(server: Server, kind: str, pause_seconds: float) -> Maker:
    """Return somebody who is signed in."""
    with server.client() as browser:
        form = fields_of(browser.get("/login")) | {"username": "robin", "password": PASSWORD}
        assert browser.post("/login", data=form).status_code == 303
        csrf = browser.get("/api/v1/session", headers=HERE).json()["csrf"]
        return Maker(kind, csrf, browser.cookies, pause_seconds)


@pytest.mark.soak
def test_what_was_answered_503_and_is_sent_again_with_its_key_is_done_once(
    cluster: list[TestCluster], server: Server, volume: Callable[[int], int]
) -> None:
    restarts = 1 + volume(20)
    makers = [sign_in(server, kind, restarts * RESTART_SECONDS / MOST) for kind in KINDS]
    over = threading.Event()
    threads = [threading.Thread(target=maker.work, args=(server, over)) for maker in makers]
    for thread in threads:
        thread.start()
    try:
        for _ in range(restarts):
            time.sleep(0.4)
            cluster[0] = database.restart(cluster[0], pause_seconds=0.2)
        time.sleep(0.5)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert [maker.surprises for maker in makers] == [[], [], []]
    assert sum(maker.repeats for maker in makers) > 0
    url = cluster[0].url("postgres", "faults")
    for maker in makers:
        _, member, _, source = KINDS[maker.kind]
        rows = asyncio.run(fetch(url, f"select {member}::text id, {source}"))
        assert {row[1]: row[0] for row in rows} == maker.made
        assert len(rows) == len(maker.made)
    created = "('application.created', 'personal_token.created', 'api_key.created')"
    [row] = asyncio.run(fetch(url, f"select count(*), count(distinct subject_id) from audit where event in {created}"))
    assert tuple(row) == (sum(len(maker.made) for maker in makers),) * 2
