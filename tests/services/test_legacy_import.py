"""The import of a system of the bitmask era: what comes along, what is told, and that it can be repeated."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest

from app.crypto.hashing import digest
from app.protocol.legacy import row_digest
from app.protocol.policy import Lifetimes
from app.protocol.roles import Roles
from app.protocol.scopes import DEFAULT, ScopeRegistry
from app.services.legacy_import import Importer, LegacyFileError, Report, read_file
from app.services.legacy_import.files import FileSource
from app.services.operator import Operator
from app.store.database import Database
from app.store.legacy_credentials import count_credentials
from tests.support.database import FreshDatabase

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
REGISTRY = ScopeRegistry(DEFAULT)
CLIENT_ID, CLIENT_SECRET = "c1" * 32, "5e" * 32
TOKEN, REFRESH, PERSONAL, KEY = "a0" * 32, "b0" * 32, "d0" * 32, "e0" * 16

USERS = [{"id": 7, "username": "ada", "email": "ada@example.org"}]
APPLICATIONS: list[dict[str, Any]] = [
    {
        "id": 3,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "owner": 7,
        "name": "Proud Marmot",
        "redirect_uris": "https://marmot.example/cb\n\n",
        "homepage_url": "https://marmot.example",
    }
]
AUTHORIZATIONS = [
    {"application": 3, "user": 7, "scopes": 1025, "scope_list": None, "date_added": "2017-03-01T10:00:00Z"}
]
TOKENS: list[dict[str, Any]] = [
    {
        "application": 3,
        "user": 7,
        "token": TOKEN,
        "refresh_token": REFRESH,
        "expires_at": "2026-12-20T00:00:00Z",
        "scopes": 1,
        "scope_list": [],
    },
    {"application": None, "user": 7, "token": PERSONAL, "scope_list": ["event:read"]},
]
ORGANIZATIONS = [{"id": 1, "slug": "northquay", "name": "Northquay"}]
MEMBERS = [{"organization": 1, "user": 7, "role": "owner"}]
KEYS = [{"organization": 1, "label": "Deploys", "key": KEY, "scopes": 1024, "allowed_origins": "*.example.org\n"}]
EVERYTHING: dict[str, list[dict[str, Any]]] = {
    "users": USERS,
    "organizations": ORGANIZATIONS,
    "members": MEMBERS,
    "applications": APPLICATIONS,
    "authorizations": AUTHORIZATIONS,
    "tokens": TOKENS,
    "keys": KEYS,
}


@dataclass
class Old:
    """An old system next to a database of ours."""

    database: Database
    fresh: FreshDatabase
    told: list[tuple[str, int]] = field(default_factory=list)

    async def imported(self, rows: Mapping[str, Any] = EVERYTHING, *, dry_run: bool = False) -> Report:
        """Import rows."""
        importer = Importer(
            self.database,
            FileSource(rows),
            REGISTRY,
            Roles.chosen({}, REGISTRY),
            Lifetimes(),
            key_version=1,
            operator=Operator("import", NOW),
            progress=lambda kind, count: self.told.append((kind, count)),
        )
        return await importer.run(dry_run=dry_run)

    async def rows(self, sql: str) -> list[asyncpg.Record]:
        """Return what the database has."""
        connection = await asyncpg.connect(self.fresh.superuser_url)
        try:
            found: list[asyncpg.Record] = await connection.fetch(sql)
            return found
        finally:
            await connection.close()

    async def counts(self) -> list[int]:
        """Return how many rows stand in each table that an import writes."""
        tables = [
            *("user_account", "organization", "organization_member", "application", '"authorization"'),
            *("legacy_token", "token_family", "personal_token", "api_key", "legacy_credential", "audit"),
        ]
        return [(await self.rows(f"select count(*) from {table}"))[0][0] for table in tables]


@pytest.fixture
async def old(database: Database, fresh_database: FreshDatabase) -> Old:
    """Nothing is imported yet."""
    return Old(database, fresh_database)


async def test_everything_comes_along_and_is_counted(old: Old) -> None:
    report = await old.imported()
    assert report.refusals == []
    assert dict(report.imported) == {
        **{"users": 1, "organizations": 1, "members": 1, "applications": 1, "authorizations": 1, "tokens": 2, "keys": 1}
    }
    assert old.told == [(kind, len(rows)) for kind, rows in EVERYTHING.items()]


async def test_an_application_keeps_its_identity_and_its_secret(old: Old) -> None:
    await old.imported()
    [row] = await old.rows(
        "select client_id, name, auth_method, redirect_uris, secret_digests, policy from application"
    )
    assert row["client_id"] == CLIENT_ID
    assert row["name"] == "Proud Marmot"
    assert row["auth_method"] == "client_secret_post"
    assert row["redirect_uris"] == ["https://marmot.example/cb"]
    assert row["secret_digests"] == [digest(CLIENT_SECRET.encode())]
    assert orjson.loads(row["policy"])["require_pkce"] is False


@pytest.mark.spec("original", "BUG 9")
async def test_bug_9_a_mask_becomes_a_list_so_that_nothing_hides_it_later(old: Old) -> None:
    await old.imported()
    [row] = await old.rows('select pairs, since, version, created_at from "authorization"')
    assert (row["pairs"], row["since"], row["version"]) == (["project:read", "org:read"], [1, 1], 1)
    assert row["created_at"] == datetime(2017, 3, 1, 10, tzinfo=UTC)


@pytest.mark.spec("original", "BUG 10")
async def test_bug_10_no_string_of_the_old_system_is_kept(old: Old) -> None:
    await old.imported()
    for table in ("application", "application_secret", "legacy_token", "token_family", "personal_token", "api_key"):
        for row in await old.rows(f"select t::text as text from {table} t"):
            assert not [secret for secret in (CLIENT_SECRET, TOKEN, REFRESH, PERSONAL, KEY) if secret in row["text"]]
    for row in await old.rows("select t::text as text from audit t"):
        assert not [secret for secret in (CLIENT_SECRET, TOKEN, REFRESH, PERSONAL, KEY) if secret in row["text"]]


async def test_an_import_that_is_repeated_changes_nothing(old: Old) -> None:
    await old.imported()
    before = await old.counts()
    report = await old.imported()
    assert sum(report.imported.values()) == 0
    assert sum(report.present.values()) == 8
    assert await old.counts() == [*before[:-1], before[-1] + 1]  # the audit log tells of the import itself


async def test_what_was_taken_away_here_does_not_come_back(old: Old) -> None:
    await old.imported()
    connection = await asyncpg.connect(old.fresh.superuser_url)
    try:
        await connection.execute("""update "authorization" set pairs = '{org:read}', since = '{1}', version = 2""")
        await connection.execute("delete from api_key")
    finally:
        await connection.close()
    await old.imported()
    assert (await old.rows('select pairs from "authorization"'))[0]["pairs"] == ["org:read"]
    assert await old.rows("select id from api_key") == []


async def test_a_dry_run_tells_the_same_and_writes_nothing(old: Old) -> None:
    before = await old.counts()
    report = await old.imported(dry_run=True)
    assert sum(report.imported.values()) == 8
    assert await old.counts() == before


async def test_a_second_import_goes_on_where_the_first_broke_off(old: Old) -> None:
    class BrokenOff(Exception):
        pass

    class Breaking(FileSource):
        async def batches(self, kind: str) -> Any:
            if kind == "tokens":
                raise BrokenOff
            for rows in (self.rows.get(kind, ()),):
                yield rows

    importer = Importer(
        *(old.database, Breaking(EVERYTHING), REGISTRY, Roles.chosen({}, REGISTRY), Lifetimes()),
        key_version=1,
        operator=Operator("import", NOW),
    )
    with pytest.raises(BrokenOff):
        await importer.run()
    report = await old.imported()
    assert (report.imported["authorizations"], report.imported["tokens"], report.imported["keys"]) == (0, 2, 1)


async def test_a_consent_given_here_before_is_merged_not_replaced(old: Old) -> None:
    await old.imported({**EVERYTHING, "authorizations": [{"application": 3, "user": 7, "scope_list": ["team:read"]}]})
    connection = await asyncpg.connect(old.fresh.superuser_url)
    try:
        await connection.execute("delete from legacy_import where kind = 'authorizations'")
    finally:
        await connection.close()
    await old.imported()
    [row] = await old.rows('select pairs, since, version from "authorization"')
    assert row["pairs"] == ["team:read", "project:read", "org:read"]
    assert (row["since"], row["version"]) == ([1, 2, 2], 2)


def refusals(report: Report) -> list[tuple[str, str, str]]:
    """Return what was refused."""
    return [(refusal.kind, refusal.name, refusal.why) for refusal in report.refusals]


async def test_each_row_that_cannot_come_is_told_and_stops_no_other(old: Old) -> None:
    report = await old.imported(
        {
            "users": [*USERS, {"id": 8, "username": "no at@sign"}, {"id": 9, "username": "bea", "is_active": False}],
            "organizations": [{"id": 2, "slug": "N"}],
            "members": [{"organization": 2, "user": 7, "role": "owner"}],
            "applications": [
                *APPLICATIONS,
                {"id": 4, "client_id": "gone", "client_secret": CLIENT_SECRET, "status": 2},
                {"id": 5, "client_id": "no-secret"},
                {"id": 6, "client_id": "weak", "client_secret": "short"},
            ],
            "authorizations": [{"application": 3, "user": 99}, {"application": 44, "user": 7}],
            "tokens": [
                {"application": 3, "user": 7, "token": TOKEN, "scopes": 1},
                {"application": None, "user": 9, "token": PERSONAL, "scopes": 1},
                {"application": None, "user": 7, "token": "f" * 64, "expires_at": "2020-01-01T00:00:00"},
                {"application": None, "user": 7, "token": "short"},
            ],
            "keys": [{"organization": 2, "label": "Lost", "key": KEY}],
        }
    )
    assert refusals(report) == [
        ("users", "no at@sign", "cannot have this username: Leave out the @: a username is not an email address"),
        ("organizations", "N", report.refusals[1].why),
        ("members", "row 1", "names an organization nobody knows"),
        ("applications", "no-secret", "its client_secret is missing"),
        ("applications", "weak", "its client_secret must have 16 to 200 characters"),
        ("applications", "gone", "was being deleted"),
        ("authorizations", "row 1", "names a user nobody knows"),
        ("authorizations", "row 2", "names an application nobody knows"),
        ("tokens", "row 4", "its token must be 32 or 64 hexadecimal digits, in lower case"),
        ("tokens", "row 1", "has no consent behind it"),
        ("tokens", "row 2", "belongs to a user who is switched off"),
        ("tokens", "row 3", "has expired"),
        ("keys", "Lost (row 1)", "belongs to an organization nobody knows"),
    ]
    assert report.imported["applications"] == 1


@pytest.mark.parametrize("member", ["token", "refresh_token"])
@pytest.mark.parametrize("text", ["A0" * 32, "a0" * 20, "a0" * 31 + "a-", "a0" * 32 + "\n"], ids=range(4))
async def test_a_string_that_the_door_would_not_look_for_is_refused_instead_of_imported(
    old: Old, member: str, text: str
) -> None:
    report = await old.imported({**EVERYTHING, "tokens": [{**TOKENS[0], member: text}]})
    [refusal] = report.refusals
    assert refusal.why == f"its {member} must be 32 or 64 hexadecimal digits, in lower case"


async def test_people_whose_username_is_an_email_address_are_called_by_what_stands_before_the_at_sign(
    old: Old,
) -> None:
    people = [
        {"id": 7, "username": "ada@example.org", "email": "ada@example.org"},
        {"id": 8, "username": "ada@example.com"},
        {"id": 9, "username": "Ada@Example.com", "email": "other@example.com"},
    ]
    report = await old.imported({**EVERYTHING, "users": people})
    assert (report.imported["users"], report.present["users"], report.refusals) == (2, 1, [])
    assert [note.why for note in report.notes] == [
        "is called ada here: a username is no email address",
        "is called ada-2 here: a username is no email address",
    ]
    accounts = await old.rows("select username, email from user_account order by username")
    assert [tuple(row) for row in accounts] == [("ada", "ada@example.org"), ("ada-2", "ada@example.com")]
    again = await old.imported({**EVERYTHING, "users": people})
    assert (again.imported["users"], again.present["users"], again.refusals) == (0, 3, [])
    assert (await old.rows("select count(*) from user_account"))[0][0] == 2
    assert (await old.rows("select owner_name from application"))[0][0] == "ada"


async def test_a_person_with_the_email_address_of_somebody_here_does_not_become_him(old: Old) -> None:
    await old.imported({"users": USERS})
    report = await old.imported(
        {"users": [{"id": 1, "username": "ada@example.org"}], "tokens": [TOKENS[1] | {"user": 1}]}
    )
    assert refusals(report) == [
        ("users", "ada@example.org", "has the email address of somebody else"),
        ("tokens", "row 1", "names a user nobody knows"),
    ]


async def test_what_is_changed_on_the_way_is_told(old: Old) -> None:
    application = {
        **APPLICATIONS[0],
        "owner": None,
        "redirect_uris": ["javascript:alert(1)", "http://marmot.example/cb"],
        "homepage_url": "ftp://marmot.example",
        "allowed_origins": "http://example.com:80",
    }
    report = await old.imported(
        {
            "users": USERS,
            "applications": [application],
            "authorizations": [{"application": 3, "user": 7, "scopes": 1 << 20}],
        }
    )
    told = "\n".join(note.why for note in report.notes)
    for words in (
        "javascript:alert(1)",
        "http://marmot.example/cb",
        "homepage_url",
        "example.com:80",
        "no owner",
        "20",
    ):
        assert words in told
    assert "until it gets a redirect URI" in told


async def test_a_refresh_token_survives_its_expired_access_token(old: Old) -> None:
    expired = {**TOKENS[0], "expires_at": "2020-01-01T00:00:00Z"}
    await old.imported({**EVERYTHING, "tokens": [expired]})
    assert await old.rows("select id from legacy_token") == []
    [family] = await old.rows("select digest, generation, idle_expires_at, expires_at from token_family")
    assert (family["digest"], family["generation"]) == (row_digest(REFRESH), 0)
    assert family["expires_at"] == NOW + timedelta(days=180)


def test_a_serialised_dump_is_read_too(tmp_path: Path) -> None:
    file = tmp_path / "dump.json"
    dump = [
        {"model": "sentry.apikey", "pk": 1, "fields": {"organization": 1, "key": KEY, "scopes": 1}},
        {"model": "sentry.project", "pk": 1, "fields": {}},
        {"model": "sentry.apiapplication", "pk": 3, "fields": {"client_id": "x"}},
    ]
    file.write_bytes(orjson.dumps(dump))
    assert read_file(file).rows == {
        "keys": [{"id": 1, "organization": 1, "key": KEY, "scopes": 1}],
        "applications": [{"id": 3, "client_id": "x"}],
    }


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "is not JSON"),
        (b"7", "must hold an object"),
        (b'{"passwords": []}', "there are: users"),
        (b'{"keys": 7}', "no list"),
        (b'{"keys": [7]}', "no objects"),
    ],
    ids=["broken", "number", "unknown", "no-list", "no-object"],
)
def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "old.json"
    file.write_bytes(content)
    with pytest.raises(LegacyFileError, match=words):
        read_file(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LegacyFileError, match=r"old\.json cannot be read"):
        read_file(tmp_path / "old.json")


async def test_what_was_revoked_removed_or_replaced_here_is_no_longer_counted(old: Old) -> None:
    await old.imported()
    assert await count_credentials(old.database) == {
        "access_token": 1,
        "api_key": 1,
        "personal_token": 1,
        "refresh_token": 1,
    }
    for deed in (
        "update legacy_token set revoked_at = now()",
        "delete from api_key",
        "update personal_token set revoked_at = now()",
        "update token_family set generation = 1",
    ):
        await old.rows(deed)
    assert await count_credentials(old.database) == {}
