"""The statements that settle, one round trip each: consume what pays, and write what it buys, or nothing.

Single use stands in the WHERE clause, and every further part selects from the part that consumed. All parts see the
database as it was when the statement began, so that a lost settlement knows only that it lost (storage.md §4).
"""

from app.store.hot_connection import Statement
from app.store.record_sql import IMPLICIT, Asker, Into

# ruff: noqa: S608 -- put together from constants; every value is a parameter

_AUDIT = "id, at, event, request_id, actor_kind, actor_id, user_id, application_id, subject_id, address, data"


def audit(
    first: int, source: str, *, data: str = "", authorization: str = "", owned: bool = False, event: str = "{}"
) -> str:
    """Insert the audit row whose eleven columns are the parameters from `first` on, once per row of `source`.

    `owned`: the source knows better than the parameters whose it is, and of which application. `event` is what comes of
    the one that is given.
    """
    types = ("uuid", "timestamptz", "text", "text", "text", "text", "uuid", "uuid", "text", "text", "jsonb")
    given = [f"${first + place}::{kind}" for place, kind in enumerate(types)]
    given[2] = event.format(given[2])
    if owned:
        given[6:8] = [f"coalesce({source}.user_id, {given[6]})", f"coalesce({source}.application_id, {given[7]})"]
    values = ", ".join(given)
    columns = f"{_AUDIT}, authorization_id" if authorization else _AUDIT
    extra = f", {authorization}" if authorization else ""
    return f"insert into audit ({columns}) select {values}{data}{extra} from {source}"


# An application that introduced itself is deleted once nothing speaks for it (`reaping`). Whoever writes what does
# holds on to its row meanwhile, or finds it gone; nobody else's row is touched.
HELD = "(not self_registered or exists (select from application where id = ${} for key share))"

SAVE_INTERACTION = Statement(
    "save_interaction",
    f"""
insert into interaction
    (id, digest, application_id, client_id, params, browser_digest, session_id, request_id, created_at, expires_at,
     pushed_id, signed, document)
select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::jsonb
from (
    select count(*) from (select self_registered from application where id = $3 offset 0) a
    where {HELD.format(3)}) held""",
)

CLOSE_INTERACTION = Statement(
    "close_interaction",
    """
update interaction set closed_at = $2 where id = $1 and closed_at is null and expires_at > $2 returning id""",
)
DENY_INTERACTION = Statement(
    "deny_interaction",
    f"""
with i as (update interaction set closed_at = $2 where id = $1 and closed_at is null and expires_at > $2 returning id),
     q as (
    update pushed_request set used_at = $2
    where id = $14::uuid and used_at is null and exists (select from i) returning id),
     d as (select id from i where $14::uuid is null or exists (select from q)),
     l as ({audit(3, "d")})
select id from d""",
)

_NEW_TOKEN = (
    "insert into access_token (id, digest, family_id, authorization_id, user_id, application_id, record_version, "
    "user_epoch, application_epoch, scopes, resources, issued_at, expires_at, cnf, details)"
)


_CLOSED = """
    update interaction set closed_at = $2
    where id = $1::uuid and application_id = $5 and closed_at is null and expires_at > $2 and exists (select from who)
    returning id"""


REGISTERED = Asker(
    """join lateral (
        select self_registered from application where id = $5 and epoch = $6 and status = 'active' offset 0) a
        on true""",
    HELD.format(5),
)
"""An application that has its row."""


# $1 interaction or null, $2 now, $3 user, $4 his epoch, $5 application, $6 its epoch, $7 id of a new record,
# $8 pairs, $9-$19 the audit row, $20 what the application knows the user by (null: his own subject), $21 the session
# that signs him in to it (null: it does not), $22 the objects behind new pairs, $23 the pushed request that is used up
# (null: none was pushed), and from $24 on what is granted. Whoever ends that session at this moment waits for what is
# written here, or has been faster; nothing is given to a session that is over.
def authorization(
    name: str, *granted: str, waited: str = _CLOSED, into: Into = IMPLICIT, asker: Asker = REGISTERED
) -> Statement:
    """Close what waited for the person, merge the record, note that the session has the application, and write what is
    granted: parts that select from the record `m`, which is what `into` makes of it. `asker` is the application."""
    parts = "".join(f"{part},\n" for part in granted)
    return Statement(
        name,
        f"""
with here as (
    select coalesce(sid, id) sid from browser_session where id = $21::uuid and user_id = $3 and ended_at is null
    for share),
{into.first}who as (
    select u.id, u.sub
    from (select id, sub from user_account where id = $3 and epoch = $4 and disabled_at is null offset 0) u
    {asker.found}
    where ($21::uuid is null or exists (select from here)){into.condition} and {asker.held}),
i as ({waited}),
q as (
    update pushed_request set used_at = $2
    where id = $23::uuid and application_id = $5 and used_at is null and exists (select from who)
        and ($1::uuid is null or exists (select from i))
    returning id),
{asker.due} as (
    select who.sub from who
    where ($1::uuid is null or exists (select from i)) and ($23::uuid is null or exists (select from q))),
{asker.written}m as ({into.record}),{into.also}
s as (
    insert into authorization_scope (authorization_id, pair, first_granted, last_granted)
    select m.id, p, $2, $2 from m, unnest($8::text[]) p
    on conflict (authorization_id, pair) do update
    set last_granted = greatest(authorization_scope.last_granted, excluded.last_granted)),
j as (
    insert into session_application as j (sid, application_id, user_id, subject, first_at, last_at)
    select here.sid, $5, $3, coalesce($20::text, paid.sub), $2, $2 from m, paid, here
    on conflict (sid, application_id) do update
    set subject = excluded.subject, last_at = greatest(j.last_at, excluded.last_at)),
{parts}b as (
    select m.id, m.version, m.pairs, {into.before}),
l as ({
            audit(
                9,
                "b",
                data=" || jsonb_build_object('before', b.before, 'after', b.pairs, 'version', b.version)",
                authorization="b.id",
            )
        })
select id, version, pairs from m""",
    )


def _numbered(first: int, count: int) -> list[str]:
    return [f"${place}" for place in range(first, first + count)]


def _code(first: int) -> str:
    """A code: seventeen parameters, as `hot_arguments.code` has them."""
    key, secret, scopes, resources, at, acr, amr, sid = _numbered(first, 8)
    uri, challenge, nonce, offline, end, cnf, claims, details, action = _numbered(first + 8, 9)
    return f"""g as (
    insert into grant_code
        (id, digest, application_id, user_id, authorization_id, record_version, user_epoch, application_epoch, scopes,
         resources, auth_time, acr, amr, sid, redirect_uri, code_challenge, nonce, offline, expires_at, cnf, claims,
         details, grant_action)
    select {key}, {secret}, $5, $3, m.id, m.version, $4, $6, {scopes}, {resources}, {at}, {acr}, {amr}, {sid}::uuid,
        {uri}::text, {challenge}::text, {nonce}::text, {offline}, {end}, {cnf}::text, {claims}::text,
        {details}::text, {action}::text
    from m)"""


def _front_token(first: int) -> str:
    """A token through the browser with its family: twelve parameters, as `hot_arguments.front_token` has them."""
    key, secret, family, version, scopes, resources, end, at, acr, amr, sid, claims = _numbered(first, 12)
    return f"""f as (
    insert into token_family
        (id, authorization_id, user_id, application_id, record_version, user_epoch, application_epoch, scopes,
         resources, digest, generation, key_since, rotated_at, idle_expires_at, expires_at, auth_time, acr, amr, sid,
         nonce, claims)
    select {family}, m.id, $3, $5, m.version, $4, $6, {scopes}, {resources}, null, 0, array[{version}::int, 0], $2,
        {end}, {end}, {at}, {acr}, {amr}, {sid}::uuid, null, {claims}::text
    from m),
t as (
    {_NEW_TOKEN}
    select {key}, {secret}, {family}, m.id, $3, $5, m.version, $4, $6, {scopes}, {resources}, $2, {end}, null, null
    from m)"""


GRANTED = 24
"""Where the parameters of what is granted begin."""
CODE_PART = _code(GRANTED)
FRONT_TOKEN_PART = _front_token(GRANTED + 17)
SETTLE_AUTHORIZATION = authorization("settle_authorization", CODE_PART)
SETTLE_FRONT_TOKEN = authorization("settle_front_token", _front_token(GRANTED))
SETTLE_CODE_AND_TOKEN = authorization("settle_code_and_token", CODE_PART, FRONT_TOKEN_PART)
SETTLE_NOTHING = authorization("settle_nothing")
"""The record alone: an answer that holds an ID token or nothing."""

# The application was read from a cache, or a moment ago: what was decided on counts only if it is the same still.
UNCHANGED = "exists (select from application where id = ${} and version = ${} and status = 'active')"


def paid_audit(first: int, source: str, now: str) -> str:
    """Insert the audit row of a payment: moment, user and application are those of `source`."""
    names = ("id", "event", "request_id", "actor_kind", "actor_id", "subject_id", "address", "data")
    values = ", ".join(f"${first + place}" for place in range(len(names)))
    return (
        f"insert into audit ({', '.join(names)}, at, user_id, application_id) "
        f"select {values}, {now}, user_id, application_id from {source}"
    )


# A proof of possession is noted before anything is paid: whoever shows it a second time pays nothing (DP-6, DP-11).
_NOTED = "insert into proof (at, digest) select ${}, ${} on conflict do nothing returning 1"


def proved(first: int) -> tuple[str, str, str]:
    """Return the part that notes the proof whose moment and digest are the parameters from `first` on, what the payment
    demands of it, and what the answer says of it."""
    return f"p as ({_NOTED.format(first, first + 1)}),\n", " and exists (select from p)", ", exists (select from p)"


# $1 code, $2 now, $3 family, $4 its digest or null, $5 key version, $6 idle end, $7 end, $8 its scopes,
# $9 its resources, $10 application, $11 its version, $12-$18 the token, $19-$26 the audit row, $27 the family's key,
# $28 its details, $29 and $30 the proof
def redemption(
    name: str, grant: str, noted: str = "", unused: str = "", told: str = "", *, asked: str = "nonce, claims"
) -> Statement:
    """Consume a grant that a person has approved, begin its family, insert its first token.

    `grant` is the update that consumes, up to its WHERE clause, which this one goes on with.
    """
    return Statement(
        name,
        f"""
with {noted}c as (
    update {grant} and expires_at > $2 and {UNCHANGED.format(10, 11)}{unused}
    returning application_id, user_id, authorization_id, record_version, user_epoch, application_epoch, auth_time, acr,
        amr, sid, {asked}),
f as (
    insert into token_family
        (id, authorization_id, user_id, application_id, record_version, user_epoch, application_epoch, scopes,
         resources, digest, generation, key_since, rotated_at, idle_expires_at, expires_at, auth_time, acr, amr, sid,
         nonce, cnf, claims, details)
    select $3, authorization_id, user_id, application_id, record_version, user_epoch, application_epoch, $8, $9,
        $4::bytea, 0, array[$5::int, 0], $2, $6, $7, auth_time, acr, amr, sid, nonce, $27::text, claims,
        $28::text
    from c),
t as (
    {_NEW_TOKEN}
    select $12, $13, $3, authorization_id, user_id, application_id, record_version, user_epoch, application_epoch, $14,
        $15, $2, $16, $17::text, $18::text
    from c),
l as ({paid_audit(19, "c", "$2")})
select exists (select from c){told}""",
        shares_trips=True,
    )


_CODE = "grant_code set used_at = $2, family_id = $3 where id = $1 and used_at is null"
SETTLE_CODE = redemption("settle_code", _CODE)
SETTLE_CODE_PROVED = redemption("settle_code.proved", _CODE, *proved(29))

_FAMILY_ORIGIN = "authorization_id, user_id, application_id, record_version, user_epoch, application_epoch"


def _refresh(paid: str, first: int, noted: str, told: str) -> str:
    """A refresh: `paid` finds or moves the family ($1, at $3); the token's parameters begin at `first`, then audit."""
    return f"""
with {noted}f as ({paid}),
t as (
    {_NEW_TOKEN}
    select ${first}, ${first + 1}, $1, {_FAMILY_ORIGIN}, ${first + 2}, ${first + 3}, $3, ${first + 4},
        ${first + 5}::text, ${first + 6}::text
    from f),
l as ({paid_audit(first + 7, "f", "$3")})
select exists (select from f){told}"""


# $1 family, $2 the generation that was presented, $3 now, $4 application, $5 its version
_LIVE = f"revoked_at is null and idle_expires_at > $3 and expires_at > $3 and {UNCHANGED.format(4, 5)}"


def _refreshes(name: str, paid: str, first: int, returning: str = "") -> tuple[Statement, Statement]:
    """Return the statement without and with a proof, whose parameters come last."""
    noted, unused, told = proved(first + 15)
    return (
        Statement(name, _refresh(f"{paid}{returning}", first, "", ""), shares_trips=True),
        Statement(f"{name}.proved", _refresh(f"{paid}{unused}{returning}", first, noted, told), shares_trips=True),
    )


ROTATE, ROTATE_PROVED = _refreshes(
    "settle_refresh.rotate",
    f"""
    update token_family set generation = $2 + 1, digest = $7, rotated_at = $3, idle_expires_at = least($6, expires_at),
        key_since = case when key_since[cardinality(key_since) - 1] = $8::int then key_since
            else key_since || array[$8::int, $2 + 1] end, cnf = coalesce(cnf, $9::text)
    where id = $1 and generation = $2 and {_LIVE}""",
    10,
    f" returning {_FAMILY_ORIGIN}",
)
REPEAT, REPEAT_PROVED = _refreshes(
    "settle_refresh.repeat",
    f"""
    select {_FAMILY_ORIGIN} from token_family
    where id = $1 and generation = $2 + 1 and rotated_at >= $6 and {_LIVE}""",
    7,
)
KEEP, KEEP_PROVED = _refreshes(
    "settle_refresh.keep",
    f"""
    select {_FAMILY_ORIGIN} from token_family where id = $1 and generation = $2 and {_LIVE}""",
    6,
)
KEEP_AND_TOUCH, KEEP_AND_TOUCH_PROVED = _refreshes(
    "settle_refresh.touch",
    f"""
    update token_family set rotated_at = $3, idle_expires_at = least($6, expires_at)
    where id = $1 and generation = $2 and {_LIVE}""",
    7,
    f" returning {_FAMILY_ORIGIN}",
)


# $1 application, $2 its version, $3 now, $4-$11 the audit row, $12-$17 the token, then the proof
def _machine(name: str, token: str = "", noted: str = "", unused: str = "", told: str = "") -> Statement:
    return Statement(
        name,
        f"""
with {noted}a as (
    select id application_id, epoch, null::uuid user_id from application
    where id = $1 and version = $2 and status = 'active'{unused} and {HELD.format(1)}){token},
l as ({paid_audit(4, "a", "$3")})
select exists (select from a){told}""",
        shares_trips=True,
    )


_MACHINE_TOKEN = f""",
t as (
    {_NEW_TOKEN}
    select $12, $13, null, null, null, application_id, 0, 0, epoch, $14, $15, $3, $16, $17::text, null
    from a)"""
SETTLE_MACHINE_TOKEN = _machine("settle_machine_token", _MACHINE_TOKEN)
SETTLE_MACHINE_TOKEN_PROVED = _machine("settle_machine_token.proved", _MACHINE_TOKEN, *proved(18))
# One without a row: what is said of it in the audit trail is all that is kept.
SETTLE_MACHINE_JWT = _machine("settle_machine_jwt")
SETTLE_MACHINE_JWT_PROVED = _machine("settle_machine_jwt.proved", "", *proved(12))

NOTE_PROOF = Statement("note_proof", f"with p as ({_NOTED.format(1, 2)}) select exists (select from p)")

REVOKE_FAMILY = Statement(
    "revoke_family",
    f"""
with f as (
    update token_family set revoked_at = $2, revoked_reason = $3
    where id = $1 and revoked_at is null and ($4::uuid is null or application_id = $4)
    returning id, user_id, application_id, authorization_id),
l as ({audit(5, "f", authorization="f.authorization_id", owned=True)})
select exists (select from f)""",
)
REVOKE_TOKEN = Statement(
    "revoke_token",
    f"""
with t as (update access_token set revoked_at = $2 where id = $1 and revoked_at is null returning id),
l as ({audit(3, "t")})
select exists (select from t)""",
)
# $1 its jti, $2 until when it would count, $3-$13 the audit row
REVOKE_MACHINE_JWT = Statement(
    "revoke_machine_jwt",
    f"""
with t as (insert into revoked_token (id, expires_at) values ($1, $2) on conflict do nothing returning id),
l as ({audit(3, "t")})
select exists (select from t)""",
)
REVOKE_LEGACY_TOKEN = Statement(
    "revoke_legacy_token",
    f"""
with t as (update legacy_token set revoked_at = $2 where id = $1 and revoked_at is null returning id),
l as ({audit(3, "t")})
select exists (select from t)""",
)
COUNT_FAILED_REDEMPTION = Statement(
    "count_failed_redemption",
    """
update grant_code set failed_attempts = failed_attempts + 1,
    expires_at = case when failed_attempts + 1 >= $2 then least(expires_at, $3) else expires_at end
where id = $1 and used_at is null""",
)

STATEMENTS = tuple(value for value in globals().values() if isinstance(value, Statement))
"""What a hot connection prepares to write."""
