"""The parts of a settlement that write the authorization record: into which one it goes, and what becomes of that.

They are put into `settle_sql.authorization`, whose parameters they share: $2 now, $3 user, $5 application, $7 the id of
the record (a new one, or of one that is there), $8 pairs, $9 the audit row, $20 what the application knows the user by,
$22 the objects behind new pairs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.protocol.grant_management import CREATE, MERGE, REPLACE, GrantAction

# ruff: noqa: S608 -- put together from constants; every value is a parameter

LIVE = "(revoked_at is null or revoked_at = 'infinity')"
"""Of a record: the implicit one of its person and application, or one that stands beside it."""


@dataclass(frozen=True, slots=True)
class Into:
    """Into which record an approval goes: `record` writes it when it is `paid` for, and returns what it has become.

    `aimed` finds and locks the one that has to be there before: otherwise nothing is written at all, and nothing used
    up. `also` is what is written beside it.
    """

    record: str
    aimed: str = ""
    also: str = ""

    @property
    def first(self) -> str:
        """The part that comes before everything that is used up."""
        return f"aimed as ({self.aimed}),\n" if self.aimed else ""

    @property
    def condition(self) -> str:
        """What it demands of those who pay."""
        return " and exists (select from aimed)" if self.aimed else ""

    @property
    def before(self) -> str:
        """What the record held before, as a column and where it comes from: of a locked one it is known, of another one
        it is what this change did not bring."""
        if self.aimed:
            return "aimed.pairs before from m, aimed"
        return """array(
        select p from unnest(m.pairs, m.since) with ordinality u (p, v, o)
        where v < m.version or m.last_change <> $9 order by o) before
    from m"""


@dataclass(frozen=True, slots=True)
class Asker:
    """The application of an approval: as it is `found` beside the person, and what has to hold of it.

    Where its row is written with the approval, `written` does that, out of `due`: who would have paid for the approval.
    """

    found: str
    held: str
    written: str = ""

    @property
    def due(self) -> str:
        """What the part is called that everything is paid with: what is `written` says who has `paid`."""
        return "due" if self.written else "paid"


def _implicit(identity: str = "") -> Into:
    """The one record of person and application: it begins, or grows (AR-3). Its refresh tokens stay as they are
    (AR-5)."""
    column, value = _noted(identity)
    change = _judged_by("excluded.identity" if identity else "")
    return Into(
        f"""
    insert into "authorization" as a
        (id, user_id, application_id, pairs, since, version, last_change, created_at, updated_at, subject,
         details{column})
    select $7, $3, $5, $8::text[], array_fill(1, array[cardinality($8::text[])]), 1, $9, $2, $2, $20::text,
        $22::jsonb{value}
    from paid
    on conflict (user_id, application_id) where revoked_at is null do update
    set subject = excluded.subject, details = a.details || excluded.details,{change}
        (pairs, since, version, last_change, updated_at) = (
        select a.pairs || n, a.since || array_fill(a.version + 1, array[cardinality(n)]),
            a.version + (cardinality(n) > 0)::int,
            case when cardinality(n) > 0 then excluded.last_change else a.last_change end,
            greatest(a.updated_at, excluded.updated_at)
        from (
            select coalesce(array_agg(p order by o), '{{}}') n
            from unnest(excluded.pairs) with ordinality d (p, o) where p <> all (a.pairs)) e)
    returning id, version, pairs, since, last_change"""
    )


def _fresh(identity: str) -> Into:
    column, value = _noted(identity)
    return Into(
        f"""
    insert into "authorization"
        (id, user_id, application_id, pairs, since, version, last_change, created_at, updated_at, subject, details,
         revoked_at{column})
    select $7, $3, $5, $8::text[], array_fill(1, array[cardinality($8::text[])]), 1, $9, $2, $2, $20::text, $22::jsonb,
        'infinity'{value}
    from paid
    returning id, version, pairs, since, last_change"""
    )


# Whoever changes the same record at this moment waits here, before anything is used up, and then sees it as it is.
_AIMED = f"""
    select id, pairs from "authorization"
    where id = $7 and user_id = $3 and application_id = $5 and {LIVE}
    for update"""

# The version grows with each change, also where no pair is new: it parts the refresh tokens from before from the later.
_CHANGED = """version = a.version + 1, refresh_since = a.version + 1, last_change = $9,
        updated_at = greatest(a.updated_at, $2), subject = $20::text"""
_RETURNED = """
    from paid, aimed where a.id = aimed.id
    returning a.id, a.version, a.pairs, a.since, a.last_change"""


def _merged(identity: str) -> Into:
    return Into(
        f"""
    update "authorization" a
    set {_CHANGED}, details = a.details || $22::jsonb,{_judged_by(identity)} (pairs, since) = (
        select a.pairs || n, a.since || array_fill(a.version + 1, array[cardinality(n)])
        from (
            select coalesce(array_agg(p order by o), '{{}}') n
            from unnest($8::text[]) with ordinality d (p, o) where p <> all (a.pairs)) e){_RETURNED}""",
        _AIMED,
    )


_FORGOTTEN = """
gone as (
    delete from authorization_scope
    where authorization_id = $7 and pair <> all ($8::text[]) and exists (select from m)),"""


# Every pair begins anew: what is approved now is nothing that older tokens were given (GM-5, AR-6).
def _replaced(identity: str) -> Into:
    return Into(
        f"""
    update "authorization" a
    set {_CHANGED}, details = $22::jsonb,{_judged_by(identity)} pairs = $8::text[],
        since = array_fill(a.version + 1, array[cardinality($8::text[])]){_RETURNED}""",
        _AIMED,
        _FORGOTTEN,
    )


def _noted(identity: str) -> tuple[str, str]:
    """A further column, and its value; nothing where there is none."""
    return (", identity", f", {identity}") if identity else ("", "")


def _judged_by(identity: str) -> str:
    """A further change: to what the person judges the application by; nothing where there is none."""
    return f" identity = {identity}," if identity else ""


_INTO: Mapping[GrantAction, Callable[[str], Into]] = {CREATE: _fresh, MERGE: _merged, REPLACE: _replaced}


def into(action: GrantAction | None, identity: str = "") -> Into:
    """Return into which record an approval goes: where Grant Management says so (GM-3, GM-4, GM-5), or None: the
    implicit one.

    `identity` is what the person judges the application by, as SQL: empty for one that does not change by itself.
    """
    return _implicit(identity) if action is None else _INTO[action](identity)


IMPLICIT = into(None)
INTO: Mapping[GrantAction, Into] = {action: into(action) for action in _INTO}
"""Where it goes that is allowed a registered application."""
