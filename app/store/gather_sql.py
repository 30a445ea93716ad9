"""The statements that gather, one round trip each.

`left join lateral (… offset 0)` forces the look-up by unique key whatever the statistics say; every column is named,
so that no migration that expands the schema makes a held statement invalid. Result columns are read by
position in `hot_rows`.
"""

from app.store.hot_connection import Statement

# ruff: noqa: S608 -- put together from constants; every value is a parameter

CLIENT = (
    "id, client_id, name, version, epoch, auth_method, secret_digests, redirect_uris, grant_types, response_types, "
    "scopes, optional_scopes, policy, owner_name, client_uri, self_registered, verified, unmet, key_material, openid, "
    "requests, introduction"
)
RECORD = "id, version, pairs, since"
LIVE_RECORD = f"{RECORD}, subject, details, identity"


BEHIND = f"{RECORD}, subject, refresh_since, revoked_at"
"""Of a record that a token hangs on: one that is revoked at infinity is live, and stands beside the implicit one."""


def of(alias: str, columns: str) -> str:
    return ", ".join(f"{alias}.{column}" for column in columns.split(", "))


def find(alias: str, columns: str, table: str, condition: str) -> str:
    return f"left join lateral (select {columns} from {table} where {condition} offset 0) {alias} on true"


def client(condition: str) -> str:
    return find("c", CLIENT, "application", f"{condition} and status = 'active'")


def standing(of: str) -> str:
    """The record and the user behind a grant, family or token."""
    return "\n".join(
        (
            find("r", BEHIND, '"authorization"', f"id = {of}.authorization_id"),
            find("u", "sub, username, epoch, disabled_at", "user_account", f"id = {of}.user_id"),
        )
    )


STANDING = (
    f"{of('r', RECORD)}, coalesce(r.revoked_at < 'infinity', false), u.disabled_at is null, u.epoch, "
    "coalesce(r.subject, u.sub), r.subject is not null, r.refresh_since"
)


PERSON_IF_ASKED = "case when h.claims is not null then person_document(h.user_id)::text end"
"""Who the person is, for a grant or family that was asked for with claims of its own."""


def held(name: str, columns: str, table: str, *more: str) -> tuple[Statement, Statement]:
    """Find what an application holds and what stands behind it: with the application that asks, and without it."""
    found = ", ".join((of("h", columns), STANDING, *more))
    return (
        Statement(
            name,
            f"""
select {of("c", CLIENT)}, {found}
from (values (1)) one
{client("client_id = $1")}
{find("h", columns, table, "id = $2")}
{standing("h")}""",
        ),
        Statement(
            f"{name}_alone",
            f"""
select {found}
from (values (1)) one
{find("h", columns, table, "id = $1")}
{standing("h")}""",
            shares_trips=True,
        ),
    )


PING = Statement("ping", "select 1")

GATHER_CLIENT = Statement(
    "gather_client",
    f"select {of('c', CLIENT)} from application c where c.client_id = $1 and c.status = 'active'",
)

_CODE = (
    "id, digest, application_id, user_id, authorization_id, record_version, user_epoch, application_epoch, scopes, "
    "resources, auth_time, acr, amr, sid, redirect_uri, code_challenge, nonce, offline, failed_attempts, used_at, "
    "family_id, expires_at, cnf, claims, details, grant_action"
)
GATHER_CODE, GATHER_CODE_ALONE = held("gather_code", _CODE, "grant_code", PERSON_IF_ASKED)

_FAMILY = (
    "id, digest, generation, key_since, application_id, user_id, authorization_id, record_version, user_epoch, "
    "application_epoch, scopes, resources, auth_time, acr, amr, sid, rotated_at, idle_expires_at, expires_at, "
    "revoked_at, cnf, claims, details"
)
GATHER_FAMILY, GATHER_FAMILY_ALONE = held("gather_family", _FAMILY, "token_family", PERSON_IF_ASKED)

TOKEN = (
    "id, digest, family_id, application_id, user_id, authorization_id, record_version, user_epoch, application_epoch, "
    "scopes, resources, issued_at, expires_at, revoked_at, cnf, act"
)
# An exchanged token stands only with the applications whose tokens were exchanged for it. For all others a function
# that is not called costs nothing; a subquery would be made ready each time.
_STANDS = "p.status = 'active' and (t.basis is null or applications_stand(t.basis))"
TOKEN_COLUMNS = f"""{of("t", TOKEN)}, p.client_id, p.epoch, {_STANDS}, u.username, f.auth_time, f.acr,
    t.family_id is not null and (f.id is null or f.revoked_at is not null), t.basis, t.details, {STANDING}"""


def _token(parameter: int, application: str = "client_id, epoch, status", table: str = "access_token") -> str:
    return "\n".join(
        (
            find("t", f"{TOKEN}, basis, details", table, f"id = ${parameter}"),
            find("f", "id, auth_time, acr, revoked_at", "token_family", "id = t.family_id"),
            find("p", application, "application", "id = t.application_id"),
            standing("t"),
        )
    )


GATHER_TOKEN = Statement(
    "gather_token",
    f"""
select {of("c", CLIENT)}, {TOKEN_COLUMNS}
from (values (1)) one
{client("client_id = $1")}
{_token(2)}""",
)
GATHER_TOKEN_ALONE = Statement(
    "gather_token_alone", f"select {TOKEN_COLUMNS}\nfrom (values (1)) one\n{_token(1)}", shares_trips=True
)

GATHER_TOKEN_FOR_WEBSITE = Statement(
    "gather_token_for_website",
    f"""
select {TOKEN_COLUMNS}, p.allowed_origins
from (values (1)) one
{_token(1, "client_id, epoch, status, allowed_origins")}""",
    shares_trips=True,
)

# A token without a row: what its signed claims name, its application, and whether it was revoked.
_MACHINE_COLUMNS = "p.id, p.epoch, p.status = 'active', x.id is not null"


def _machine(application: int, token: int) -> str:
    return "\n".join(
        (
            find("p", "id, epoch, status", "application", f"client_id = ${application}"),
            find("x", "id", "revoked_token", f"id = ${token}"),
        )
    )


GATHER_MACHINE_TOKEN = Statement(
    "gather_machine_token",
    f"""
select {of("c", CLIENT)}, {_MACHINE_COLUMNS}
from (values (1)) one
{client("client_id = $1")}
{_machine(2, 3)}""",
)
GATHER_MACHINE_TOKEN_ALONE = Statement(
    "gather_machine_token_alone",
    f"select {_MACHINE_COLUMNS}\nfrom (values (1)) one\n{_machine(1, 2)}",
)

FIND_LEGACY = Statement("find_legacy", "select kind, target_id from legacy_credential where digest = $1")
GATHER_LEGACY_TOKEN = Statement(
    "gather_legacy_token",
    f"""
select {of("c", CLIENT)}, {TOKEN_COLUMNS}, p.allowed_origins
from (values (1)) one
{client("client_id = $1")}
{_token(2, "client_id, epoch, status, allowed_origins", "legacy_token")}""",
)

_PERSONAL = "id, digest, user_id, user_epoch, name, scopes, created_at, expires_at, revoked_at"
# A person's roles are few, and found by the index on his memberships; those in deleted organizations give nothing.
_PERSONAL_COLUMNS = f"""{of("t", _PERSONAL)}, u.sub, u.username, u.disabled_at is null, u.epoch,
    array(select m.role from organization_member m
        join lateral (select from organization where id = m.organization_id and deleted_at is null offset 0) o on true
        where m.user_id = t.user_id)"""


def _personal(parameter: int) -> str:
    return "\n".join(
        (
            find("t", _PERSONAL, "personal_token", f"id = ${parameter}"),
            find("u", "sub, username, epoch, disabled_at", "user_account", "id = t.user_id"),
        )
    )


GATHER_PERSONAL_TOKEN = Statement(
    "gather_personal_token",
    f"""
select {of("c", CLIENT)}, {_PERSONAL_COLUMNS}
from (values (1)) one
{client("client_id = $1")}
{_personal(2)}""",
)
GATHER_PERSONAL_TOKEN_ALONE = Statement(
    "gather_personal_token_alone",
    f"select {_PERSONAL_COLUMNS}\nfrom (values (1)) one\n{_personal(1)}",
    shares_trips=True,
)

_KEY = "id, digest, retiring_digest, organization_id, label, last_four, scopes, allowed_origins, status, created_at"
_KEY_COLUMNS = f"{of('k', _KEY)}, o.slug, o.deleted_at is null"


def _key(parameter: int) -> str:
    return "\n".join(
        (
            find("k", _KEY, "api_key", f"id = ${parameter}"),
            find("o", "slug, deleted_at", "organization", "id = k.organization_id"),
        )
    )


GATHER_KEY = Statement(
    "gather_key",
    f"""
select {of("c", CLIENT)}, {_KEY_COLUMNS}
from (values (1)) one
{client("client_id = $1")}
{_key(2)}""",
)
GATHER_KEY_ALONE = Statement(
    "gather_key_alone", f"select {_KEY_COLUMNS}\nfrom (values (1)) one\n{_key(1)}", shares_trips=True
)

_SESSION = "id, digest, user_id, user_epoch, auth_time, amr, last_used_at, idle_expires_at, expires_at, sid"
_PERSON = "id, sub, username, email, claims, disabled_at, epoch, operator"
SESSION_COLUMNS = (
    f"{of('s', _SESSION)}, u.id, u.sub, u.username, coalesce(u.email, ''), coalesce(u.claims ->> 'name', ''), "
    "u.operator"
)


def session(session: int, now: int) -> str:
    return "\n".join(
        (
            find(
                "s",
                _SESSION,
                "browser_session",
                f"id = ${session} and ended_at is null and idle_expires_at > ${now} and expires_at > ${now}",
            ),
            find("u", _PERSON, "user_account", "id = s.user_id and epoch = s.user_epoch and disabled_at is null"),
            find(
                "r", LIVE_RECORD, '"authorization"', "user_id = u.id and application_id = c.id and revoked_at is null"
            ),
        )
    )


GATHER_AUTHORIZE = Statement(
    "gather_authorize",
    f"""
select {of("c", CLIENT)}, {SESSION_COLUMNS}, {of("r", LIVE_RECORD)}
from (values (1)) one
{client("client_id = $1")}
{session(2, 3)}""",
)

_INTERACTION = (
    "id, digest, application_id, client_id, params, browser_digest, session_id, login_at, request_id, created_at, "
    "expires_at, closed_at, account_at, pushed_id, signed, document"
)
GATHER_INTERACTION = Statement(
    "gather_interaction",
    f"""
select {of("c", CLIENT)}, {SESSION_COLUMNS}, {of("r", LIVE_RECORD)}, {of("i", _INTERACTION)}
from (values (1)) one
{find("i", _INTERACTION, "interaction", "id = $1")}
{client("id = i.application_id")}
{session(2, 3)}""",
)

GATHER_PERSON = Statement("gather_person", "select person_document($1)")

STATEMENTS = tuple(value for value in globals().values() if isinstance(value, Statement))
"""What a hot connection prepares to read."""
