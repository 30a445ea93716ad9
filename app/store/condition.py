"""How the database is doing, for `doctor` and for the readiness endpoint; nothing here writes."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg
import orjson

from app.protocol import openid_settings, request_settings, unmet
from app.protocol.openid_settings import OpenIdSettings
from app.protocol.request_settings import RequestSettings
from app.store import schema
from app.store.schema import SchemaState

_CONNECT_SECONDS = 5.0

_FACTS = """
select current_setting('server_version_num')::int                        as version,
       current_setting('fsync') = 'on'                                   as fsync,
       current_setting('synchronous_commit')                             as synchronous_commit,
       current_user::text                                                as role,
       (select rolsuper from pg_roles where rolname = current_user)      as superuser,
       clock_timestamp()                                                 as now,
       to_regclass('audit') is not null                                  as has_tables,
       coalesce((select pg_get_userbyid(relowner) = current_user
                   from pg_class where oid = to_regclass('audit')), false)     as owns_tables,
       coalesce(has_table_privilege(to_regclass('audit'), 'UPDATE, DELETE'), false) as may_rewrite_audit
"""

_APPLICATIONS = """
select client_id, auth_method, redirect_uris, response_types, policy, unmet, allowed_origins, status, openid, requests,
       scopes is null asks_everything,
       key_material ?| array['jwks', 'jwks_uri'] has_keys,
       coalesce(jsonb_array_length(key_material -> 'sealed_secrets'), 0) sealed_secrets
  from application
 where status = 'active' order by client_id
"""

_KEYS = """
select organization.slug, api_key.label, api_key.allowed_origins
  from api_key join organization on organization.id = api_key.organization_id
 where api_key.status = 'active' and organization.deleted_at is null and cardinality(api_key.allowed_origins) > 0
 order by organization.slug, api_key.id
"""


_NOTICES = """
select coalesce(application.client_id, ''),
       count(*) filter (where done_at is null and attempts > 0),
       count(*) filter (where outcome <> 'delivered')
  from logout_delivery left join application on application.id = logout_delivery.application_id
 where (done_at is null and attempts > 0) or (done_at > $1 and outcome <> 'delivered')
 group by 1 order by 1
"""

_INTRODUCED = """
select count(*) filter (where client_id not like 'https://%'),
       count(*) filter (where client_id like 'https://%'),
       count(*) filter (where unused),
       count(*) filter (where unused and not verified and created_at < $1 and client_id <> all($3::text[])
           and not exists (select from resource where client_id = any(introspection_clients))),
       (select count(*) from initial_access_token
         where revoked_at is null and coalesce(uses_left, 1) > 0 and (expires_at is null or expires_at > $2))
  from (select client_id, created_at, verified,
               not exists (select from "authorization" where application_id = application.id)
               and not exists (select from application_use where application_id = application.id) unused
          from application where self_registered and status = 'active') introduced
"""


class DatabaseAway(Exception):
    """The database cannot be reached; `str()` says why, without the URL's password."""


@dataclass(frozen=True, slots=True)
class DatabaseCondition:
    """What one role sees of the server. `pooled` says that transactions of one connection change the backend."""

    version: int
    fsync: bool
    synchronous_commit: str
    role: str
    superuser: bool
    now: datetime
    has_tables: bool
    owns_tables: bool
    may_rewrite_audit: bool
    pooled: bool


@dataclass(frozen=True, slots=True)
class RegisteredApplication:
    """What the self-check looks at in an application."""

    client_id: str
    confidential: bool
    redirect_uris: tuple[str, ...]
    require_pkce: bool
    rotates: bool
    unmet: tuple[str, ...]
    allow_implicit: bool = False
    allowed_origins: tuple[str, ...] = ()
    auth_method: str = "client_secret_basic"
    sealed_secrets: int = 0
    dpop_bound: bool = False
    tls_bound: bool = False
    response_types: tuple[str, ...] = ()
    openid: OpenIdSettings = openid_settings.PLAIN
    has_keys: bool = False
    requests: RequestSettings = request_settings.PLAIN
    fapi: bool = False
    signs_messages: bool = False
    asks_everything: bool = False


@dataclass(frozen=True, slots=True)
class WebsiteKey:
    """An active API key that works on websites; `slug` is that of its organization."""

    slug: str
    label: str
    allowed_origins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UntoldApplication:
    """An application that cannot be told when sessions end: notices that are sent again, and that were given up."""

    client_id: str
    waiting: int
    failed: int


@dataclass(frozen=True, slots=True)
class IntroducedApplications:
    """How many active applications registered themselves, are known by a document, have never been used, and should
    have been removed for it; and how many tokens there are with which somebody can register."""

    registered: int = 0
    by_document: int = 0
    unused: int = 0
    overdue: int = 0
    permissions: int = 0


async def examine(url: str) -> DatabaseCondition:
    """Look at the database behind a URL. Raises DatabaseAway."""
    first = await _connect(url)
    try:
        second = await _connect(url)
        try:
            row = await first.fetchrow(_FACTS)
            pooled = await _shares_backends(first, second)
        finally:
            await second.close()
    except (asyncpg.PostgresError, OSError) as error:
        raise DatabaseAway(str(error)) from error
    finally:
        await first.close()
    if row is None:
        raise DatabaseAway("the database said nothing")
    return DatabaseCondition(**dict(row), pooled=pooled)


async def schema_state(url: str) -> SchemaState:
    """Return which schema the database has. Raises DatabaseAway."""
    connection = await _connect(url)
    try:
        return await schema.read(connection)
    except asyncpg.InsufficientPrivilegeError as error:
        raise DatabaseAway(
            "The role of ASSENT_DATABASE_URL has no rights here yet: run `assent migrate` with the owner's role in "
            "ASSENT_DATABASE_OWNER_URL."
        ) from error
    except (asyncpg.PostgresError, OSError) as error:
        raise DatabaseAway(str(error)) from error
    finally:
        await connection.close()


async def registered_applications(url: str) -> tuple[RegisteredApplication, ...]:
    """Return the active applications as the self-check sees them. Raises DatabaseAway."""
    return tuple(map(_application, await _rows(url, _APPLICATIONS)))


async def website_keys(url: str) -> tuple[WebsiteKey, ...]:
    """Return the active API keys that have allowed origins. Raises DatabaseAway."""
    found = await _rows(url, _KEYS)
    return tuple(WebsiteKey(row["slug"], row["label"], tuple(row["allowed_origins"])) for row in found)


async def untold_applications(url: str, since: datetime) -> tuple[UntoldApplication, ...]:
    """Return who could not be told that sessions are over, now or since that moment. Raises DatabaseAway."""
    return tuple(UntoldApplication(*row) for row in await _rows(url, _NOTICES, since))


async def introduced_applications(
    url: str, overdue_since: datetime, now: datetime, apis: tuple[str, ...] = ()
) -> IntroducedApplications:
    """Count what introduced itself; what has not been used and was there before a moment is overdue, but for `apis` and
    others that may ask about tokens.

    Raises DatabaseAway.
    """
    (row,) = await _rows(url, _INTRODUCED, overdue_since, now, list(apis))
    return IntroducedApplications(*row)


def _application(row: asyncpg.Record) -> RegisteredApplication:
    policy = orjson.loads(row["policy"])
    return RegisteredApplication(
        client_id=row["client_id"],
        confidential=row["auth_method"] != "none",
        redirect_uris=tuple(row["redirect_uris"]),
        require_pkce=policy.get("require_pkce", True),
        rotates=policy.get("rotate_refresh_tokens", True),
        unmet=unmet.unmet_here(row["unmet"]),
        allow_implicit=policy.get("allow_implicit", False),
        allowed_origins=tuple(row["allowed_origins"]),
        auth_method=row["auth_method"],
        sealed_secrets=row["sealed_secrets"],
        dpop_bound=policy.get("dpop_bound", False),
        tls_bound=policy.get("tls_bound", False),
        response_types=tuple(row["response_types"]),
        openid=openid_settings.read(orjson.loads(row["openid"])),
        has_keys=row["has_keys"],
        requests=request_settings.read(orjson.loads(row["requests"])),
        fapi=policy.get("fapi", False),
        signs_messages=policy.get("signs_messages", False),
        asks_everything=row["asks_everything"],
    )


async def _rows(url: str, query: str, *arguments: object) -> list[asyncpg.Record]:
    connection = await _connect(url)
    try:
        rows: list[asyncpg.Record] = await connection.fetch(query, *arguments)
    except (asyncpg.PostgresError, OSError) as error:
        raise DatabaseAway(str(error)) from error
    finally:
        await connection.close()
    return rows


async def _connect(url: str) -> asyncpg.Connection:
    try:
        return await asyncpg.connect(url, timeout=_CONNECT_SECONDS)
    except (asyncpg.PostgresError, OSError, TimeoutError, asyncpg.InterfaceError) as error:
        raise DatabaseAway(f"The database does not let us in: {str(error) or type(error).__name__}.") from error


async def _shares_backends(first: asyncpg.Connection, second: asyncpg.Connection) -> bool:
    """Tell a transaction-pooling proxy: a connection gets the backend that another open one has just used."""
    before = await first.fetchval("select pg_backend_pid()")
    async with second.transaction():
        other = await second.fetchval("select pg_backend_pid()")
        after = await first.fetchval("select pg_backend_pid()")
    return bool(other == before or after != before)
