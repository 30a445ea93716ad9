"""Client secrets that serve as MAC keys: sealed where they are needed, and nowhere and no longer than that."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.crypto.envelope import Purpose, open_vault
from app.crypto.hashing import digest
from app.protocol.scopes import DEFAULT, ScopeRegistry
from app.services import application_settings as settings
from app.services import applications, data_file, own_applications
from app.services.applications import NotPossible, Owner
from app.services.client_secrets import problem_with_mac_key
from app.services.data_file import Report
from app.services.operator import Operator
from app.services.passwords import PasswordQueue
from app.store import applications as store
from app.store.applications import StoredApplication
from app.store.database import Database
from tests.store.scene import fetch
from tests.support.database import FreshDatabase
from tests.support.leaving import occasion
from tests.support.own_applications import holder
from tests.support.service import Clock

SCOPES = ScopeRegistry(DEFAULT)
VAULT = open_vault(b"root secret of these tests, 32 bytes")
OPERATOR = Operator("test", datetime.now(UTC))
SECRET = "a-client-secret-that-makes-macs-0123456789-abcdefghij-ABCDEFGHIJ-klmno"
MACING: dict[str, Any] = {
    "client_id": "macing",
    "grant_types": ["client_credentials"],
    "token_endpoint_auth_method": "client_secret_jwt",
}


async def apply(database: Database, **members: Any) -> Report:
    queue = PasswordQueue(threads=1)
    data = data_file.parse({"applications": [MACING | members]}, SCOPES)
    try:
        return await data_file.apply(database, queue, data, OPERATOR, vault=VAULT if data.needs_vault else None)
    finally:
        queue.close()


async def stored(database: Database, client_id: str = "macing") -> StoredApplication:
    async with database.transaction() as transaction:
        found = await store.find(transaction, client_id)
    assert found is not None
    return found


async def opened(database: Database, client_id: str = "macing") -> list[bytes | None]:
    """Return the secrets that the hot path can read."""
    fact = await database.hot.gather_client(client_id)
    assert fact is not None
    sealed = fact.key_material.sealed_secrets
    return [VAULT.unseal(Purpose.CLIENT_SECRET, one, fact.id.bytes) for one in sealed]


def generated(report: Report) -> str:
    [made] = report.secrets
    return made.secret


@pytest.mark.spec("standards", "CA-3")
async def test_a_given_secret_is_sealed_and_opens_for_its_application_alone(
    database: Database, fresh_database: FreshDatabase
) -> None:
    assert (await apply(database, client_secret=SECRET)).secrets == ()
    assert await opened(database) == [SECRET.encode()]
    fact = await database.hot.gather_client("macing")
    assert fact is not None
    [sealed] = fact.key_material.sealed_secrets
    assert VAULT.unseal(Purpose.CLIENT_SECRET, sealed, b"x" * 16) is None
    assert VAULT.unseal(Purpose.SIGNING_KEY, sealed, fact.id.bytes) is None
    rows = await fetch(fresh_database.superuser_url, "select a::text, s::text from application a, application_secret s")
    assert SECRET not in str([tuple(row) for row in rows])
    assert (await apply(database, client_secret=SECRET)).changes[0].sign == "="


@pytest.mark.spec("standards", "CA-3")
async def test_a_generated_secret_is_sealed_too_and_stays_when_the_file_is_applied_again(database: Database) -> None:
    secret = generated(await apply(database))
    assert await opened(database) == [secret.encode()]
    report = await apply(database)
    assert (report.changes[0].sign, report.secrets) == ("=", ())
    changed = await apply(database, client_name="Another name")
    assert (changed.changes[0].sign, changed.secrets) == ("~", ())
    assert await opened(database) == [secret.encode()]


@pytest.mark.spec("standards", "CA-3")
async def test_both_secrets_of_a_rotation_are_sealed_until_the_older_one_is_retired(database: Database) -> None:
    first = generated(await apply(database))
    second = await applications.rotate_secret(database, "macing", OPERATOR, keep_old=True, vault=VAULT)
    assert await opened(database) == [first.encode(), second.encode()]
    await applications.retire_secret(database, "macing", OPERATOR)
    assert await opened(database) == [second.encode()]
    third = await applications.rotate_secret(database, "macing", OPERATOR, vault=VAULT)
    assert await opened(database) == [third.encode()]


@pytest.mark.spec("standards", "CA-3")
async def test_changing_the_method_wipes_what_is_sealed_and_changing_back_makes_a_new_secret(
    database: Database, fresh_database: FreshDatabase
) -> None:
    first = generated(await apply(database))
    report = await apply(database, token_endpoint_auth_method="client_secret_basic")
    assert report.secrets == ()
    assert await opened(database) == []
    assert (await stored(database)).secret_digests == (digest(first.encode()),)
    [row] = await fetch(fresh_database.superuser_url, "select count(sealed) from application_secret")
    assert row[0] == 0
    second = generated(await apply(database))
    assert await opened(database) == [second.encode()]


async def test_a_secret_that_is_known_as_a_digest_is_sealed_when_it_is_given_again(database: Database) -> None:
    await apply(database, client_secret=SECRET, token_endpoint_auth_method="client_secret_basic")
    report = await apply(database, client_secret=SECRET)
    assert (report.changes[0].sign, report.secrets) == ("~", ())
    assert await opened(database) == [SECRET.encode()]
    assert (await stored(database)).secret_digests == (digest(SECRET.encode()),)


async def test_one_that_an_older_version_kept_as_a_digest_alone_is_sealed(
    database: Database, fresh_database: FreshDatabase
) -> None:
    await apply(database, client_secret=SECRET)
    await fetch(fresh_database.superuser_url, "update application_secret set sealed = null")
    await fetch(fresh_database.superuser_url, "update application set key_material = '{}'")
    report = await apply(database, client_secret=SECRET)
    assert report.changes[0].details == ("client_secret: kept sealed",)
    assert await opened(database) == [SECRET.encode()]


async def test_keys_that_an_older_version_only_stored_come_into_effect_when_the_file_is_applied(
    database: Database, fresh_database: FreshDatabase
) -> None:
    members = {"token_endpoint_auth_method": "client_secret_basic", "introspection_signed_response_alg": "ES256"}
    await apply(database, client_secret=SECRET, **members)
    await fetch(fresh_database.superuser_url, "update application set key_material = '{}'")
    report = await apply(database, client_secret=SECRET, **members)
    assert report.changes[0].details == ("keys: in effect from now on",)
    assert (await stored(database)).description.key_material == {"introspection_signing_alg": "ES256"}
    assert (await apply(database, client_secret=SECRET, **members)).changes[0].sign == "="


async def test_without_the_root_secret_such_an_application_cannot_be_registered(database: Database) -> None:
    entry = data_file.parse({"applications": [MACING]}, SCOPES).applications[0]
    description = applications.describe(entry, entry.policy())
    with pytest.raises(NotPossible, match="root secret"):
        await applications.create(database, description, OPERATOR)
    made = await applications.create(database, description, OPERATOR, client_id="macing", vault=VAULT)
    assert made.client_secret is not None
    assert await opened(database) == [made.client_secret.encode()]
    with pytest.raises(NotPossible, match="root secret"):
        await applications.rotate_secret(database, "macing", OPERATOR)
    with pytest.raises(NotPossible, match="at least 32 bytes"):
        await applications.create(database, description, OPERATOR, client_secret="short", vault=VAULT)


@pytest.mark.spec("RFC 7518", "3.2")
def test_how_long_a_secret_has_to_be_depends_on_the_algorithm() -> None:
    assert problem_with_mac_key(SECRET, "HS512") is None
    assert problem_with_mac_key(SECRET[:63], "HS512") == "must have at least 64 bytes for HS512"
    assert problem_with_mac_key(SECRET[:32], "") is None
    assert "easy to guess" in (problem_with_mac_key("ab" * 40, "") or "")


def test_what_is_sealed_is_no_part_of_a_description_or_its_repr() -> None:
    described = settings.describe(
        settings.read_settings({"token_endpoint_auth_method": "client_secret_jwt"}), SCOPES, Owner()
    )
    assert described.key_material == {}


def test_an_owner_who_gives_keys_replaces_what_was_there() -> None:
    def described(document: dict[str, Any], before: Any = None) -> Any:
        given = settings.read_settings(document)
        return (
            settings.describe(given, SCOPES, Owner())
            if before is None
            else settings.describe_anew(before, given, SCOPES)
        )

    first = described({"tls_client_auth_san_dns": "a.example", "jwks": {"keys": []}, "dpop_bound_access_tokens": True})
    assert first.policy["dpop_bound"] is True
    second = described({"tls_client_auth_san_uri": "spiffe://a", "jwks_uri": "https://a.example/jwks"}, first)
    assert second.key_material == {
        "jwks_uri": "https://a.example/jwks", "tls_subject": ["tls_client_auth_san_uri", "spiffe://a"]
    }  # fmt: skip
    assert second.policy["dpop_bound"] is True
    third = described({"dpop_bound_access_tokens": False, "tls_client_certificate_bound_access_tokens": True}, second)
    assert ("dpop_bound" in third.policy, third.policy["tls_bound"]) == (False, True)
    assert third.key_material == second.key_material


def test_an_owner_cannot_leave_the_profile_that_the_operator_holds_him_to() -> None:
    keyed = {**MACING, "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://a.example/jwks"}
    entry = data_file.parse({"applications": [keyed | {"profile": "fapi2"}]}, SCOPES).applications[0]
    held = applications.describe(entry, entry.policy(), further=entry.further())
    assert (held.policy["strict_assertions"], held.policy["dpop_bound"]) == (True, True)
    for method in ("client_secret_basic", "client_secret_jwt"):
        with pytest.raises(own_applications.Unacceptable, match="profile fapi2"):
            settings.describe_anew(held, settings.read_settings({"token_endpoint_auth_method": method}), SCOPES)
    anew = settings.describe_anew(held, settings.read_settings({"dpop_bound_access_tokens": False}), SCOPES)
    assert anew.policy == held.policy


@pytest.mark.spec("standards", "CA-3")
async def test_an_owner_makes_seals_and_ends_secrets(database: Database) -> None:
    clock = Clock()
    ada = await holder(database, clock, "ada", "northquay")
    given = settings.read_settings({"token_endpoint_auth_method": "client_secret_jwt"})
    made = await own_applications.create(database, ada, given, occasion(clock), scopes=SCOPES, vault=VAULT)
    client_id = made.application.stored.client_id
    added = await own_applications.add_secret(database, ada, client_id, occasion(clock), vault=VAULT)
    assert made.client_secret is not None
    assert await opened(database, client_id) == [made.client_secret.encode(), added.client_secret.encode()]
    older = added.application.secrets[0].id
    left = await own_applications.retire_secret(database, ada, client_id, older, occasion(clock))
    assert await opened(database, client_id) == [added.client_secret.encode()]
    with pytest.raises(own_applications.Conflicting):
        await own_applications.retire_secret(database, ada, client_id, left.secrets[0].id, occasion(clock))
    keyed = settings.read_settings({"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://a.example/k"})
    changed = await own_applications.change(database, ada, client_id, keyed, occasion(clock), scopes=SCOPES)
    assert (changed.stored.sealed_secrets, len(changed.secrets)) == (0, 1)
    with pytest.raises(own_applications.Conflicting):
        await own_applications.add_secret(database, ada, client_id, occasion(clock), vault=VAULT)
    none_left = await own_applications.retire_secret(database, ada, client_id, left.secrets[0].id, occasion(clock))
    assert none_left.secrets == ()
