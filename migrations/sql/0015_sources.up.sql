-- A source as an object (pace, lane, quiet, environment, rotated secrets), heartbeats, and what
-- becomes of bodies that could not be understood.  Columns that come later are nullable and without
-- a default: an audit entry from before them still says all of the row.
alter table warroom.source
  add column rate_per_s integer check (rate_per_s between 1 and 1000000),
  add column burst integer check (burst between 1 and 10000000),
  add column lane text check (lane in ('ordinary', 'critical')),
  add column quiet_after_s integer check (quiet_after_s between 120 and 31622400),
  add column environment text check (length(environment) between 1 and 100),
  -- Since when it is said to be quiet; null while it speaks, and where nobody asked to be told.
  add column quiet_since timestamptz,
  add column resumed_at timestamptz;

-- What a source signed with before a rotation; good until its grace is over.
create table warroom.source_secret (
  id uuid primary key default warroom.uuid7(),
  source_id uuid not null references warroom.source,
  secret text not null check (length(secret) between 16 and 200),
  expires_at timestamptz not null,
  version integer not null default 1,
  sys_from timestamptz not null default clock_timestamp()
);
create index source_secret_source on warroom.source_secret (source_id, expires_at);

-- How often a source was refused, and why: a count, written a few times a minute at the most.
create table warroom.source_tally (
  source_id uuid not null references warroom.source,
  why text not null check (why in ('paused', 'rate', 'full')),
  refused bigint not null default 0,
  last_at timestamptz not null default now(),
  primary key (source_id, why)
);

-- Something that speaks up by itself.  Its key stands in an address, so only a hash is stored.
create table warroom.heartbeat (
  id uuid primary key default warroom.uuid7(),
  key text not null check (key ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  token_hash bytea not null unique check (length(token_hash) = 32),
  service_key text not null check (length(service_key) between 1 and 200),
  severity smallint not null check (severity between 1 and 5),
  window_s integer not null check (window_s between 10 and 31622400),
  grace_s integer not null check (grace_s between 0 and 31622400),
  paused_at timestamptz,
  resumed_at timestamptz,
  removed_at timestamptz,
  unit text not null default 'main' check (length(unit) between 1 and 63),
  visibility text not null default 'normal' check (visibility in ('normal', 'security')),
  version integer not null default 1,
  created_at timestamptz not null default now(),
  sys_from timestamptz not null default clock_timestamp()
);
create unique index heartbeat_key on warroom.heartbeat (key) where removed_at is null;

-- Its last beat and whether its absence stands as an alert: a working table without history,
-- because a beat a second would drown the record.  A row comes with the first beat.
create table warroom.heartbeat_state (
  heartbeat_id uuid primary key references warroom.heartbeat,
  last_beat_at timestamptz not null,
  beats bigint not null default 1,
  alerted_at timestamptz
);

-- What became of a body in quarantine; a row comes with the first thing that is done about it.
-- The body stays where it is, in the stream; a corrected one stands here.
create table warroom.quarantine (
  id uuid primary key default warroom.uuid7(),
  delivery_id uuid not null unique,
  state text not null default 'open' check (state in ('open', 'replayed', 'dropped')),
  fixed_body text check (octet_length(fixed_body) <= 1048576),
  fixed_by uuid references warroom.principal,
  fixed_at timestamptz,
  replays integer not null default 0,
  replayed_as uuid,
  decided_by uuid references warroom.principal,
  decided_at timestamptz,
  reason text check (length(reason) between 1 and 2000),
  unit text not null,
  visibility text not null,
  version integer not null default 1,
  sys_from timestamptz not null default clock_timestamp(),
  check ((decided_at is null) = (state = 'open'))
);
create index delivery_quarantined on warroom.delivery (id desc) where state = 'quarantined';

do $$
declare
  t text;
begin
  foreach t in array array['source_secret', 'heartbeat', 'quarantine']
  loop
    execute format('create trigger keep_history before update or delete on warroom.%I '
                   'for each row execute function warroom.keep_history()', t);
    execute format('create trigger audit_row after insert or update or delete on warroom.%I '
                   'for each row execute function warroom.audit_row()', t);
    execute format('create trigger refuse_truncate before truncate on warroom.%I '
                   'for each statement execute function warroom.refuse_change()', t);
    execute format('alter table warroom.%I enable always trigger keep_history, '
                   'enable always trigger audit_row, enable always trigger refuse_truncate', t);
  end loop;
  foreach t in array array['source_secret', 'heartbeat', 'quarantine', 'source_tally',
                           'heartbeat_state']
  loop
    execute format('alter table warroom.%I enable row level security', t);
    execute format('alter table warroom.%I force row level security', t);
    execute format('grant select on warroom.%I to warroom_search', t);
    execute format('grant select, insert, update on warroom.%I to warroom_api', t);
  end loop;
  foreach t in array array['heartbeat', 'quarantine']
  loop
    execute format($p$create policy seen on warroom.%I using ((select warroom.viewer_all())
      or (unit = any ((select warroom.viewer_units())::text[])
          and (visibility = 'normal' or (select warroom.viewer_security()))))$p$, t);
  end loop;
  foreach t in array array['source_secret', 'source_tally', 'heartbeat_state']
  loop
    execute format('create policy somebody on warroom.%I using ((select warroom.viewer_all()) '
                   'or (select warroom.viewer_id()) is not null)', t);
  end loop;
end $$;
grant select on warroom.heartbeat to warroom_engine;
grant select, update on warroom.heartbeat_state to warroom_engine;
grant update (quiet_since, version) on warroom.source to warroom_engine;
-- What war room's own alerts are about may be unknown to the catalogue, as with all others.
grant insert on warroom.service to warroom_engine;

create or replace view read_v1.source as
  select s.id, s.key, s.name, s.dialect, s.team_id, s.paused_at, s.last_seen_at, s.lane,
    s.quiet_after_s, s.quiet_since, s.environment
  from warroom.source s;
