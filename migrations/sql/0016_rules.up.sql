-- What happens to an alert: rules that are read and changed at run time, the triage queue, who owns
-- an alert type; and what the rules keep of each alert.  Columns that come later are nullable and
-- without a default: an audit entry from before them still says all that the row says.
alter table warroom.alert
  -- 1 (worst) to 5, from the business: tier, customers, share of users, environment.
  add column priority smallint check (priority between 1 and 5),
  add column priority_reason text check (length(priority_reason) <= 500),
  -- True while it flaps; flips are its latest changes, which say so.
  add column flapping boolean,
  add column flips timestamptz[] check (cardinality(flips) <= 50),
  -- What was decided of the episode; 'waiting' until decide_at, when it is decided.
  add column disposition text check (disposition in
    ('declared', 'recorded', 'triage', 'suppressed', 'dismissed', 'waiting')),
  add column decide_at timestamptz;
create index alert_decide on warroom.alert (decide_at)
  where state = 'firing' and decide_at is not null;

-- The first that matches, by position, decides: one of kind group says what belongs together, one
-- of kind declare what becomes of it.  matches holds a list of patterns a field; spec the rest.
create table warroom.alert_rule (
  id uuid primary key default warroom.uuid7(),
  key text not null unique check (key ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  kind text not null check (kind in ('group', 'declare')),
  position integer not null check (position between 1 and 10000),
  matches jsonb not null default '{}' check (length(matches::text) <= 20000),
  spec jsonb not null default '{}' check (length(spec::text) <= 4000),
  note text not null default '' check (length(note) <= 500),
  enabled boolean not null default true,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  sys_from timestamptz not null default clock_timestamp()
);

-- What waits for a person's word: an alert that a rule asks about, or a user's report.
create table warroom.triage_item (
  id uuid primary key default warroom.uuid7(),
  kind text not null check (kind in ('alert', 'report')),
  alert_id uuid references warroom.alert,
  title text not null check (length(title) between 1 and 500),
  body text not null default '' check (length(body) <= 10000),
  service_id uuid references warroom.service,
  severity smallint not null check (severity between 1 and 5),
  priority smallint check (priority between 1 and 5),
  reported_by text not null default '' check (length(reported_by) <= 200),
  why text not null default '' check (length(why) <= 1000),
  state text not null default 'waiting' check (state in
    ('waiting', 'accepted', 'merged', 'dismissed')),
  decided_by uuid references warroom.principal,
  decided_at timestamptz,
  reason text not null default '' check (length(reason) <= 1000),
  incident_id uuid references warroom.incident,
  unit text not null,
  visibility text not null,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  sys_from timestamptz not null default clock_timestamp(),
  check ((alert_id is not null) = (kind = 'alert')),
  check ((decided_at is null) = (state = 'waiting')),
  check ((incident_id is not null) = (state in ('accepted', 'merged')))
);
create unique index triage_item_once on warroom.triage_item (alert_id) where state = 'waiting';
create index triage_item_waiting on warroom.triage_item (id) where state = 'waiting';
create index triage_item_incident on warroom.triage_item (incident_id)
  where incident_id is not null;
create index history_triage_valid on warroom.history using gist (valid)
  where table_name = 'triage_item';

-- Who answers for the alerts of a source that have one name, and what is expected of them.
create table warroom.alert_type (
  id uuid primary key default warroom.uuid7(),
  source_id uuid not null references warroom.source,
  name text not null check (length(name) between 1 and 500),
  team_id uuid references warroom.team,
  runbook_url text not null default '' check (length(runbook_url) <= 2000),
  response text not null default '' check (length(response) <= 500),
  version integer not null default 1,
  created_at timestamptz not null default now(),
  sys_from timestamptz not null default clock_timestamp(),
  unique (source_id, name)
);

select warroom.record_table('triage_item');
do $$
declare
  t text;
begin
  foreach t in array array['alert_rule', 'alert_type'] loop
    execute format('create trigger keep_history before update or delete on warroom.%I '
                   'for each row execute function warroom.keep_history()', t);
    execute format('create trigger audit_row after insert or update or delete on warroom.%I '
                   'for each row execute function warroom.audit_row()', t);
    execute format('create trigger refuse_truncate before truncate on warroom.%I '
                   'for each statement execute function warroom.refuse_change()', t);
    execute format('alter table warroom.%I enable always trigger keep_history, '
                   'enable always trigger audit_row, enable always trigger refuse_truncate', t);
    execute format('alter table warroom.%I enable row level security', t);
    execute format('alter table warroom.%I force row level security', t);
    execute format('create policy somebody on warroom.%I using ((select warroom.viewer_all()) '
                   'or (select warroom.viewer_id()) is not null)', t);
    execute format('grant select on warroom.%I to warroom_search', t);
  end loop;
end $$;
grant select, insert, update on warroom.triage_item, warroom.alert_type to warroom_api;
grant select, insert, update, delete on warroom.alert_rule to warroom_api;
-- The engine decides what was put off, and merges what turns out to have one cause.
grant select on warroom.alert_rule to warroom_engine;
grant select, insert on warroom.triage_item, warroom.incident_relation to warroom_engine;
grant select on warroom.incident_link, warroom.mitigation_lock to warroom_engine;

create or replace view read_v1.alert as
  select a.id, a.source_id, a.fingerprint, a.name, a.summary, a.description, a.severity,
    a.state, a.service_id, a.incident_id, a.labels, a.annotations, a.generator_url, a.decision,
    a.starts_at, a.ends_at, a.first_seen_at, a.last_seen_at, a.count, a.drill, a.priority,
    a.priority_reason, coalesce(a.flapping, false) as flapping, a.disposition, a.decide_at
  from warroom.alert a;
create view read_v1.triage_item as
  select t.id, t.kind, t.alert_id, t.title, t.body, t.service_id, t.severity, t.priority,
    t.reported_by, t.why, t.state, t.decided_by, t.decided_at, t.reason, t.incident_id,
    t.version, t.created_at, t.sys_from
  from warroom.triage_item t;
create view read_v1.alert_rule as
  select r.id, r.key, r.kind, r.position, r.matches, r.spec, r.note, r.enabled, r.version,
    r.sys_from
  from warroom.alert_rule r;
create view read_v1.alert_type as
  select t.id, t.source_id, t.name, t.team_id, t.runbook_url, t.response, t.version, t.sys_from
  from warroom.alert_type t;
grant select on read_v1.triage_item, read_v1.alert_rule, read_v1.alert_type
  to warroom_reader, warroom_api;
