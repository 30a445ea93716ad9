"""The statements that gather, one round trip each.

`left join lateral (… offset 0)` forces the look-up by unique key whatever the statistics say; every column is named,
so that no migration that expands the schema makes a held statement invalid. Result columns are read by
position in `hot_rows`.
"""

from app.store.hot_connection import Statement

# ruff: noqa: S608 -- put together from constants; every value is a parameter

_CLIENT = (
    "id, client_id, name, version, epoch, auth_method, secret_digests, redirect_uris, grant_types, response_types, "
    "scopes, optional_scopes, policy, owner_name, client_uri, self_registered, verified, unmet"
)
_RECORD = "id, version, pairs, since"


def _of(alias: str, columns: str) -> str:
    return ", ".join(f"{alias}.{column}" for column in columns.split(", "))


def _find(alias: str, columns: str, table: str, condition: str) -> str:
    return f"left join lateral (select {columns} from {table} where {condition} offset 0) {alias} on true"


def _client(condition: str) -> str:
    return _find("c", _CLIENT, "application", f"{condition} and status = 'active'")


def _standing(of: str) -> str:
    """The record and the user behind a grant, family or token."""
    return "\n".join(
        (
            _find("r", f"{_RECORD}, revoked_at", '"authorization"', f"id = {of}.authorization_id"),
            _find("u", "sub, username, epoch, disabled_at", "user_account", f"id = {of}.user_id"),
        )
    )


_STANDING = f"{_of('r', _RECORD)}, r.revoked_at is not null, u.disabled_at is null, u.epoch"


PING = Statement("ping", "select 1")

GATHER_CLIENT = Statement(
    "gather_client",
    f"select {_of('c', _CLIENT)} from application c where c.client_id = $1 and c.status = 'active'",
)

_CODE = (
    "id, digest, application_id, user_id, authorization_id, record_version, user_epoch, application_epoch, scopes, "
    "resources, auth_time, acr, amr, sid, redirect_uri, code_challenge, nonce, offline, failed_attempts, used_at, "
    "family_id, expires_at"
)
GATHER_CODE = Statement(
    "gather_code",
    f"""
select {_of("c", _CLIENT)}, {_of("g", _CODE)}, {_STANDING}
from (values (1)) one
{_client("client_id = $1")}
{_find("g", _CODE, "grant_code", "id = $2")}
{_standing("g")}""",
)
GATHER_CODE_ALONE = Statement(
    "gather_code_alone",
    f"""
select {_of("g", _CODE)}, {_STANDING}
from (values (1)) one
{_find("g", _CODE, "grant_code", "id = $1")}
{_standing("g")}""",
    shares_trips=True,
)

_FAMILY = (
    "id, digest, generation, key_since, application_id, user_id, authorization_id, record_version, user_epoch, "
    "application_epoch, scopes, resources, auth_time, acr, amr, sid, rotated_at, idle_expires_at, expires_at, "
    "revoked_at"
)
GATHER_FAMILY = Statement(
    "gather_family",
    f"""
select {_of("c", _CLIENT)}, {_of("f", _FAMILY)}, {_STANDING}
from (values (1)) one
{_client("client_id = $1")}
{_find("f", _FAMILY, "token_family", "id = $2")}
{_standing("f")}""",
)
GATHER_FAMILY_ALONE = Statement(
    "gather_family_alone",
    f"""
select {_of("f", _FAMILY)}, {_STANDING}
from (values (1)) one
{_find("f", _FAMILY, "token_family", "id = $1")}
{_standing("f")}""",
    shares_trips=True,
)

_TOKEN = (
    "id, digest, family_id, application_id, user_id, authorization_id, record_version, user_epoch, application_epoch, "
    "scopes, resources, issued_at, expires_at, revoked_at"
)
_TOKEN_COLUMNS = f"""{_of("t", _TOKEN)}, p.client_id, p.epoch, p.status = 'active', u.username, u.sub, f.auth_time,
    t.family_id is not null and (f.id is null or f.revoked_at is not null), {_STANDING}"""


def _token(parameter: int) -> str:
    return "\n".join(
        (
            _find("t", _TOKEN, "access_token", f"id = ${parameter}"),
            _find("f", "id, auth_time, revoked_at", "token_family", "id = t.family_id"),
            _find("p", "client_id, epoch, status", "application", "id = t.application_id"),
            _standing("t"),
        )
    )


GATHER_TOKEN = Statement(
    "gather_token",
    f"""
select {_of("c", _CLIENT)}, {_TOKEN_COLUMNS}
from (values (1)) one
{_client("client_id = $1")}
{_token(2)}""",
)
GATHER_TOKEN_ALONE = Statement(
    "gather_token_alone", f"select {_TOKEN_COLUMNS}\nfrom (values (1)) one\n{_token(1)}", shares_trips=True
)

_SESSION = "id, digest, user_id, user_epoch, auth_time, amr, last_used_at, idle_expires_at, expires_at"
_PERSON = "id, sub, username, email, claims, disabled_at, epoch, operator"
_SESSION_COLUMNS = (
    f"{_of('s', _SESSION)}, u.id, u.sub, u.username, coalesce(u.email, ''), coalesce(u.claims ->> 'name', ''), "
    "u.operator"
)


def _session(session: int, now: int) -> str:
    return "\n".join(
        (
            _find(
                "s",
                _SESSION,
                "browser_session",
                f"id = ${session} and ended_at is null and idle_expires_at > ${now} and expires_at > ${now}",
            ),
            _find("u", _PERSON, "user_account", "id = s.user_id and epoch = s.user_epoch and disabled_at is null"),
            _find("r", _RECORD, '"authorization"', "user_id = u.id and application_id = c.id and revoked_at is null"),
        )
    )


GATHER_AUTHORIZE = Statement(
    "gather_authorize",
    f"""
select {_of("c", _CLIENT)}, {_SESSION_COLUMNS}, {_of("r", _RECORD)}
from (values (1)) one
{_client("client_id = $1")}
{_session(2, 3)}""",
)

_INTERACTION = (
    "id, digest, application_id, client_id, params, browser_digest, session_id, login_at, request_id, created_at, "
    "expires_at, closed_at"
)
GATHER_INTERACTION = Statement(
    "gather_interaction",
    f"""
select {_of("c", _CLIENT)}, {_SESSION_COLUMNS}, {_of("r", _RECORD)}, {_of("i", _INTERACTION)}
from (values (1)) one
{_find("i", _INTERACTION, "interaction", "id = $1")}
{_client("id = i.application_id")}
{_session(2, 3)}""",
)

STATEMENTS = tuple(value for value in globals().values() if isinstance(value, Statement))
"""What a hot connection prepares to read."""
