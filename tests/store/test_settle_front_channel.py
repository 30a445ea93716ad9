"""Whatever an answer holds, its request is answered once: code, token, both or neither, from twenty connections."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Literal
from uuid import UUID

import pytest

from app.crypto.hashing import digest
from app.crypto.secrets import new_id
from app.store.database import Database
from app.store.orders import AuthorizationSettlement, NewFrontToken, NewInteraction
from tests.store import scene as scenes
from tests.store.scene import AUTHENTICATION, NOW, Scene, fetch
from tests.support.database import FreshDatabase

CONNECTIONS = 20
Word = Literal["code", "token"]


@pytest.fixture(scope="module")
async def crowd(fresh_database: FreshDatabase) -> AsyncIterator[Database]:
    """The database over many connections."""
    opened = await Database.open(fresh_database.runtime_url, hot_connections=CONNECTIONS)
    yield opened
    await opened.close()


def order(scene: Scene, words: frozenset[Word], waiting: NewInteraction, session_id: UUID) -> AuthorizationSettlement:
    """Return the order that a click on the page of a request leads to."""
    token = NewFrontToken(
        id=new_id(NOW),
        digest=digest(b"token"),
        family_id=new_id(NOW),
        key_version=1,
        scopes=("a",),
        resources=(),
        authentication=AUTHENTICATION,
        expires_at=NOW + timedelta(hours=1),
    )
    made = scenes.consent(scene, "a", interaction_id=waiting.id)
    return replace(
        made,
        code=made.code if "code" in words else None,
        token=token if "token" in words else None,
        session_id=session_id,
        subject="pairwise-subject",
        audit=replace(made.audit, application_id=scene.application_id),
    )


@pytest.mark.spec("standards", "SR-3")
@pytest.mark.parametrize(
    "words",
    [frozenset({"code"}), frozenset({"token"}), frozenset({"code", "token"}), frozenset()],
    ids=["code", "token", "both", "neither"],
)
async def test_of_twenty_clicks_at_once_one_is_answered(
    crowd: Database, fresh_database: FreshDatabase, words: frozenset[Word]
) -> None:
    scene = await scenes.begin(crowd)
    session = await scenes.sign_in(scene)
    waiting = scenes.interaction(scene)
    await crowd.hot.save_interaction(waiting)
    clicks = [order(scene, words, waiting, session) for _ in range(CONNECTIONS)]
    settled = await asyncio.gather(*(crowd.hot.settle_authorization(click) for click in clicks))
    assert [one is not None for one in settled].count(True) == 1
    [counted] = await fetch(
        fresh_database.superuser_url,
        """select (select count(*) from grant_code where application_id = $1) codes,
            (select count(*) from access_token where application_id = $1) tokens,
            (select count(*) from token_family where application_id = $1) families,
            (select count(*) from session_application where application_id = $1) sessions,
            (select count(*) from audit where application_id = $1 and event = 'authorization.granted') told,
            (select subject from "authorization" where application_id = $1) subject""",
        scene.application_id,
    )
    code, token = int("code" in words), int("token" in words)
    assert (counted["codes"], counted["tokens"], counted["families"]) == (code, token, token)
    assert (counted["sessions"], counted["told"], counted["subject"]) == (1, 1, "pairwise-subject")
