-- The map: what a service is, where it runs and how long it lives; which edges people said and
-- which were only seen; what was imported, and what incidents taught about the catalogue.
-- Columns that come later are nullable and without a default: an audit entry from before them
-- still says all of the row.
alter table warroom.service
  drop constraint service_kind_check,
  add constraint service_kind_check check (kind in ('service', 'datastore', 'queue', 'system',
    'job', 'network', 'third_party', 'region', 'zone')),
  add column zone text check (length(zone) between 1 and 63),
  add column host text check (length(host) between 1 and 253),
  add column provider text check (length(provider) between 1 and 200),
  add column slo numeric(7, 4) check (slo between 0 and 100),
  add column dashboard_url text check (length(dashboard_url) <= 2000),
  add column links jsonb check (jsonb_typeof(links) = 'array'),
  add column system text check (length(system) between 1 and 200),
  add column expires_at timestamptz,
  add column catalog_source text check (length(catalog_source) between 1 and 63);
create index service_expires on warroom.service (expires_at) where expires_at is not null;

-- sync null is synchronous.  An observed edge counts once confirmed_at is set; one that was
-- rejected stays, so that the next import does not offer it again.
alter table warroom.dependency
  add column sync boolean,
  add column confirmed_by uuid references warroom.principal,
  add column confirmed_at timestamptz,
  add column rejected_at timestamptz,
  add column catalog_source text check (length(catalog_source) between 1 and 63),
  add constraint dependency_one_verdict check (confirmed_at is null or rejected_at is null);
create index dependency_undecided on warroom.dependency (service_id)
  where origin = 'observed' and confirmed_at is null and rejected_at is null;

create table warroom.catalog_import (
  id uuid primary key default warroom.uuid7(),
  source text not null check (length(source) between 1 and 63),
  format text not null check (length(format) between 1 and 63),
  digest text not null check (digest ~ '^[0-9a-f]{64}$'),
  counts jsonb not null,
  report jsonb not null,
  imported_by uuid not null references warroom.principal,
  imported_at timestamptz not null default now(),
  version integer not null default 1,
  sys_from timestamptz not null default clock_timestamp()
);

-- Keys, not references: a proposal may speak of what is not there yet, or not any more.
create table warroom.catalog_proposal (
  id uuid primary key default warroom.uuid7(),
  incident_id uuid references warroom.incident,
  action text not null check (action in
    ('add-dependency', 'remove-dependency', 'change-dependency', 'change-service')),
  service text not null check (length(service) between 1 and 200),
  depends_on text check (length(depends_on) between 1 and 200),
  change jsonb not null check (jsonb_typeof(change) = 'object'),
  note text check (length(note) <= 2000),
  state text not null default 'open' check (state in ('open', 'accepted', 'rejected')),
  proposed_by uuid not null references warroom.principal,
  proposed_at timestamptz not null default now(),
  decided_by uuid references warroom.principal,
  decided_at timestamptz,
  unit text not null default 'main' check (length(unit) between 1 and 63),
  visibility text not null default 'normal'
    check (visibility in ('normal', 'restricted', 'security')),
  version integer not null default 1,
  sys_from timestamptz not null default clock_timestamp(),
  check ((action = 'change-service') = (depends_on is null)),
  check ((state = 'open') = (decided_at is null))
);
create index catalog_proposal_incident on warroom.catalog_proposal (incident_id);

select warroom.record_table('catalog_proposal');
create trigger keep_history before update or delete on warroom.catalog_import
  for each row execute function warroom.keep_history();
create trigger audit_row after insert or update or delete on warroom.catalog_import
  for each row execute function warroom.audit_row();
create trigger refuse_truncate before truncate on warroom.catalog_import
  for each statement execute function warroom.refuse_change();
alter table warroom.catalog_import enable always trigger keep_history,
  enable always trigger audit_row, enable always trigger refuse_truncate;
alter table warroom.catalog_import enable row level security;
alter table warroom.catalog_import force row level security;
create policy somebody on warroom.catalog_import using ((select warroom.viewer_all())
  or (select warroom.viewer_id()) is not null);
grant select on warroom.catalog_import to warroom_search;
grant select, insert on warroom.catalog_import to warroom_api;
grant select, insert, update on warroom.catalog_proposal to warroom_api;
grant delete on warroom.service, warroom.dependency to warroom_api, warroom_engine;

-- What is inserted into the catalogue comes by the ten thousands: one statement writes the entries
-- of all its rows, each the same as audit_row would have written.
create function warroom.audit_added() returns trigger
language plpgsql security definer set search_path = pg_catalog set timezone = 'UTC'
set datestyle = 'ISO, YMD' as $$
declare
  ours boolean := session_user in ('warroom_api', 'warroom_engine');
  v_actor uuid;
  v_kind text := 'sql';
  v_behalf uuid;
  v_command text := 'direct sql';
  v_request text;
  v_origin text := coalesce(host(inet_client_addr()), 'local');
begin
  if ours then
    v_actor := nullif(coalesce(nullif(current_setting('warroom.actor', true), ''),
                               current_setting('warroom.person', true)), '')::uuid;
    v_kind := coalesce(nullif(current_setting('warroom.actor_kind', true), ''), 'unknown');
    v_behalf := nullif(current_setting('warroom.on_behalf_of', true), '')::uuid;
    v_command := coalesce(nullif(current_setting('warroom.command', true), ''), 'unnamed');
    v_request := nullif(current_setting('warroom.request_id', true), '');
    v_origin := nullif(current_setting('warroom.origin', true), '');
  end if;
  -- Materialized, so that each row has one id, one number and one salt.
  with e as materialized (
    select warroom.uuid7() as id, nextval('warroom.audit_n') as n, clock_timestamp() as moment,
      r.content, uuid_send(gen_random_uuid()) as salt,
      jsonb_build_object('before', null, 'after', r.content)::text as payload
    from (select to_jsonb(f) - '{token_hash,secret}'::text[] as content from fresh f) r),
  h as materialized (
    select e.*, sha256(e.salt || convert_to(e.payload, 'UTF8')) as payload_hash from e),
  a as materialized (
    select row(h.id, h.n, pg_current_xact_id(), h.moment, v_actor, v_kind, v_behalf, v_command,
      v_request, v_origin, session_user, tg_table_name, 'INSERT', (h.content ->> 'id')::uuid, 1,
      (h.content ->> 'incident_id')::uuid, h.content ->> 'unit', h.content ->> 'visibility',
      h.salt, h.payload, h.payload_hash, null)::warroom.audit as r
    from h)
  insert into warroom.audit
  select (a.r).id, (a.r).n, (a.r).xid, (a.r).recorded_at, (a.r).actor_id, (a.r).actor_kind,
    (a.r).on_behalf_of, (a.r).command, (a.r).request_id, (a.r).origin, (a.r).session_role,
    (a.r).table_name, (a.r).op, (a.r).row_id, (a.r).row_count, (a.r).incident_id, (a.r).unit,
    (a.r).visibility, (a.r).salt, (a.r).payload, (a.r).payload_hash,
    sha256(convert_to(warroom.audit_envelope(a.r), 'UTF8') || (a.r).payload_hash)
  from a;
  return null;
end $$;
revoke execute on function warroom.audit_added() from public;
do $$
declare
  t text;
begin
  foreach t in array array['service', 'dependency'] loop
    execute format('drop trigger audit_row on warroom.%I', t);
    execute format('create trigger audit_row after update or delete on warroom.%I '
                   'for each row execute function warroom.audit_row()', t);
    execute format('create trigger audit_added after insert on warroom.%I referencing new table '
                   'as fresh for each statement execute function warroom.audit_added()', t);
    execute format('alter table warroom.%I enable always trigger audit_row, '
                   'enable always trigger audit_added', t);
  end loop;
end $$;

-- Which of these services something still names, dependencies aside: what the foreign keys of the
-- schema say, so that a table that comes later is asked as well.  The caller may not see the row
-- that names one.
create function warroom.services_in_use(wanted uuid[]) returns setof uuid
language plpgsql stable security definer set search_path = pg_catalog as $$
declare
  reference record;
begin
  for reference in
    select c.conrelid::regclass as named_in, a.attname as named_by
    from pg_constraint c
    join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
    where c.contype = 'f' and c.confrelid = 'warroom.service'::regclass
      and c.conrelid <> 'warroom.dependency'::regclass and cardinality(c.conkey) = 1
  loop
    return query execute format('select distinct r.%I from %s r where r.%I = any ($1)',
      reference.named_by, reference.named_in, reference.named_by) using wanted;
  end loop;
end $$;
revoke execute on function warroom.services_in_use(uuid[]) from public;
grant execute on function warroom.services_in_use(uuid[]) to warroom_api, warroom_engine;

create or replace view read_v1.service as
  select s.id, s.key, s.name, s.kind, s.tier, s.team_id, s.policy_id, s.region, s.unit,
    s.customers, s.user_share, s.health, s.provisional, s.runbook_url, s.sys_from,
    s.zone, s.host, s.provider, s.slo, s.dashboard_url, s.links, s.system, s.expires_at
  from warroom.service s;
create or replace view read_v1.dependency as
  select d.id, d.service_id, d.depends_on_id, d.hardness, d.redundancy_group,
    d.redundancy_needed, d.origin, d.sys_from, d.sync, d.confirmed_at, d.rejected_at
  from warroom.dependency d;
create function read_v1.service_at(moment timestamptz) returns setof read_v1.service
language sql stable security definer set search_path = pg_catalog as $$
  select i.id, i.key, i.name, i.kind, i.tier, i.team_id, i.policy_id, i.region, i.unit,
    i.customers, i.user_share, i.health, i.provisional, i.runbook_url, i.sys_from,
    i.zone, i.host, i.provider, i.slo, i.dashboard_url, i.links, i.system, i.expires_at
  from (
    select c.* from warroom.service c where c.sys_from <= moment
    union all
    select r.* from warroom.history h,
      jsonb_populate_record(null::warroom.service, h.content || jsonb_strip_nulls(
        jsonb_build_object('unit', h.unit, 'visibility', h.visibility))) r
    where h.table_name = 'service' and h.valid @> moment
  ) i where (select warroom.viewer_all())
    or i.unit = any ((select warroom.viewer_units())::text[])
$$;
revoke execute on function read_v1.service_at(timestamptz) from public;
grant execute on function read_v1.service_at(timestamptz) to warroom_reader, warroom_api;
