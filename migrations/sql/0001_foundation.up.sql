-- Schemas, identifiers, the directory (who and what exists), and whose eyes a session has.
create schema warroom_parts;
create schema read_v1;
create schema stats_v1;

-- RFC 9562 version 7: 48 bits of milliseconds, 12 bits of sub-millisecond, 62 random bits.
create function warroom.uuid7() returns uuid
language sql volatile parallel safe set search_path = pg_catalog as $$
  select encode(
    set_byte(
      set_byte(
        overlay(uuid_send(gen_random_uuid())
                placing substring(int8send((us / 1000)::bigint) from 3) from 1 for 6),
        6, (112 | (((us % 1000) * 4096 / 1000)::int >> 8))),
      7, (((us % 1000) * 4096 / 1000)::int & 255)), 'hex')::uuid
  from (select floor(extract(epoch from clock_timestamp()) * 1000000)::bigint as us) t
$$;

-- The smallest identifier of a moment: a bound for partitions and for pruning reads.
create function warroom.uuid7_floor(moment timestamptz) returns uuid
language sql immutable parallel safe set search_path = pg_catalog as $$
  select (lpad(to_hex(floor(extract(epoch from moment) * 1000)::bigint), 12, '0')
          || '70008000000000000000')::uuid
$$;

create table warroom.principal (
  id uuid primary key default warroom.uuid7(),
  name text not null check (length(name) between 1 and 100),
  kind text not null check (kind in ('person', 'service', 'automation')),
  email text check (length(email) <= 320),
  phone text check (length(phone) <= 50),
  time_zone text not null default 'UTC',
  units text[] not null default '{main}',
  sees_security boolean not null default false,
  sees_all boolean not null default false,
  auditor boolean not null default false,
  db_role name unique,
  disabled_at timestamptz,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  sys_from timestamptz not null default clock_timestamp()
);
create unique index principal_name_key on warroom.principal (lower(name));

create table warroom.team (
  id uuid primary key default warroom.uuid7(),
  key text not null unique check (key ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  name text not null check (length(name) between 1 and 200),
  unit text not null default 'main' check (length(unit) between 1 and 63),
  version integer not null default 1,
  created_at timestamptz not null default now(),
  sys_from timestamptz not null default clock_timestamp()
);

create table warroom.team_member (
  id uuid primary key default warroom.uuid7(),
  team_id uuid not null references warroom.team,
  principal_id uuid not null references warroom.principal,
  version integer not null default 1,
  sys_from timestamptz not null default clock_timestamp(),
  unique (team_id, principal_id)
);

create table warroom.escalation_policy (
  id uuid primary key default warroom.uuid7(),
  key text not null unique check (key ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  name text not null check (length(name) between 1 and 200),
  repeat_count integer not null default 0 check (repeat_count between 0 and 100),
  version integer not null default 1,
  created_at timestamptz not null default now(),
  sys_from timestamptz not null default clock_timestamp()
);

create table warroom.escalation_step (
  id uuid primary key default warroom.uuid7(),
  policy_id uuid not null references warroom.escalation_policy,
  step integer not null check (step between 1 and 50),
  delay_s integer not null check (delay_s between 0 and 604800),
  target_kind text not null check (target_kind in ('team', 'person', 'channel')),
  target text not null check (length(target) between 1 and 200),
  version integer not null default 1,
  sys_from timestamptz not null default clock_timestamp(),
  unique (policy_id, step)
);

create table warroom.service (
  id uuid primary key default warroom.uuid7(),
  key text not null unique check (length(key) between 1 and 200),
  name text not null check (length(name) between 1 and 200),
  kind text not null default 'service' check (kind in
    ('service', 'datastore', 'queue', 'system', 'job', 'network', 'third_party')),
  tier smallint not null default 3 check (tier between 0 and 5),
  team_id uuid not null references warroom.team,
  policy_id uuid references warroom.escalation_policy,
  region text check (length(region) <= 63),
  unit text not null default 'main' check (length(unit) between 1 and 63),
  customers bigint check (customers >= 0),
  user_share numeric(5, 2) check (user_share between 0 and 100),
  health text not null default 'unknown' check (health in
    ('unknown', 'healthy', 'degraded', 'down')),
  provisional boolean not null default false,
  runbook_url text check (length(runbook_url) <= 2000),
  custom jsonb not null default '{}',
  version integer not null default 1,
  created_at timestamptz not null default now(),
  sys_from timestamptz not null default clock_timestamp()
);
create index service_team on warroom.service (team_id);

create table warroom.dependency (
  id uuid primary key default warroom.uuid7(),
  service_id uuid not null references warroom.service,
  depends_on_id uuid not null references warroom.service,
  hardness text not null default 'hard' check (hardness in ('hard', 'soft')),
  redundancy_group text check (length(redundancy_group) <= 100),
  redundancy_needed smallint check (redundancy_needed > 0),
  origin text not null default 'declared' check (origin in ('declared', 'observed')),
  version integer not null default 1,
  sys_from timestamptz not null default clock_timestamp(),
  check (service_id <> depends_on_id),
  unique (service_id, depends_on_id, origin)
);
create index dependency_reverse on warroom.dependency (depends_on_id);

create table warroom.source (
  id uuid primary key default warroom.uuid7(),
  key text not null unique check (key ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  name text not null check (length(name) between 1 and 200),
  dialect text not null default 'alertmanager',
  principal_id uuid not null references warroom.principal,
  team_id uuid references warroom.team,
  unit text not null default 'main',
  visibility text not null default 'normal' check (visibility in ('normal', 'security')),
  severity_map jsonb not null default '{}',
  service_label text,
  paused_at timestamptz,
  last_seen_at timestamptz,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  sys_from timestamptz not null default clock_timestamp()
);

create table warroom.source_identity (
  id uuid primary key default warroom.uuid7(),
  source_id uuid not null references warroom.source,
  external_id text not null check (length(external_id) between 1 and 320),
  principal_id uuid not null references warroom.principal,
  version integer not null default 1,
  sys_from timestamptz not null default clock_timestamp(),
  unique (source_id, external_id)
);

create table warroom.api_token (
  id uuid primary key default warroom.uuid7(),
  principal_id uuid not null references warroom.principal,
  source_id uuid references warroom.source,
  name text not null check (length(name) between 1 and 200),
  token_hash bytea not null unique check (length(token_hash) = 32),
  scopes text[] not null check (scopes <@ '{read,respond,admin,ingest}' and scopes <> '{}'),
  expires_at timestamptz,
  revoked_at timestamptz,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  sys_from timestamptz not null default clock_timestamp()
);
create index api_token_principal on warroom.api_token (principal_id);

create table warroom.field_definition (
  id uuid primary key default warroom.uuid7(),
  noun text not null check (noun in ('incident', 'service')),
  key text not null check (key ~ '^[a-z][a-z0-9_]{0,62}$'),
  label text not null check (length(label) between 1 and 200),
  type text not null check (type in ('text', 'number', 'boolean', 'date', 'choice')),
  choices jsonb,
  required boolean not null default false,
  version integer not null default 1,
  sys_from timestamptz not null default clock_timestamp(),
  unique (noun, key)
);

-- Whose eyes.  A setting names a person only in the sessions of our two services: anybody can
-- SET.  Unset, empty, malformed or unknown all mean nobody, and nobody sees nothing.
create function warroom.viewer_id() returns uuid
language plpgsql stable security definer set search_path = pg_catalog as $$
declare
  named text;
begin
  if session_user in ('warroom_api', 'warroom_engine') then
    named := current_setting('warroom.person', true);
    if named is null or named !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
      return null;
    end if;
    return (select p.id from warroom.principal p
            where p.id = named::uuid and p.disabled_at is null);
  end if;
  return (select p.id from warroom.principal p
          where p.db_role = session_user and p.disabled_at is null);
end $$;

create function warroom.viewer_units() returns text[]
language sql stable security definer set search_path = pg_catalog as $$
  select coalesce((select p.units from warroom.principal p where p.id = warroom.viewer_id()), '{}')
$$;

create function warroom.viewer_security() returns boolean
language sql stable security definer set search_path = pg_catalog as $$
  select coalesce((select p.sees_security from warroom.principal p
                   where p.id = warroom.viewer_id()), false)
$$;

-- The owner's own sessions (migrations, psql), and our automation inside our two services.
create function warroom.viewer_all() returns boolean
language sql stable security definer set search_path = pg_catalog as $$
  select pg_has_role(session_user, 'warroom_owner', 'member')
      or (session_user in ('warroom_api', 'warroom_engine')
          and coalesce((select p.sees_all from warroom.principal p
                        where p.id = warroom.viewer_id()), false))
$$;

create function warroom.authenticate(hash bytea)
returns table (token_id uuid, principal_id uuid, name text, kind text, scopes text[],
               source_id uuid, source_key text)
language sql stable security definer set search_path = pg_catalog as $$
  select t.id, p.id, p.name, p.kind, t.scopes, t.source_id, s.key
  from warroom.api_token t
  join warroom.principal p on p.id = t.principal_id
  left join warroom.source s on s.id = t.source_id
  where t.token_hash = hash and t.revoked_at is null and p.disabled_at is null
    and (t.expires_at is null or t.expires_at > now())
$$;
revoke execute on function warroom.authenticate(bytea) from public;
grant execute on function warroom.authenticate(bytea) to warroom_api;

insert into warroom.principal (id, name, kind, units, sees_security, sees_all) values
  ('00000000-0000-7000-8000-000000000001', 'ingest', 'automation', '{*}', true, true),
  ('00000000-0000-7000-8000-000000000002', 'engine', 'automation', '{*}', true, true),
  ('00000000-0000-7000-8000-000000000003', 'system', 'automation', '{*}', true, true);
insert into warroom.team (key, name) values ('unassigned', 'Unassigned');
insert into warroom.escalation_policy (key, name, repeat_count) values
  ('default', 'Default: the owner team, then everybody', 2);
insert into warroom.escalation_step (policy_id, step, delay_s, target_kind, target)
  select id, s.step, s.delay_s, 'team', s.target
  from warroom.escalation_policy,
       (values (1, 300, 'owner'), (2, 900, 'owner'), (3, 1800, 'unassigned'))
         as s(step, delay_s, target)
  where key = 'default';
