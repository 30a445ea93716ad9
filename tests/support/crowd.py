"""Much of everything that stands in lists, around the person and the organization of a world.

Written in bulk: what a person with years behind him has, in a database that others have filled as well.
"""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from app.crypto.secrets import new_id
from tests.support.worlds import World


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many there are: of each kind of thing that is the world's own, of other people, and of audit rows."""

    own: int
    others: int
    audit: int


_OWN = "generate_series(1, $3::int) n"
_ID = "(left($4::text, 13) || substr(gen_random_uuid()::text, 14))::uuid"

_STATEMENTS = (
    f"""insert into user_account (id, sub, username, username_key, created_at, updated_at)
        select {_ID}, $9::text || n, $9::text || n, $9::text || n, now(), now()
        from generate_series(1, $5::int) n""",
    """insert into organization (id, slug, name, created_at, updated_at)
        select gen_random_uuid(), $9::text || n, 'Crowd', now(), now() from """
    + _OWN,
    """insert into organization_member (organization_id, user_id, role, joined_at)
        select id, $1::uuid, 'owner', now() from organization where starts_with(slug, $9::text)
        union all
        (select $2::uuid, id, 'member', now() from user_account where starts_with(sub, $9::text) limit $3::int)""",
    """insert into organization_invitation (id, digest, organization_id, role, invited_by, created_at, expires_at)
        select gen_random_uuid(), '', $2::uuid, 'member', $1::uuid, now(), now() + interval '7 days' from """
    + _OWN,
    f"""insert into application
            (id, client_id, name, kind, auth_method, owner_user_id, owner_organization_id, owner_name, secret_digests,
             created_at, updated_at)
        select {_ID}, owner || $9::text || n, $9::text || n, 'web', 'client_secret_basic',
            case owner when 'own' then $1::uuid end, case owner when 'its' then $2::uuid end, 'Crowd', array[''::bytea],
            now(), now()
        from {_OWN}, (values ('own'), ('its'), ('any')) by (owner)""",
    f"""insert into application
            (id, client_id, name, kind, auth_method, owner_name, created_at, updated_at)
        select {_ID}, 'other-' || $9::text || n, 'Somebody else’s', 'web', 'none', 'Others', now(), now()
        from generate_series(1, $5::int) n""",
    """insert into application_secret (id, application_id, digest, last_four, created_at)
        select gen_random_uuid(), id, '', '', now() from application where starts_with(name, $9::text)""",
    f"""insert into "authorization"
            (id, user_id, application_id, pairs, since, last_change, revoked_at, created_at, updated_at)
        select {_ID}, $1::uuid, id, '{{project:read}}'::text[], '{{1}}'::int[], gen_random_uuid(),
            case owner_name when '' then now() end, now(), now()
        from application where starts_with(name, $9::text)
        union all
        select {_ID}, u.id, a.id, '{{project:read}}'::text[], '{{1}}'::int[], gen_random_uuid(), null, now(), now()
        from user_account u, application a where starts_with(u.sub, $9::text) and a.client_id = $6""",
    """insert into authorization_scope (authorization_id, pair, first_granted, last_granted)
        select id, 'project:read', now(), now() from "authorization" on conflict do nothing""",
    f"""insert into token_family
            (id, authorization_id, user_id, application_id, record_version, user_epoch, application_epoch, scopes,
             resources, key_since, rotated_at, idle_expires_at, expires_at, auth_time, acr, amr)
        select {_ID}, id, user_id, application_id, 1, 0, 0, '{{project:read}}', '{{}}', '{{1,0}}', now(),
            now() + interval '1 day', now() + interval '1 day', now(), '', '{{}}'
        from "authorization" where last_change is not null""",
    f"""insert into personal_token (id, digest, last_four, user_id, user_epoch, name, scopes, created_at)
        select {_ID}, '', '', $1::uuid, 0, $9::text || n, '{{project:read}}', now() from {_OWN}""",
    f"""insert into api_key (id, digest, last_four, organization_id, label, scopes, created_by, created_at, updated_at)
        select {_ID}, '', '', $2::uuid, $9::text || n, '{{project:read}}', $1::uuid, now(), now() from {_OWN}""",
    f"""insert into audit
            (id, at, event, request_id, actor_kind, actor_id, user_id, organization_id, authorization_id, subject_id)
        select {_ID}, now(), 'api_key.changed', 'req', 'user', $1::uuid::text, $1::uuid, $2::uuid, $7::uuid,
            $1::uuid::text
        from generate_series(1, $8::int) n""",
)


async def crowd(connection: asyncpg.Connection, world: World, sizes: Sizes, now: datetime) -> None:
    """Write the rows, as the superuser, and have the planner know of them."""
    everything = (
        *(world.user_id, world.organization_id, sizes.own, str(new_id(now)), sizes.others),
        *(world.ids["client"], world.ids["record"], sizes.audit, f"{world.mark.lower()}-crowd-"),
    )
    for statement in _STATEMENTS:
        used = sorted({int(part[0]) for part in statement.split("$")[1:]})
        numbered = statement
        for place, number in enumerate(used, 1):
            numbered = numbered.replace(f"${number}", f"${place}")
        await connection.execute(numbered, *(everything[number - 1] for number in used))
    await connection.execute("analyze")
