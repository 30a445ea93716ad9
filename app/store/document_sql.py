"""The statements about applications that are known by a metadata document, one round trip each: as `settle_sql` are.

Such an application has no row before somebody has allowed it something. The statement that grants begins it, or brings
it up to date: the copies that rows and requests have say when they were read, and the youngest one counts (CI-11).

Each is made and prepared by whoever needs it first: servers whose clients are all registered never do.
"""

from functools import cache

from app.protocol.events import Event
from app.protocol.grant_management import GrantAction
from app.store import settle_sql
from app.store.hot_connection import Statement
from app.store.pushed_sql import place
from app.store.record_sql import Asker, into
from app.store.settle_sql import audit, proved

# ruff: noqa: S608 -- put together from constants; every value is a parameter

_TYPES = {
    **dict.fromkeys(("name", "name_skeleton", "kind", "auth_method", "client_uri"), "text"),
    **dict.fromkeys(("redirect_uris", "grant_types", "response_types", "scopes", "optional_scopes", "unmet"), "text[]"),
    **dict.fromkeys(("policy", "metadata", "key_material", "openid", "requests", "introduction"), "jsonb"),
}
"""What a document says of its application, by column."""

_ROW = settle_sql.GRANTED + 17
"""Where the parameters begin that come after those of the code."""

_SAID = ", ".join(_TYPES)

# Whatever row has it: switched off, deleted, or registered by the operator after all (CI-2).
IS_TAKEN = Statement("is_client_id_taken", "select exists (select from application where client_id = $1)")


def _read(row: str, name: str) -> str:
    """The columns of an order, whose JSON is the parameter `row`."""
    columns = ", ".join(f"{column} {kind}" for column, kind in {"client_id": "text", **_TYPES}.items())
    return f"jsonb_to_record({row}::jsonb) {name} ({columns})"


def _at(alias: str) -> str:
    """When a copy was read."""
    return f"coalesce(({alias}.introduction ->> 'fetched_at')::float8, 0)"


def _update(new: str, now: str) -> str:
    """Bring the row `a` up to date by `new`, if that was read later; else leave it as it is.

    Its version grows where something is different. Whoever has checked it has checked what people judge it by (CI-11).
    """
    is_newer = f"({_at(new)} > {_at('a')})"
    differs = f"({is_newer} and a.metadata is distinct from {new}.metadata)"
    is_checked = f"(not {is_newer} or a.introduction ->> 'identity' = {new}.introduction ->> 'identity')"
    ours, theirs = (", ".join(f"{alias}.{column}" for column in _TYPES) for alias in ("a", new))
    return f"""({_SAID}) = (select {ours} where not {is_newer} union all select {theirs} where {is_newer}),
        version = a.version + {differs}::int,
        updated_at = case when {differs} then {now} else a.updated_at end,
        verified = a.verified and {is_checked},
        checked_at = case when {is_checked} then a.checked_at end,
        checked_by = case when {is_checked} then a.checked_by end,
        checked_note = case when {is_checked} then a.checked_note else '' end"""


def _told(row: str, application: str, is_new: str) -> str:
    """What the audit trail is told when it was this statement that made the row `x` say something else: what it said
    before and says now, of what is different."""
    ours, theirs = "o.metadata", f"({row}::jsonb -> 'metadata')"
    return f"""
    select {is_new} is_new, jsonb_build_object(
        'before', {_different(ours, theirs)}, 'after', {_different(theirs, ours)}) told
    from x
    left join lateral (select version, metadata from application where id = {application} offset 0) o on true
    where {is_new} or (x.updated_at = $2 and x.version > o.version)"""


def _different(one: str, other: str) -> str:
    return f"""(
            select coalesce(jsonb_object_agg(k, v), '{{}}') from jsonb_each({one}) e (k, v)
            where v is distinct from {other} -> k)"""


def _found(client_id: str, columns: str) -> str:
    """The row of the application, if it has one."""
    return f"left join lateral (select {columns} from application where client_id = {client_id} offset 0) a on true"


def _stands(is_it: str, application: str) -> str:
    """That row is not there yet, or is the right one, and stays (`settle_sql.HELD`)."""
    return f"(a.id is null or ({is_it} and exists (select from application where id = {application} for key share)))"


# $5 application, $6 its epoch, $2 now; `first` is what its document says, then the audit row.
def _introduced(first: int) -> Asker:
    """Write the row of the application: it begins, or is brought up to date; where it says as much already, it is not
    touched. One that was switched off or deleted stays so, whatever its document says, and so does one that the
    operator has made his own meanwhile (CI-2)."""
    row = f"${first}"
    event = f"case when c.is_new then '{Event.APPLICATION_INTRODUCED}' else {{}} end"
    return Asker(
        found=_found(f"{row}::jsonb ->> 'client_id'", "id, epoch, status, self_registered"),
        held=_stands("a.id = $5 and a.epoch = $6 and a.status = 'active' and a.self_registered", "$5"),
        written=f"""x as (
    insert into application as a
        (id, client_id, {_SAID}, self_registered, created_at, updated_at)
    select $5, n.client_id, {", ".join(f"n.{column}" for column in _TYPES)}, true, $2, $2
    from due, {_read(row, "n")}
    where not exists (select from application o where o.id = $5 and {_at("o")} >= {_at("n")})
    on conflict (client_id) do update
    set {_update("excluded", "$2")}
    where a.id = $5 and a.status = 'active' and a.epoch = $6 and a.self_registered
    returning a.xmax = 0 is_new, a.version, a.updated_at),
c as ({_told(row, "$5", "x.is_new")}),
ca as ({audit(first + 1, "c", event=event, data=" || c.told")}),
paid as (
    select due.sub from due
    where exists (select from x) or exists (select from application where id = $5)),
""",
    )


@cache
def settle_authorization(action: GrantAction | None) -> Statement:
    """Return the statement that writes a code with the record, and with the row of the application: what comes after
    the parameters of `settle_sql.SETTLE_AUTHORIZATION`. Such an application is given nothing else through the
    browser."""
    return settle_sql.authorization(
        f"settle_introduced.{action}" if action else "settle_introduced",
        settle_sql.CODE_PART,
        into=into(action, f"${_ROW}::jsonb -> 'introduction' ->> 'identity'"),
        asker=_introduced(_ROW),
    )


# $1 application, $2 now, $3 what its document says, $4-$14 the audit row. What is asked of the row besides its id is
# written so that no partial index answers it.
REFRESH = Statement(
    "refresh_introduced",
    f"""
with x as (
    update application a
    set {_update("n", "$2")}
    from {_read("$3", "n")}
    where a.id = $1 and a.status = 'active' and a.self_registered::int = 1 and {_at("n")} > {_at("a")}
    returning a.version, a.updated_at),
c as ({_told("$3", "$1", "false")}),
l as ({audit(4, "c", data=" || c.told")})
select exists (select from x)""",
)


@cache
def place_pushed(*, with_proof: bool) -> Statement:
    """Return the statement that keeps a pushed request with what its client is known by, $13; the proof comes after."""
    is_it = _stands("a.id = $2 and a.version = $3 and a.status = 'active'", "$2")
    return place(
        f"place_introduced{'.proved' if with_proof else ''}",
        *(proved(14) if with_proof else ()),
        found=f"(values (1)) one {_found('$5', 'id, version, status')} where {is_it}",
        document="$13",
    )


STATEMENTS = (IS_TAKEN, REFRESH)
"""Those that come in one form."""
