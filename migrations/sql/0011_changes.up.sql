-- Changes as delivery systems tell them, what people say of them on incidents, freezes that begin
-- and end with incidents, exceptions from them, and who is mitigating which service.

-- What a sender signs its bodies with (GitHub); like every secret in neither history nor audit.
alter table warroom.source add column secret text check (length(secret) between 16 and 200);

-- One change, however often and in whatever order its messages come.  Made by a source, or (source
-- null) by a person.  Its moments are the sender's; release is the version that it brings.
create table warroom.change_event (
  id uuid primary key default warroom.uuid7(),
  source_id uuid references warroom.source,
  dedup_key text not null check (length(dedup_key) between 1 and 300),
  kind text not null check (kind in
    ('deploy', 'config', 'flag', 'migration', 'infrastructure', 'rollback')),
  status text not null check (status in
    ('planned', 'started', 'succeeded', 'failed', 'cancelled', 'rolled-back')),
  title text not null check (length(title) between 1 and 300),
  environment text not null default '' check (length(environment) <= 100),
  production boolean not null default true,
  region text not null default '' check (length(region) <= 63),
  release text not null default '' check (length(release) <= 200),
  link text not null default '' check (length(link) <= 2000),
  made_by text not null default '' check (length(made_by) <= 200),
  principal_id uuid references warroom.principal,
  at timestamptz not null,
  ended_at timestamptz,
  status_at timestamptz not null,
  approved_by text not null default '' check (length(approved_by) <= 200),
  approval_ref text not null default '' check (length(approval_ref) <= 500),
  emergency boolean not null default false,
  labels jsonb not null default '{}' check (length(labels::text) <= 40000),
  unit text not null check (length(unit) between 1 and 63),
  visibility text not null check (visibility in ('normal', 'security')),
  version integer not null default 1,
  created_at timestamptz not null default now(),
  sys_from timestamptz not null default clock_timestamp(),
  unique nulls not distinct (source_id, dedup_key)
);
create index change_event_at on warroom.change_event (at desc, id desc);

-- Which services a change touches, by the words of its sender: a pipeline's names are no
-- catalogue.  They meet the catalogue by key, now or when the service is added.
create table warroom.change_service (
  id uuid primary key default warroom.uuid7(),
  change_id uuid not null references warroom.change_event,
  service text not null check (length(service) between 1 and 200),
  at timestamptz not null,
  unit text not null,
  visibility text not null,
  version integer not null default 1,
  sys_from timestamptz not null default clock_timestamp(),
  unique (change_id, service)
);
create index change_service_near on warroom.change_service (service, at);
create index change_service_at on warroom.change_service (at);

create table warroom.incident_change (
  id uuid primary key default warroom.uuid7(),
  incident_id uuid not null references warroom.incident,
  change_id uuid not null references warroom.change_event,
  verdict text not null check (verdict in ('suspected', 'cause', 'cleared')),
  judged_by uuid not null references warroom.principal,
  judged_at timestamptz not null default now(),
  unit text not null,
  visibility text not null,
  version integer not null default 1,
  sys_from timestamptz not null default clock_timestamp(),
  unique (incident_id, change_id)
);
create index incident_change_change on warroom.incident_change (change_id);

-- min_severity is the least severe that begins a freeze: 2 means SEV1 and SEV2.  What is frozen is
-- asked live: all of the incident's unit, its services, what its impact says is hit, or what
-- scope_values names (teams, services, regions; such a policy needs an incident on one of them).
create table warroom.freeze_policy (
  id uuid primary key default warroom.uuid7(),
  key text not null unique check (key ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  name text not null check (length(name) between 1 and 200),
  min_severity smallint not null check (min_severity between 1 and 5),
  scope text not null check (scope in
    ('all', 'incident', 'impact', 'team', 'services', 'region')),
  scope_values text[] not null default '{}' check (cardinality(scope_values) <= 1000),
  enabled boolean not null default true,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  sys_from timestamptz not null default clock_timestamp(),
  check ((scope in ('team', 'services', 'region')) = (scope_values <> '{}'))
);

-- Scope and values are the policy's when the freeze began: editing a policy moves no freeze.
create table warroom.freeze (
  id uuid primary key default warroom.uuid7(),
  policy_id uuid not null references warroom.freeze_policy,
  incident_id uuid not null references warroom.incident,
  scope text not null,
  scope_values text[] not null,
  began_at timestamptz not null default now(),
  ended_at timestamptz,
  unit text not null,
  visibility text not null,
  version integer not null default 1,
  sys_from timestamptz not null default clock_timestamp()
);
create unique index freeze_now on warroom.freeze (policy_id, incident_id) where ended_at is null;
create index freeze_running on warroom.freeze (began_at) where ended_at is null;
create index freeze_incident on warroom.freeze (incident_id);

create table warroom.freeze_exception (
  id uuid primary key default warroom.uuid7(),
  service text not null check (length(service) between 1 and 200),
  change_ref text not null default '' check (length(change_ref) <= 500),
  reason text not null check (length(reason) between 1 and 2000),
  asked_by uuid not null references warroom.principal,
  asked_at timestamptz not null default now(),
  approver_id uuid not null references warroom.principal,
  state text not null default 'asked' check (state in ('asked', 'approved', 'declined')),
  decided_at timestamptz,
  until timestamptz not null,
  unit text not null,
  version integer not null default 1,
  sys_from timestamptz not null default clock_timestamp(),
  check (approver_id <> asked_by),
  check ((decided_at is null) = (state = 'asked'))
);
create index freeze_exception_service on warroom.freeze_exception (service, until);

-- One holds a service at a time; whoever joins stands beside, visibly.  It ends by itself when
-- expires_at has passed, so that a holder who went home locks nobody out.
create table warroom.mitigation_lock (
  id uuid primary key default warroom.uuid7(),
  incident_id uuid not null references warroom.incident,
  service_id uuid not null references warroom.service,
  what text not null check (what in
    ('rollback', 'restart', 'failover', 'scale', 'config', 'flag', 'other')),
  holder_id uuid not null references warroom.principal,
  joined boolean not null default false,
  since timestamptz not null default now(),
  expires_at timestamptz not null,
  released_at timestamptz,
  unit text not null,
  visibility text not null,
  version integer not null default 1,
  sys_from timestamptz not null default clock_timestamp(),
  check (expires_at > since)
);
create unique index mitigation_lock_holder on warroom.mitigation_lock (service_id)
  where released_at is null and not joined;
create unique index mitigation_lock_once on warroom.mitigation_lock (service_id, holder_id)
  where released_at is null;
create index mitigation_lock_incident on warroom.mitigation_lock (incident_id);

create index history_change_valid on warroom.history using gist (valid) where table_name in
  ('change_event', 'change_service', 'incident_change', 'freeze', 'mitigation_lock');

do $$
declare
  t text;
begin
  foreach t in array array['incident_change', 'freeze', 'mitigation_lock']
  loop
    perform warroom.record_table(t);
  end loop;
  -- The others hang on no incident: the same record, and a predicate that fits each.
  foreach t in array array['change_event', 'change_service', 'freeze_policy', 'freeze_exception']
  loop
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
    execute format('grant select on warroom.%I to warroom_search', t);
  end loop;
  foreach t in array array['change_event', 'change_service']
  loop
    execute format($p$create policy seen on warroom.%I using ((select warroom.viewer_all())
      or (unit = any ((select warroom.viewer_units())::text[])
          and (visibility = 'normal' or (select warroom.viewer_security()))))$p$, t);
  end loop;
  foreach t in array array['change_event', 'change_service', 'incident_change', 'freeze_policy',
                           'freeze', 'freeze_exception', 'mitigation_lock']
  loop
    execute format('grant select, insert, update on warroom.%I to warroom_api', t);
  end loop;
end $$;
create policy somebody on warroom.freeze_policy using ((select warroom.viewer_all())
  or (select warroom.viewer_id()) is not null);
create policy seen on warroom.freeze_exception using ((select warroom.viewer_all())
  or unit = any ((select warroom.viewer_units())::text[]));
grant delete on warroom.change_service to warroom_api;
-- The engine reasons about suspects, and takes war room's own alerts in: incidents open there too.
grant select on warroom.change_event, warroom.change_service, warroom.incident_change,
  warroom.freeze_policy to warroom_engine;
grant select, insert, update on warroom.freeze to warroom_engine;

create view read_v1.change_event as
  select c.id, c.source_id, c.kind, c.status, c.title, c.environment, c.production, c.region,
    c.release, c.link, c.made_by, c.principal_id, c.at, c.ended_at, c.approved_by, c.approval_ref,
    c.emergency, c.sys_from
  from warroom.change_event c;
create view read_v1.change_service as
  select c.id, c.change_id, c.service, c.at, c.sys_from from warroom.change_service c;
create view read_v1.incident_change as
  select c.id, c.incident_id, c.change_id, c.verdict, c.judged_by, c.judged_at, c.sys_from
  from warroom.incident_change c;
create view read_v1.freeze_policy as
  select p.id, p.key, p.name, p.min_severity, p.scope, p.scope_values, p.enabled, p.sys_from
  from warroom.freeze_policy p;
create view read_v1.freeze as
  select f.id, f.policy_id, f.incident_id, f.scope, f.scope_values, f.began_at, f.ended_at,
    f.sys_from
  from warroom.freeze f;
create view read_v1.freeze_exception as
  select e.id, e.service, e.change_ref, e.reason, e.asked_by, e.asked_at, e.approver_id, e.state,
    e.decided_at, e.until, e.sys_from
  from warroom.freeze_exception e;
create view read_v1.mitigation_lock as
  select m.id, m.incident_id, m.service_id, m.what, m.holder_id, m.joined, m.since, m.expires_at,
    m.released_at, m.sys_from
  from warroom.mitigation_lock m;
grant select on read_v1.change_event, read_v1.change_service, read_v1.incident_change,
  read_v1.freeze_policy, read_v1.freeze, read_v1.freeze_exception, read_v1.mitigation_lock
  to warroom_reader, warroom_api;

-- A change is on no incident: its id stands where make_past asks for the incident's, and nobody is
-- named on that.
select warroom.make_past(v.t, v.t, v.col) from (values ('change_event', 'id'),
  ('change_service', 'change_id'), ('incident_change', 'incident_id'),
  ('freeze', 'incident_id'), ('mitigation_lock', 'incident_id')) as v(t, col);
