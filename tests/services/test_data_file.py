"""Applying a data file: what is new, what changes, what stays, and that it is all or nothing."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.crypto.hashing import digest
from app.protocol.scopes import DEFAULT, ScopeRegistry
from app.protocol.token_format import Prefix, parse_credential
from app.services import applications as application_service
from app.services import data_file
from app.services.data_file import DataFileError, Report
from app.services.names import name_key
from app.services.operator import Operator
from app.services.passwords import PasswordQueue
from app.store import applications, directory
from app.store.applications import StoredApplication
from app.store.database import Database
from app.store.directory import StoredUser
from tests.store.scene import fetch
from tests.support.database import FreshDatabase

SCOPES = ScopeRegistry(DEFAULT)
NOW = datetime.now(UTC)
OPERATOR = Operator("test", NOW)
PASSWORD = "violet anchor plum taxi"
SECRET = "a-client-secret-of-more-than-32-characters"
ADA = {"username": "Ada", "email": "ada@example.org", "password": PASSWORD, "claims": {"given_name": "Ada"}}
SHOP = {
    "client_id": "shop",
    "client_secret": SECRET,
    "client_name": "Shop",
    "redirect_uris": ["https://shop.example/cb"],
    "grant_types": ["authorization_code", "refresh_token"],
    "scope": "org:read team:read",
    "owner": "ada",
}


async def apply(database: Database, *, dry_run: bool = False, **tables: Any) -> Report:
    """Apply a document."""
    queue = PasswordQueue(threads=1)
    try:
        return await data_file.apply(database, queue, data_file.parse(tables, SCOPES), OPERATOR, dry_run=dry_run)
    finally:
        queue.close()


async def refusal(database: Database, **tables: Any) -> list[str]:
    """Return why a document is refused."""
    with pytest.raises(DataFileError) as refused:
        await apply(database, **tables)
    return str(refused.value).splitlines()


async def user(database: Database, username: str) -> StoredUser:
    """Return a person who exists."""
    async with database.transaction() as transaction:
        found = await directory.find_by_name(transaction, name_key(username))
    assert found is not None
    return found


async def client(database: Database, client_id: str = "shop") -> StoredApplication:
    """Return an application that exists."""
    async with database.transaction() as transaction:
        found = await applications.find(transaction, client_id)
    assert found is not None
    return found


async def everything(database: Database) -> tuple[list[StoredUser], list[StoredApplication]]:
    """Return all users and applications."""
    async with database.transaction() as transaction:
        return await directory.list_all(transaction), await applications.list_all(transaction)


def signs(report: Report) -> list[str]:
    """Return the changes as a terminal shows them, without details."""
    return [f"{change.sign} {change.name}" for change in report.changes]


async def test_users_and_applications_are_made_as_declared(database: Database) -> None:
    report = await apply(database, users=[ADA], applications=[SHOP])
    assert signs(report) == ["+ Ada", "+ shop"]
    assert report.changed
    assert (report.secrets, report.weak, report.not_in_effect) == ((), (), ())
    ada, shop = await user(database, "ADA"), await client(database)
    assert (ada.username, ada.email, ada.sub, ada.claims) == (
        "Ada",
        "ada@example.org",
        str(ada.id),
        {"given_name": "Ada"},
    )
    assert shop.secret_digests == (digest(SECRET.encode()),)
    assert (shop.description.owner_user_id, shop.description.owner_name) == (ada.id, "Ada")
    assert (shop.description.kind, shop.description.auth_method) == ("web", "client_secret_basic")
    assert shop.description.scopes == ("org:read", "team:read")
    assert shop.status == "active"


async def test_the_protocol_sees_a_declared_application(database: Database) -> None:
    lifetimes = {"access_token": 60, "refresh_token_idle": 3600}
    await apply(database, users=[ADA], applications=[SHOP | {"lifetimes": lifetimes, "require_pkce": False}])
    fact = await database.hot.gather_client("shop")
    assert fact is not None
    assert fact.confidential
    assert fact.scopes == frozenset({"org:read", "team:read"})
    assert fact.policy.access_token is not None
    assert fact.policy.access_token.total_seconds() == 60
    assert fact.policy.refresh_token_absolute is None
    assert not fact.policy.require_pkce
    assert fact.policy.rotate_refresh_tokens
    assert not fact.policy.allow_implicit


async def test_the_legacy_switch_for_tokens_through_the_browser_is_set_and_taken_back(database: Database) -> None:
    implicit = {"grant_types": ["authorization_code", "implicit"], "response_types": ["code", "token"]}
    marked = SHOP | implicit | {"allow_implicit": True}
    report = await apply(database, users=[ADA], applications=[marked])
    assert report.not_in_effect == ()
    fact = await database.hot.gather_client("shop")
    assert fact is not None
    assert fact.policy.allow_implicit
    report = await apply(database, users=[ADA], applications=[SHOP | implicit])
    assert report.not_in_effect == (
        "application shop: grant_types implicit",
        "application shop: response_types token",
    )
    fact = await database.hot.gather_client("shop")
    assert fact is not None
    assert not fact.policy.allow_implicit


async def test_applying_again_changes_nothing(database: Database) -> None:
    generated = {"client_id": "tool", "redirect_uris": ["com.example.app:/cb"], "token_endpoint_auth_method": "none"}
    tables: dict[str, Any] = {
        "users": [ADA, {"username": "bob"}],
        "applications": [SHOP, generated, {"client_id": "api", "grant_types": []}],
    }
    first = await apply(database, **tables)
    before = await everything(database)
    second = await apply(database, **tables)
    assert signs(first) == ["+ Ada", "+ bob", "+ shop", "+ tool", "+ api"]
    assert signs(second) == ["= Ada", "= bob", "= shop", "= tool", "= api"]
    assert not second.changed
    assert second.secrets == ()
    assert await everything(database) == before


async def test_what_is_not_given_is_generated_and_told_once(database: Database) -> None:
    report = await apply(
        database, users=[{"username": "bob"}], applications=[SHOP | {"client_secret": None, "owner": None}]
    )
    password, secret = report.secrets
    assert (password.kind, password.name, len(password.secret)) == ("password", "bob", 29)
    assert parse_credential(Prefix.CLIENT_SECRET, secret.secret) is not None
    assert (await client(database)).secret_digests == (digest(secret.secret.encode()),)
    assert secret.secret not in repr(report)
    assert password.secret not in repr(report)


async def test_a_name_that_is_not_given_is_two_words_and_stays(database: Database) -> None:
    unnamed = {name: value for name, value in SHOP.items() if name not in {"client_name", "owner"}}
    await apply(database, applications=[unnamed])
    name = (await client(database)).description.name
    assert len(name.split()) == 2
    assert name == name.title()
    assert signs(await apply(database, applications=[unnamed])) == ["= shop"]
    assert (await client(database)).description.name == name


async def test_changes_are_told_member_by_member_and_written(database: Database) -> None:
    await apply(database, users=[ADA], applications=[SHOP])
    changed = SHOP | {"redirect_uris": ["https://shop.example/new"], "scope": None, "rotate_refresh_tokens": False}
    report = await apply(database, users=[ADA | {"email": "ada@new.example"}], applications=[changed])
    person, shop = report.changes
    assert (person.sign, person.details) == ("~", ("email: changed",))
    assert shop.sign == "~"
    assert shop.details == (
        'redirect_uris: ["https://shop.example/cb"] → ["https://shop.example/new"]',
        "rotate_refresh_tokens: true → false",
        'scope: "org:read team:read" → nothing',
    )
    stored = await client(database)
    assert stored.description.redirect_uris == ("https://shop.example/new",)
    assert stored.description.scopes is None
    assert (await user(database, "ada")).email == "ada@new.example"


async def test_members_of_users_that_are_left_out_stay(database: Database) -> None:
    await apply(database, users=[ADA | {"sub": "person-1"}])
    before = await user(database, "ada")
    report = await apply(database, users=[{"username": "ada"}])
    assert report.changes[0].details == ("username: changed",)
    after = await user(database, "ada")
    assert (after.username, after.email, after.claims, after.sub) == ("ada", before.email, before.claims, "person-1")
    assert after.password_hash == before.password_hash


async def test_members_of_applications_that_are_left_out_go_back_to_their_defaults(database: Database) -> None:
    await apply(database, users=[ADA], applications=[SHOP | {"require_pkce": False, "contacts": ["a@example.org"]}])
    report = await apply(database, applications=[{k: v for k, v in SHOP.items() if k != "owner"}])
    assert report.changes[0].details == (
        'contacts: ["a@example.org"] → nothing',
        'owner: "Ada" → nothing',
        "require_pkce: false → true",
    )


async def test_a_new_password_and_a_new_secret_replace_the_old_ones(database: Database) -> None:
    await apply(database, users=[ADA], applications=[SHOP])
    before = await user(database, "ada")
    new_secret = SECRET[::-1]
    report = await apply(
        database,
        users=[ADA | {"password": "copper lantern fig train"}],
        applications=[SHOP | {"client_secret": new_secret}],
    )
    assert [change.details for change in report.changes] == [("password: replaced",), ("client_secret: replaced",)]
    assert "copper" not in repr(report)
    assert (await user(database, "ada")).password_hash != before.password_hash
    assert (await client(database)).secret_digests == (digest(new_secret.encode()),)


async def test_a_secret_that_the_file_does_not_name_stays(database: Database) -> None:
    await apply(database, users=[ADA], applications=[SHOP])
    report = await apply(database, applications=[SHOP | {"client_secret": None}])
    assert signs(report) == ["= shop"]
    assert (await client(database)).secret_digests == (digest(SECRET.encode()),)


async def test_a_declared_secret_that_is_valid_leaves_the_one_beside_it_alone(database: Database) -> None:
    await apply(database, users=[ADA], applications=[SHOP])
    second = await application_service.rotate_secret(database, "shop", OPERATOR, keep_old=True)
    both = (digest(SECRET.encode()), digest(second.encode()))
    assert (await client(database)).secret_digests == both
    for declared in (SECRET, second):
        assert signs(await apply(database, users=[ADA], applications=[SHOP | {"client_secret": declared}])) == [
            *("= Ada", "= shop")
        ]
    assert (await client(database)).secret_digests == both


async def test_allowed_origins_are_stored_and_their_change_is_told(database: Database) -> None:
    await apply(database, users=[ADA], applications=[SHOP | {"allowed_origins": ["https://shop.example"]}])
    assert (await client(database)).description.allowed_origins == ("https://shop.example",)
    report = await apply(database, users=[ADA], applications=[SHOP])
    assert report.changes[1].details == ('allowed_origins: ["https://shop.example"] → nothing',)
    assert (await client(database)).description.allowed_origins == ()


async def test_a_deleted_application_is_not_declared_back_to_life(
    database: Database, fresh_database: FreshDatabase
) -> None:
    await apply(database, users=[ADA], applications=[SHOP])
    await fetch(fresh_database.superuser_url, "update application set status = 'deletion_in_progress'")
    with pytest.raises(DataFileError, match=r"applications\[shop\]\.client_id was that of a deleted application"):
        await apply(database, users=[ADA], applications=[SHOP])


async def test_an_application_that_becomes_public_loses_its_secret(database: Database) -> None:
    await apply(database, users=[ADA], applications=[SHOP])
    public = SHOP | {"client_secret": None, "token_endpoint_auth_method": "none"}
    assert "client_secret: removed" in (await apply(database, applications=[public])).changes[0].details
    assert (await client(database)).secret_digests == ()


async def test_a_dry_run_tells_the_same_and_writes_nothing(database: Database) -> None:
    report = await apply(database, dry_run=True, users=[ADA, {"username": "bob"}], applications=[SHOP])
    assert signs(report) == ["+ Ada", "+ bob", "+ shop"]
    assert report.secrets == ()
    assert await everything(database) == ([], [])


async def test_weak_secrets_are_stored_and_reported(database: Database) -> None:
    report = await apply(
        database,
        users=[{"username": "ada", "password": "password"}],
        applications=[SHOP | {"client_secret": "short", "owner": None}],
    )
    assert report.weak == ("user ada: password", "application shop: client_secret")
    assert (await client(database)).secret_digests == (digest(b"short"),)


async def test_what_is_not_built_is_stored_and_reported_and_the_application_is_refused(
    database: Database,
) -> None:
    report = await apply(
        database,
        users=[ADA],
        applications=[SHOP | {"require_pushed_authorization_requests": True, "profile": "fapi3", "scope": "openid"}],
        organizations=[{"slug": "acme", "plan": "free"}],
        resources=[{"identifier": "https://api.example"}],
    )
    assert report.not_in_effect == (
        "application shop: profile",
        "organization acme: plan",
    )
    fact = await database.hot.gather_client("shop")
    assert fact is not None
    assert fact.unmet == ("profile",)
    assert fact.requests.push_required
    assert (await client(database)).description.registration["profile"] == "fapi3"


async def test_an_owner_is_found_by_name_address_or_subject_and_may_be_an_organization(database: Database) -> None:
    await apply(database, users=[ADA | {"sub": "person-1"}])
    ada = await user(database, "ada")
    for owner in ("ADA", "Ada@Example.org", "person-1"):
        await apply(database, applications=[SHOP | {"owner": owner}])
        assert (await client(database)).description.owner_user_id == ada.id
    await apply(database, applications=[SHOP | {"owner": "acme"}], organizations=[{"slug": "acme", "name": "Acme Inc"}])
    stored = await client(database)
    assert (stored.description.owner_user_id, stored.description.owner_name) == (None, "Acme Inc")
    await apply(
        database,
        users=[{"username": "carol", "email": "carol@example.org"}],
        applications=[SHOP | {"owner": "carol@example.org"}],
    )
    assert (await client(database)).description.owner_name == "carol"


async def test_a_declared_application_that_was_disabled_stays_so(database: Database) -> None:
    await apply(database, users=[ADA], applications=[SHOP])
    assert await application_service.disable(database, "shop", OPERATOR)
    await apply(database, applications=[SHOP | {"client_name": "Shop 2"}])
    stored = await client(database)
    assert (stored.status, stored.description.name) == ("inactive", "Shop 2")


async def test_every_collision_is_told_and_nothing_is_written(database: Database) -> None:
    await apply(database, users=[ADA | {"sub": "person-1"}])
    before = await everything(database)
    assert await refusal(
        database,
        users=[
            {"username": "ada", "sub": "person-2"},
            {"username": "bob", "email": "ADA@example.org"},
            {"username": "carol", "sub": "person-1"},
            {"username": "Dora", "email": "d@example.org"},
            {"username": "dora", "email": "D@example.org"},
        ],
    ) == [
        "users[ada].sub differs from the one the person has, which never changes; remove it.",
        "users[bob].email belongs to Ada; choose another one.",
        "users[carol].sub belongs to Ada; choose another one.",
        "users[dora].username is that of another user in the file; each needs its own.",
        "users[dora].email is that of another user in the file; each needs its own.",
    ]
    assert await everything(database) == before


async def test_applications_that_cannot_be_are_told_and_nothing_is_written(database: Database) -> None:
    public = {"token_endpoint_auth_method": "none", "client_secret": None, "owner": None}
    said = await refusal(
        database,
        users=[ADA | {"sub": "person-1"}],
        applications=[
            SHOP,
            SHOP,
            SHOP | {"client_id": "person-1"},
            SHOP | {"client_id": "lost", "owner": "nobody"},
            SHOP | public | {"client_id": "loose", "require_pkce": False},
            SHOP | public | {"client_id": "lazy", "rotate_refresh_tokens": False},
            SHOP | {"client_id": "odd", "optional_scopes": ["org:write"]},
        ],
    )
    assert said == [
        "applications[shop].client_id is used twice; each application needs its own.",
        "applications[person-1].client_id is the subject identifier of a user; choose another one.",
        "applications[lost].owner names nobody, whom nobody knows; add that user to the file.",
        "applications[loose] is public, so require_pkce must not be false.",
        "applications[lazy] is public, so rotate_refresh_tokens must not be false.",
        "applications[odd] optional_scopes has org:write, which is not in scope; add it there.",
    ]
    assert await everything(database) == ([], [])


async def test_two_people_cannot_swap_their_addresses_in_one_file(database: Database) -> None:
    ada, bob = {"username": "ada", "email": "a@example.org"}, {"username": "bob", "email": "b@example.org"}
    await apply(database, users=[ada, bob])
    before = await everything(database)
    said = await refusal(database, users=[ada | {"email": "b@example.org"}, bob | {"email": "a@example.org"}])
    assert said == [
        "users[ada].email belongs to bob; choose another one.",
        "users[bob].email belongs to ada; choose another one.",
    ]
    assert await everything(database) == before
