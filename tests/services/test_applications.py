"""Applications in the hands of the operator: made, listed, their secrets replaced, switched off and on."""

from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from app.crypto.hashing import digest
from app.protocol.client_metadata import read
from app.protocol.facts import ApplicationKind
from app.protocol.policy import ApplicationPolicy
from app.protocol.scopes import DEFAULT, ScopeRegistry
from app.protocol.token_format import Prefix, parse_credential
from app.services import applications, client_secrets
from app.services.applications import NoSuchApplication, NotPossible
from app.services.operator import Operator
from app.services.pet_names import pet_name
from app.store.applications import ClientIdTaken, Description
from app.store.database import Database
from tests.support.database import FreshDatabase

SCOPES = ScopeRegistry(DEFAULT)
OPERATOR = Operator("test", datetime.now(UTC))
CALLBACK = "https://shop.example/cb"


def described(policy: ApplicationPolicy | None = None, **members: Any) -> Description:
    """Describe an application with these members."""
    document = {"redirect_uris": [CALLBACK], "client_name": "Shop", **members}
    return applications.describe(read(document, SCOPES), policy or ApplicationPolicy())


@pytest.mark.spec("standards", "RU-6")
@pytest.mark.spec("standards", "NA-2")
@pytest.mark.parametrize(
    ("members", "kind"),
    [
        ({}, "web"),
        ({"redirect_uris": ["http://localhost:8001/callback"]}, "web"),
        ({"token_endpoint_auth_method": "none"}, "browser"),
        ({"token_endpoint_auth_method": "none", "redirect_uris": ["com.example.app:/cb"]}, "native"),
        ({"token_endpoint_auth_method": "none", "redirect_uris": ["http://127.0.0.1/cb"]}, "native"),
        (
            {
                "token_endpoint_auth_method": "none",
                "redirect_uris": ["http://127.0.0.1/cb"],
                "application_type": "web",
            },
            "browser",
        ),
        ({"application_type": "native"}, "native"),
        ({"redirect_uris": None, "grant_types": ["client_credentials"]}, "machine"),
    ],
)
def test_what_an_application_is_follows_from_its_metadata(members: dict[str, Any], kind: ApplicationKind) -> None:
    assert described(**members).kind == kind


def test_only_confidential_applications_may_be_looser_than_the_server() -> None:
    loose = ApplicationPolicy(require_pkce=False, rotate_refresh_tokens=False)
    assert described(loose).policy == {"require_pkce": False, "rotate_refresh_tokens": False}
    with pytest.raises(NotPossible, match="require_pkce"):
        described(ApplicationPolicy(require_pkce=False), token_endpoint_auth_method="none")
    with pytest.raises(NotPossible, match="rotate_refresh_tokens"):
        described(ApplicationPolicy(rotate_refresh_tokens=False), token_endpoint_auth_method="none")


def test_secrets_that_can_be_guessed_are_weak_and_generated_ones_are_not() -> None:
    assert client_secrets.is_weak_secret("x" * 64)
    assert client_secrets.is_weak_secret("short-but-varied-secret")
    assert not client_secrets.is_weak_secret(client_secrets.new_client_secret(OPERATOR.now))


def test_generated_identifiers_and_names_differ() -> None:
    identifiers = {applications.new_client_id() for _ in range(100)}
    assert len(identifiers) == 100
    assert all(len(identifier) == 32 for identifier in identifiers)
    assert len({pet_name() for _ in range(100)}) > 80


async def test_a_confidential_application_gets_an_identifier_and_a_secret_once(database: Database) -> None:
    made = await applications.create(database, described(), OPERATOR)
    assert made.client_secret is not None
    assert parse_credential(Prefix.CLIENT_SECRET, made.client_secret) is not None
    assert made.client_secret not in repr(made)
    fact = await database.hot.gather_client(made.client_id)
    assert fact is not None
    assert fact.secret_digests == (digest(made.client_secret.encode()),)
    assert (fact.name, fact.redirect_uris) == ("Shop", (CALLBACK,))


async def test_a_public_application_gets_no_secret(database: Database) -> None:
    made = await applications.create(database, described(token_endpoint_auth_method="none"), OPERATOR)
    assert made.client_secret is None
    with pytest.raises(NotPossible, match="has no secret"):
        await applications.rotate_secret(database, made.client_id, OPERATOR)


async def test_given_credentials_are_used(database: Database) -> None:
    made = await applications.create(database, described(), OPERATOR, client_id="shop", client_secret="given")
    assert (made.client_id, made.client_secret) == ("shop", "given")
    assert (await applications.find(database, "shop")).secret_digests == (digest(b"given"),)


async def test_a_client_id_is_given_once(database: Database) -> None:
    await applications.create(database, described(), OPERATOR, client_id="shop")
    with pytest.raises(ClientIdTaken):
        await applications.create(database, described(), OPERATOR, client_id="shop")
    assert len(await applications.list_all(database)) == 1


async def test_rotating_the_secret_replaces_it(database: Database) -> None:
    made = await applications.create(database, described(), OPERATOR)
    before = await database.hot.gather_client(made.client_id)
    secret = await applications.rotate_secret(database, made.client_id, OPERATOR)
    after = await database.hot.gather_client(made.client_id)
    assert before is not None
    assert after is not None
    assert secret != made.client_secret
    assert after.secret_digests == (digest(secret.encode()),)
    assert after.version == before.version + 1


async def test_the_old_secret_may_work_beside_the_new_one_until_the_next_rotation(database: Database) -> None:
    made = await applications.create(database, described(), OPERATOR)
    second = await applications.rotate_secret(database, made.client_id, OPERATOR, keep_old=True)
    fact = await database.hot.gather_client(made.client_id)
    assert fact is not None
    assert made.client_secret is not None
    assert fact.secret_digests == (digest(made.client_secret.encode()), digest(second.encode()))
    with pytest.raises(NotPossible, match="has 2 valid secrets"):
        await applications.rotate_secret(database, made.client_id, OPERATOR, keep_old=True)
    third = await applications.rotate_secret(database, made.client_id, OPERATOR)
    assert (await applications.find(database, made.client_id)).secret_digests == (digest(third.encode()),)


async def test_a_rotation_ends_with_the_older_secret_retired_and_the_newer_one_untouched(database: Database) -> None:
    made = await applications.create(database, described(), OPERATOR)
    assert made.client_secret is not None
    with pytest.raises(NotPossible, match="has no second secret"):
        await applications.retire_secret(database, made.client_id, OPERATOR)
    second = await applications.rotate_secret(database, made.client_id, OPERATOR, keep_old=True)
    assert await applications.retire_secret(database, made.client_id, OPERATOR) == made.client_secret[-4:]
    fact = await database.hot.gather_client(made.client_id)
    assert fact is not None
    assert fact.secret_digests == (digest(second.encode()),)
    with pytest.raises(NotPossible, match="has no second secret"):
        await applications.retire_secret(database, made.client_id, OPERATOR)
    with pytest.raises(NoSuchApplication):
        await applications.retire_secret(database, "nobody", OPERATOR)


def test_nothing_of_a_weak_secret_is_shown() -> None:
    assert client_secrets.last_four("short") == ""
    assert len(client_secrets.last_four(client_secrets.new_client_secret(OPERATOR.now))) == 4


async def test_a_disabled_application_is_unknown_and_its_epoch_never_comes_back(database: Database) -> None:
    made = await applications.create(database, described(), OPERATOR)
    before = await database.hot.gather_client(made.client_id)
    assert before is not None
    assert await applications.disable(database, made.client_id, OPERATOR)
    assert not await applications.disable(database, made.client_id, OPERATOR)
    assert await database.hot.gather_client(made.client_id) is None
    assert await applications.enable(database, made.client_id, OPERATOR)
    assert not await applications.enable(database, made.client_id, OPERATOR)
    after = await database.hot.gather_client(made.client_id)
    assert after is not None
    assert after.epoch == before.epoch + 1


async def test_an_application_that_does_not_exist_is_named(database: Database) -> None:
    for attempt in (
        applications.find(database, "gone"),
        applications.rotate_secret(database, "gone", OPERATOR),
        applications.disable(database, "gone", OPERATOR),
        applications.enable(database, "gone", OPERATOR),
    ):
        with pytest.raises(NoSuchApplication, match="client_id gone"):
            await attempt


async def audit_rows(fresh: FreshDatabase) -> list[asyncpg.Record]:
    """Return the audit trail."""
    connection = await asyncpg.connect(fresh.superuser_url)
    try:
        return await connection.fetch(
            "select event, actor_kind, application_id, subject_id, data from audit order by id"
        )
    finally:
        await connection.close()


async def test_every_deed_is_in_the_audit_trail_without_a_secret(
    database: Database, fresh_database: FreshDatabase
) -> None:
    made = await applications.create(database, described(), OPERATOR, client_id="shop")
    secret = await applications.rotate_secret(database, "shop", OPERATOR)
    await applications.disable(database, "shop", OPERATOR)
    await applications.enable(database, "shop", OPERATOR)
    rows = await audit_rows(fresh_database)
    assert sorted(row["event"] for row in rows) == [
        *("application.created", "application.disabled", "application.enabled", "application.secret_rotated")
    ]
    assert all(row["application_id"] == made.id and row["actor_kind"] == "operator" for row in rows)
    told = str([tuple(row) for row in rows])
    assert str(made.client_secret) not in told
    assert secret not in told
