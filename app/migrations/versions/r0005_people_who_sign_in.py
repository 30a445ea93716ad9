"""What OpenID Connect keeps: who was told what, which applications a session has, and who waits to hear of its end.

Only adds: servers of schema 4 go on working beside it. They refuse the scope `openid`, and end sessions without telling
anybody. What applications have registered for signing people in, and what nobody acted on, is in effect from now on.
"""

from contextlib import nullcontext

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

COLUMNS = (
    "alter table application add column if not exists openid jsonb not null default '{}'",
    "alter table grant_code add column if not exists claims text",
    "alter table token_family add column if not exists claims text",
    'alter table "authorization" add column if not exists subject text',
    "alter table browser_session add column if not exists sid uuid",
    "alter table interaction add column if not exists account_at timestamptz",
)
"""Each on its own, and again after one that broke off, as in r0004."""

INDEXES = {
    "token_family_sid": "token_family (sid) where revoked_at is null and sid is not null",
    "grant_code_sid": "grant_code (sid) where sid is not null",
}
"""A session ends the families that hang on it, and the codes on their way to one. What rotations and exchanges write is
in neither: updates stay HOT."""

TABLES = (
    """
create table session_application (
    sid uuid not null,
    application_id uuid not null,
    user_id uuid not null,
    subject text not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    primary key (sid, application_id)
)""",
    """
create table logout_delivery (
    id uuid primary key,
    application_id uuid not null,
    user_id uuid not null,
    lane uuid not null,
    subject text not null,
    sid uuid,
    attempts integer not null default 0,
    next_at timestamptz not null,
    claimed_until timestamptz,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    done_at timestamptz,
    outcome text check (outcome in ('delivered', 'refused', 'gave_up')),
    problem text not null default ''
)""",
    "create index logout_delivery_due on logout_delivery (application_id, next_at, id) where done_at is null",
    "create index logout_delivery_lane on logout_delivery (application_id, lane, id) where done_at is null",
    "create index logout_delivery_done on logout_delivery (done_at) where done_at is not null",
    """
create table pairwise_subject (
    sector text not null,
    user_id uuid not null,
    sub text not null unique,
    created_at timestamptz not null,
    primary key (sector, user_id)
)""",
)

# Called where somebody's claims are asked for, and not otherwise: what is not called costs nothing.
PERSON = """
create function person_document(person uuid) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $function$
    select jsonb_build_object(
        'username', u.username, 'email', u.email, 'claims', u.claims, 'updated_at', extract(epoch from u.updated_at),
        'memberships', coalesce((
            select jsonb_agg(jsonb_build_array(o.slug, o.name, m.role) order by o.slug)
            from public.organization_member m
            join public.organization o on o.id = m.organization_id and o.deleted_at is null
            where m.user_id = u.id), '[]'))
    from public.user_account u where u.id = person
$function$"""

# What ClientMetadata.openid and OpenIdSettings.stored make of the registered members. The sector is worked out where
# all redirect URIs have one https host, and `sector_identifier_uri` has the same one if it is there: nobody has looked
# yet whether another host lists them, and to believe it would be to tell one application what another calls people.
OPENID_OF = r"""
create function openid_of(registered jsonb, redirects text[]) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $function$
    select jsonb_strip_nulls(jsonb_build_object(
        'id_token_alg', nullif(nullif(registered->>'id_token_signed_response_alg', ''), 'RS256'),
        'id_token_encryption', case when registered->>'id_token_encrypted_response_alg' is not null
            then jsonb_build_array(registered->>'id_token_encrypted_response_alg',
                coalesce(nullif(registered->>'id_token_encrypted_response_enc', ''), 'A128CBC-HS256')) end,
        'userinfo_alg', nullif(registered->>'userinfo_signed_response_alg', ''),
        'userinfo_encryption', case when registered->>'userinfo_encrypted_response_alg' is not null
            then jsonb_build_array(registered->>'userinfo_encrypted_response_alg',
                coalesce(nullif(registered->>'userinfo_encrypted_response_enc', ''), 'A128CBC-HS256')) end,
        'sector', case when registered->>'subject_type' = 'pairwise' and hosts.differ = 1
                and coalesce(substring(registered->>'sector_identifier_uri' from '^https://([^/?#:]+)'), hosts.one)
                    = hosts.one
            then nullif(hosts.one, '') end,
        'default_max_age', case jsonb_typeof(registered->'default_max_age') when 'number'
            then least((registered->>'default_max_age')::numeric, 2147483647) end,
        'default_acr_values', nullif(registered->'default_acr_values', '[]'),
        'response_modes', nullif(registered->'response_modes', '[]'),
        'post_logout_redirect_uris', nullif(registered->'post_logout_redirect_uris', '[]'),
        'backchannel_logout_uri', nullif(registered->>'backchannel_logout_uri', ''),
        'backchannel_logout_session_required', nullif(registered->'backchannel_logout_session_required', 'false'),
        'frontchannel_logout_uri', nullif(registered->>'frontchannel_logout_uri', ''),
        'frontchannel_logout_session_required', nullif(registered->'frontchannel_logout_session_required', 'false')))
    from (
        select count(distinct host) as differ, min(host) as one
        from unnest(redirects) as uri, lateral (select coalesce(substring(lower(uri) from
            '^https://(?!([a-z0-9._-]+\.)?(localhost|[0-9]+)([:/?#]|$))([a-z0-9._-]+)(:[0-9]{1,5})?([/?#]|$)'),
            '') as host) as of_it
    ) as hosts
$function$"""

# Servers of schema 4 go on registering and changing applications for as long as they run, and know nothing of the
# column. One that was to tell people apart for itself (`pairwise`), and of which no sector is known, is refused until
# somebody registers it again: it must not be told their public names instead (ID-7).
APPLICATION_OF_BEFORE = (
    """
create function application_of_before() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $function$
declare
    told jsonb := public.openid_of(new.metadata, new.redirect_uris);
begin
    if tg_op = 'INSERT' then
        if new.openid = '{}' then
            new.openid = told;
        end if;
    elsif new.openid = old.openid and told <> public.openid_of(old.metadata, old.redirect_uris) then
        new.openid = old.openid - array['id_token_alg', 'id_token_encryption', 'userinfo_alg', 'userinfo_encryption',
            'sector', 'default_max_age', 'default_acr_values', 'response_modes', 'post_logout_redirect_uris',
            'backchannel_logout_uri', 'backchannel_logout_session_required', 'frontchannel_logout_uri',
            'frontchannel_logout_session_required'] || told;
        if old.openid ? 'sector' and new.metadata->>'subject_type' = 'pairwise' then
            new.openid = new.openid || jsonb_build_object('sector', old.openid->'sector');
        end if;
    end if;
    if new.metadata->>'subject_type' = 'pairwise' and not 'subject_type' = any(new.unmet)
        and (new.grant_types && array['urn:ietf:params:oauth:grant-type:jwt-bearer',
                'urn:ietf:params:oauth:grant-type:token-exchange']
            or not (new.openid ? 'sector' or new.grant_types <@ array['client_credentials'])) then
        new.unmet = array_append(new.unmet, 'subject_type');
    end if;
    return new;
end
$function$""",
    """
create trigger application_of_before before insert or update on application
    for each row execute function application_of_before()""",
    """
update application set openid = openid_of(metadata, redirect_uris), version = version + 1
 where openid = '{}' and (openid_of(metadata, redirect_uris) <> '{}' or metadata->>'subject_type' = 'pairwise')""",
)
"""From now on, and for those that are there. The trigger can go as soon as no server of schema 4 is served."""


def upgrade() -> None:
    """Add them. The SQL that is only written out adds columns and indexes the plain way."""
    context = op.get_context()
    with nullcontext() if context.as_sql else context.autocommit_block():
        for statement in COLUMNS:
            op.execute(statement)
        if not context.as_sql:
            op.execute("set lock_timeout = 0")  # it waits for transactions that began before, and holds up nobody
            for name, what in INDEXES.items():
                op.execute(f"drop index concurrently if exists {name}")  # one that broke off
                op.execute(f"create index concurrently {name} on {what}")
            op.execute("reset lock_timeout")
    if context.as_sql:
        for name, what in INDEXES.items():
            op.execute(f"create index {name} on {what}")
    for statement in TABLES:
        op.execute(statement)
    op.execute(PERSON)
    op.execute(OPENID_OF)
    for statement in APPLICATION_OF_BEFORE:
        op.execute(statement)
