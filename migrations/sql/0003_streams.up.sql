-- The append-only streams, partitioned by RANGE on their time-carrying id.  No foreign key points
-- at them.  Their partitions live where nobody has USAGE.
create sequence warroom.audit_n;

create table warroom.delivery (
  id uuid not null default warroom.uuid7() primary key,
  source_id uuid not null,
  dialect text not null,
  content_type text not null default '',
  body bytea not null,
  state text not null check (state in ('accepted', 'quarantined')),
  error text,
  field text,
  request_id text,
  received_at timestamptz not null default clock_timestamp(),
  unit text not null default 'main',
  visibility text not null default 'normal'
) partition by range (id);

create table warroom.alert_event (
  id uuid not null default warroom.uuid7() primary key,
  alert_id uuid not null,
  incident_id uuid,
  delivery_id uuid,
  position integer not null default 0,
  change text not null check (change in
    ('new', 'repeat', 'resolved', 'refired', 'expired', 'ignored')),
  severity smallint not null,
  starts_at timestamptz not null,
  ends_at timestamptz,
  recorded_at timestamptz not null default clock_timestamp(),
  unit text not null,
  visibility text not null
) partition by range (id);
create index alert_event_alert on warroom.alert_event (alert_id, id);

create table warroom.timeline (
  id uuid not null default warroom.uuid7() primary key,
  incident_id uuid not null,
  kind text not null check (kind in ('fact', 'decision', 'hypothesis', 'evidence',
    'communication', 'automation', 'status')),
  body text not null check (length(body) between 1 and 10000),
  happened_at timestamptz not null default now(),
  recorded_at timestamptz not null default clock_timestamp(),
  author_id uuid not null,
  author_kind text not null check (author_kind in ('person', 'service', 'automation')),
  on_behalf_of uuid,
  source text not null default 'war room',
  confidence real check (confidence between 0 and 1),
  corrects uuid,
  classification text not null default 'internal',
  drill boolean not null default false,
  region text not null default 'any',
  legal_hold boolean not null default false,
  unit text not null,
  visibility text not null
) partition by range (id);
create index timeline_incident on warroom.timeline (incident_id, id desc);

create table warroom.audit (
  id uuid not null default warroom.uuid7() primary key,
  n bigint not null default nextval('warroom.audit_n'),
  xid xid8 not null default pg_current_xact_id(),
  recorded_at timestamptz not null default clock_timestamp(),
  actor_id uuid,
  actor_kind text not null,
  on_behalf_of uuid,
  command text not null,
  request_id text,
  origin text,
  session_role text not null,
  table_name text not null,
  op text not null check (op in ('INSERT', 'UPDATE', 'DELETE')),
  row_id uuid,
  row_count integer not null default 1,
  incident_id uuid,
  unit text,
  visibility text,
  salt bytea not null,
  payload text,
  payload_hash bytea not null,
  hash bytea not null
) partition by range (id);
create index audit_row on warroom.audit (table_name, row_id, n desc);
create index audit_incident on warroom.audit (incident_id, id) where incident_id is not null;
create index audit_tail on warroom.audit (xid, n);

create table warroom.history (
  id uuid not null default warroom.uuid7() primary key,
  table_name text not null,
  row_id uuid not null,
  valid tstzrange not null,
  content jsonb not null,
  incident_id uuid,
  unit text,
  visibility text
) partition by range (id);
create index history_row on warroom.history (table_name, row_id);
create index history_incident_valid on warroom.history using gist (valid)
  where table_name = 'incident';
create index history_link_valid on warroom.history using gist (valid)
  where table_name in ('incident_service', 'role_held', 'timer');
create index history_directory_valid on warroom.history using gist (valid)
  where table_name in ('principal', 'service', 'team');
create index history_of_incident on warroom.history (incident_id) where incident_id is not null;

create table warroom.replication_sample (
  id uuid not null default warroom.uuid7() primary key,
  sampled_at timestamptz not null default clock_timestamp(),
  node text not null,
  role text not null check (role in ('primary', 'standby', 'gone')),
  state text,
  sync_state text,
  timeline_id integer,
  lag_bytes bigint,
  lag_s double precision,
  slot text,
  retained_wal_bytes bigint,
  detail jsonb not null default '{}'
) partition by range (id);

-- Makes the partitions of every stream from this month on; each lives in warroom_parts, has its
-- own TRUNCATE guard and statement triggers (neither is inherited) and its own closed door.
create function warroom.ensure_partitions(months_ahead integer default 2) returns text[]
language plpgsql security definer set search_path = pg_catalog set lock_timeout = '2s' as $$
declare
  stream text;
  part text;
  month timestamptz;
  made text[] := '{}';
begin
  perform pg_advisory_xact_lock(7741002);
  foreach stream in array array['delivery', 'alert_event', 'timeline', 'audit', 'history',
                                'replication_sample']
  loop
    for step in -1 .. least(greatest(months_ahead, 0), 24) loop
      month := date_trunc('month', now() at time zone 'UTC') at time zone 'UTC';
      month := ((month at time zone 'UTC') + make_interval(months => step)) at time zone 'UTC';
      part := stream || '_' || to_char(month at time zone 'UTC', 'YYYYMM');
      continue when to_regclass('warroom_parts.' || part) is not null;
      execute format('create table warroom_parts.%I (like warroom.%I including all)',
                     part, stream);
      execute format('alter table warroom_parts.%I enable row level security', part);
      execute format('alter table warroom_parts.%I force row level security', part);
      execute format('alter table warroom.%I attach partition warroom_parts.%I '
                     'for values from (%L) to (%L)', stream, part,
                     warroom.uuid7_floor(month),
                     warroom.uuid7_floor(((month at time zone 'UTC') + interval '1 month')
                                         at time zone 'UTC'));
      perform warroom.guard_partition(part, stream);
      made := made || part;
    end loop;
  end loop;
  return made;
end $$;
revoke execute on function warroom.ensure_partitions(integer) from public;
grant execute on function warroom.ensure_partitions(integer) to warroom_engine;
