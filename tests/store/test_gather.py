"""What gathering finds: whole facts, in one round trip, and nothing where there is nothing."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlmodel import col

from app.crypto.hashing import digest
from app.crypto.secrets import new_id
from app.models import Application, BrowserSession, User
from app.protocol import liveness
from app.protocol.facts import CodeFact, FamilyFact, TokenFact
from app.protocol.policy import ApplicationPolicy
from app.store.database import Database
from app.store.hot_connection import counting_trips
from tests.store import scene as scenes
from tests.store.scene import AUTHENTICATION, NOW, SECOND, Scene


async def change(scene: Scene, table: Any, row_id: UUID, **values: object) -> None:
    async with scene.database.transaction() as transaction:
        await transaction.execute(update(table).where(col(table.id) == row_id).values(**values))


async def test_an_application_is_found_with_everything_that_was_registered(database: Database) -> None:
    scene = await scenes.begin(
        database,
        secret_digests=[digest(b"one"), digest(b"two")],
        redirect_uris=["https://client.example/a", "https://client.example/b"],
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
        scopes=["a", "b"],
        optional_scopes=["b"],
        policy={"access_token": 600, "require_pkce": False},
        owner_name="Ada",
        client_uri="https://client.example/",
        self_registered=True,
        verified=True,
        unmet=["dpop_bound_access_tokens"],
        version=3,
        epoch=2,
    )
    client = await database.hot.gather_client(scene.client_id)
    assert client is not None
    assert (client.id, client.client_id, client.name) == (scene.application_id, scene.client_id, "Reports")
    assert (client.version, client.epoch, client.auth_method) == (3, 2, "client_secret_basic")
    assert client.secret_digests == (digest(b"one"), digest(b"two"))
    assert client.redirect_uris == ("https://client.example/a", "https://client.example/b")
    assert client.grant_types == {"authorization_code", "refresh_token"}
    assert client.response_types == {"code"}
    assert client.scopes == frozenset({"a", "b"})
    assert client.optional_scopes == {"b"}
    assert client.policy == ApplicationPolicy(access_token=timedelta(minutes=10), require_pkce=False)
    assert (client.owner_name, client.client_uri) == ("Ada", "https://client.example/")
    assert (client.self_registered, client.verified) == (True, True)
    assert client.unmet == ("dpop_bound_access_tokens",)


async def test_an_application_without_a_scope_list_may_ask_for_all(scene: Scene) -> None:
    client = await scene.database.hot.gather_client(scene.client_id)
    assert client is not None
    assert client.scopes is None
    assert client.policy == ApplicationPolicy()


@pytest.mark.parametrize("status", ["inactive", "pending_deletion", "deletion_in_progress"])
async def test_an_application_that_is_not_active_is_not_found(database: Database, status: str) -> None:
    scene = await scenes.begin(database, status=status)
    assert await database.hot.gather_client(scene.client_id) is None
    assert (await database.hot.gather_code(scene.client_id, None))[0] is None
    assert (await database.hot.gather_authorize(scene.client_id, None, NOW))[0] is None


@pytest.mark.parametrize("name", ["", "nobody", "with\x00nul", "\ud800", "ключ"])
async def test_a_client_id_that_nobody_can_have_finds_nothing(database: Database, name: str) -> None:
    assert await database.hot.gather_client(name) is None
    assert await database.hot.gather_token(name, new_id(NOW)) == (None, None)


@pytest.mark.spec("standards", "P-7")
@pytest.mark.spec("standards", "SR-4")
async def test_a_code_is_found_as_it_was_written(scene: Scene) -> None:
    settled, code_id = await scenes.approve(scene, "a", "b")
    with counting_trips() as trips:
        client, code = await scene.database.hot.gather_code(scene.client_id, code_id)
    assert trips == ["gather_code"]
    assert client is not None
    assert code is not None
    assert code.origin == scene.origin(settled, "a", "b")
    assert code.authentication == AUTHENTICATION
    assert (code.digest, code.redirect_uri) == (digest(b"code"), "https://client.example/callback")
    assert (code.code_challenge, code.nonce, code.offline, code.failed_attempts) == ("challenge", "nonce", True, 0)
    assert (code.used_at, code.family_id, code.expires_at) == (None, None, NOW + 60 * SECOND)
    assert code.standing is not None
    assert liveness.stands(code.origin, code.standing)
    assert liveness.scopes_in_force(code.origin, code.standing) == ("a", "b")


@pytest.mark.spec("standards", "RTK-1")
@pytest.mark.spec("standards", "RTK-2")
@pytest.mark.spec("standards", "AR-8")
async def test_a_redeemed_code_names_its_family(scene: Scene) -> None:
    origin, order = await scenes.redeem(scene, "a")
    _, code = await scene.database.hot.gather_code(scene.client_id, order.grant_id)
    assert code is not None
    assert (code.used_at, code.family_id) == (NOW, order.family_id)
    _, family = await scene.database.hot.gather_family(scene.client_id, order.family_id)
    assert family is not None
    assert (family.origin, family.authentication) == (origin, AUTHENTICATION)
    assert (family.digest, family.generation, family.key_since) == (digest(b"refresh 0"), 0, ((1, 0),))
    assert (family.rotated_at, family.idle_expires_at) == (NOW, NOW + timedelta(days=30))
    assert (family.expires_at, family.revoked_at) == (NOW + timedelta(days=180), None)
    assert family.standing is not None
    assert liveness.stands(family.origin, family.standing)


async def test_a_stranger_finds_code_and_family_without_a_standing(scene: Scene) -> None:
    _, order = await scenes.redeem(scene, "a")
    stranger = await scenes.begin(scene.database)
    client, code = await scene.database.hot.gather_code(stranger.client_id, order.grant_id)
    assert client is not None
    assert code is not None
    assert code.origin.application_id == scene.application_id
    assert code.standing is None
    _, family = await scene.database.hot.gather_family(stranger.client_id, order.family_id)
    assert family is not None
    assert family.standing is None


async def test_any_caller_finds_a_token_with_its_application_and_person(scene: Scene) -> None:
    origin, order = await scenes.redeem(scene, "a")
    api = await scenes.begin(scene.database)
    with counting_trips() as trips:
        caller, token = await scene.database.hot.gather_token(api.client_id, order.token.id)
    assert trips == ["gather_token"]
    assert caller is not None
    assert caller.id == api.application_id
    assert isinstance(token, TokenFact)
    assert (token.id, token.digest, token.family_id) == (order.token.id, order.token.digest, order.family_id)
    assert token.origin == origin
    assert (token.client_id, token.username) == (scene.client_id, f"user-{scene.user_id}")
    assert (token.subject, token.auth_time) == (f"sub-{scene.user_id}", AUTHENTICATION.auth_time)
    assert (token.issued_at, token.expires_at) == (NOW, NOW + timedelta(hours=1))
    assert (token.revoked_at, token.family_revoked) == (None, False)
    assert token.standing is not None
    assert liveness.stands(token.origin, token.standing)
    assert await scene.database.hot.gather_token(None, order.token.id) == (None, token)


async def test_a_token_is_known_as_revoked_by_itself_and_by_its_family(scene: Scene) -> None:
    hot = scene.database.hot
    origin, order = await scenes.redeem(scene, "a")
    assert await hot.revoke_token(order.token.id, NOW + SECOND, scenes.entry("token.revoked"))
    assert not await hot.revoke_token(order.token.id, NOW + 2 * SECOND, scenes.entry("token.revoked"))
    _, token = await hot.gather_token(None, order.token.id)
    assert isinstance(token, TokenFact)
    assert (token.revoked_at, token.family_revoked) == (NOW + SECOND, False)

    other = scenes.refresh(origin, order.family_id)
    assert await hot.settle_refresh(other)
    await hot.revoke_family(order.family_id, None, NOW, "reuse", scenes.entry("family.reuse"))
    _, token = await hot.gather_token(None, other.token.id)
    assert isinstance(token, TokenFact)
    assert (token.revoked_at, token.family_revoked) == (None, True)


@pytest.mark.parametrize("values", [{"disabled_at": NOW}, {"epoch": 1}])
async def test_a_disabled_or_reenabled_person_stands_behind_nothing_of_before(
    scene: Scene, values: dict[str, object]
) -> None:
    origin, order = await scenes.redeem(scene, "a")
    await change(scene, User, scene.user_id, **values)
    _, token = await scene.database.hot.gather_token(None, order.token.id)
    _, family = await scene.database.hot.gather_family(scene.client_id, order.family_id)
    _, code = await scene.database.hot.gather_code(scene.client_id, order.grant_id)
    for fact in (token, family, code):
        assert isinstance(fact, TokenFact | FamilyFact | CodeFact)
        assert not liveness.stands(origin, fact.standing)


@pytest.mark.parametrize("values", [{"status": "inactive"}, {"epoch": 1}])
async def test_a_disabled_or_reenabled_application_stands_behind_nothing_of_before(
    scene: Scene, values: dict[str, object]
) -> None:
    origin, order = await scenes.redeem(scene, "a")
    await change(scene, Application, scene.application_id, **values)
    _, token = await scene.database.hot.gather_token(None, order.token.id)
    _, family = await scene.database.hot.gather_family(scene.client_id, order.family_id)
    for fact in (token, family):
        assert isinstance(fact, TokenFact | FamilyFact)
        assert not liveness.stands(origin, fact.standing)


async def test_authorize_finds_application_session_and_record_in_one_trip(scene: Scene) -> None:
    settled, _ = await scenes.approve(scene, "a", "b")
    session_id = await scenes.sign_in(scene)
    with counting_trips() as trips:
        client, session, record = await scene.database.hot.gather_authorize(scene.client_id, session_id, NOW)
    assert trips == ["gather_authorize"]
    assert client is not None
    assert session is not None
    assert (session.id, session.user_id, session.user_epoch) == (session_id, scene.user_id, 0)
    assert (session.subject, session.username) == (f"sub-{scene.user_id}", f"user-{scene.user_id}")
    assert (session.email, session.display_name, session.amr) == ("", "Ada", ("pwd",))
    assert (session.digest, session.auth_time, session.last_used_at) == (digest(b"session"), NOW, NOW)
    assert (session.idle_expires_at, session.expires_at) == (NOW + timedelta(hours=12), NOW + timedelta(days=30))
    assert record is not None
    assert (record.id, record.version, record.pairs, record.since) == (settled.record_id, 1, ("a", "b"), (1, 1))


@pytest.mark.parametrize(
    "values",
    [{"ended_at": NOW}, {"idle_expires_at": NOW}, {"expires_at": NOW}, {"user_epoch": 1}],
    ids=["ended", "idle", "over", "of an earlier life of the user"],
)
async def test_a_session_that_is_not_in_force_is_not_found_nor_its_record(
    scene: Scene, values: dict[str, object]
) -> None:
    await scenes.approve(scene, "a")
    session_id = await scenes.sign_in(scene, **values)
    client, session, record = await scene.database.hot.gather_authorize(scene.client_id, session_id, NOW)
    assert client is not None
    assert session is None
    assert record is None


async def test_the_session_of_a_disabled_person_is_not_found(scene: Scene) -> None:
    session_id = await scenes.sign_in(scene)
    await change(scene, User, scene.user_id, disabled_at=NOW)
    _, session, _ = await scene.database.hot.gather_authorize(scene.client_id, session_id, NOW)
    assert session is None


async def test_an_interaction_is_found_as_it_was_saved(scene: Scene) -> None:
    order = scenes.interaction(scene)
    session_id = await scenes.sign_in(scene)
    await scene.database.hot.save_interaction(order)
    with counting_trips() as trips:
        found, client, session, record = await scene.database.hot.gather_interaction(order.id, session_id, NOW)
    assert trips == ["gather_interaction"]
    assert found is not None
    assert (found.id, found.digest, found.client_id) == (order.id, order.digest, scene.client_id)
    assert (found.application_id, found.params) == (scene.application_id, order.params)
    assert (found.browser_digest, found.session_id, found.login_at) == (digest(b"browser"), None, None)
    assert (found.request_id, found.created_at) == ("request-1", NOW)
    assert (found.expires_at, found.closed_at) == (NOW + timedelta(minutes=10), None)
    assert client is not None
    assert session is not None
    assert record is None


async def test_an_unknown_interaction_brings_nothing_with_it(scene: Scene) -> None:
    session_id = await scenes.sign_in(scene)
    assert (await scene.database.hot.gather_interaction(new_id(NOW), session_id, NOW))[:2] == (None, None)


async def test_ended_sessions_do_not_disturb_the_living_one(scene: Scene) -> None:
    ended, living = await scenes.sign_in(scene), await scenes.sign_in(scene)
    await change(scene, BrowserSession, ended, ended_at=NOW)
    _, session, _ = await scene.database.hot.gather_authorize(scene.client_id, living, NOW)
    assert session is not None
