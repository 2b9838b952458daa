-- Incidents and what belongs to them, alerts, timers, and the working tables of the services.
create sequence warroom.incident_number;

create table warroom.incident (
  id uuid primary key default warroom.uuid7(),
  number bigint not null unique default nextval('warroom.incident_number'),
  title text not null check (length(title) between 1 and 200),
  summary text not null default '' check (length(summary) <= 10000),
  severity smallint not null check (severity between 1 and 5),
  status text not null default 'triggered' check (status in ('triggered', 'acknowledged',
    'investigating', 'mitigating', 'monitoring', 'resolved', 'closed')),
  version integer not null default 1,
  unit text not null default 'main' check (length(unit) between 1 and 63),
  visibility text not null default 'normal' check (visibility in
    ('normal', 'restricted', 'security')),
  classification text not null default 'internal' check (classification in
    ('public', 'internal', 'confidential', 'secret')),
  region text not null default 'any' check (length(region) between 1 and 63),
  legal_hold boolean not null default false,
  drill boolean not null default false,
  opened_at timestamptz not null default now(),
  opened_by uuid not null references warroom.principal,
  on_behalf_of uuid references warroom.principal,
  acknowledged_at timestamptz,
  acknowledged_by uuid references warroom.principal,
  resolved_at timestamptz,
  resolved_by uuid references warroom.principal,
  ended_at timestamptz,
  updated_at timestamptz not null default now(),
  last_activity_at timestamptz not null default now(),
  owner_id uuid references warroom.principal,
  policy_id uuid references warroom.escalation_policy,
  grouping_key text check (length(grouping_key) <= 500),
  alert_count integer not null default 0,
  firing_count integer not null default 0,
  custom jsonb not null default '{}',
  sys_from timestamptz not null default clock_timestamp(),
  check ((ended_at is not null) = (status in ('resolved', 'closed')))
);
create index incident_open on warroom.incident (severity, opened_at, id) where ended_at is null;
create index incident_grouping on warroom.incident (grouping_key) where ended_at is null;
create index incident_ended on warroom.incident (ended_at desc) where ended_at is not null;

create table warroom.incident_access (
  id uuid primary key default warroom.uuid7(),
  incident_id uuid not null references warroom.incident,
  principal_id uuid not null references warroom.principal,
  version integer not null default 1,
  sys_from timestamptz not null default clock_timestamp(),
  unique (principal_id, incident_id)
);

create function warroom.viewer_named() returns uuid[]
language sql stable security definer set search_path = pg_catalog as $$
  select coalesce(array_agg(a.incident_id), '{}')
  from warroom.incident_access a where a.principal_id = warroom.viewer_id()
$$;

create table warroom.incident_service (
  id uuid primary key default warroom.uuid7(),
  incident_id uuid not null references warroom.incident,
  service_id uuid not null references warroom.service,
  state text not null default 'suspected' check (state in
    ('suspected', 'degraded', 'down', 'recovered')),
  unit text not null,
  visibility text not null,
  version integer not null default 1,
  attached_at timestamptz not null default now(),
  sys_from timestamptz not null default clock_timestamp(),
  unique (incident_id, service_id)
);
create index incident_service_service on warroom.incident_service (service_id);

create table warroom.role_held (
  id uuid primary key default warroom.uuid7(),
  incident_id uuid not null references warroom.incident,
  role text not null check (role in ('commander', 'scribe', 'communications', 'operations')),
  principal_id uuid not null references warroom.principal,
  brief text check (length(brief) <= 10000),
  unit text not null,
  visibility text not null,
  taken_at timestamptz not null default now(),
  released_at timestamptz,
  version integer not null default 1,
  sys_from timestamptz not null default clock_timestamp()
);
create unique index role_held_now on warroom.role_held (incident_id, role)
  where released_at is null;

create table warroom.alert (
  id uuid primary key default warroom.uuid7(),
  source_id uuid not null references warroom.source,
  fingerprint text not null check (length(fingerprint) between 1 and 200),
  name text not null,
  summary text not null default '',
  description text not null default '',
  severity smallint not null check (severity between 1 and 5),
  severity_word text,
  state text not null check (state in ('firing', 'resolved')),
  service_id uuid not null references warroom.service,
  incident_id uuid references warroom.incident,
  labels jsonb not null default '{}',
  annotations jsonb not null default '{}',
  generator_url text,
  decision text not null default '',
  starts_at timestamptz not null,
  ends_at timestamptz,
  expires_at timestamptz,
  first_seen_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  changed_at timestamptz not null default now(),
  count bigint not null default 1,
  unit text not null,
  visibility text not null,
  drill boolean not null default false,
  region text not null default 'any',
  version integer not null default 1,
  unique (source_id, fingerprint)
);
create index alert_incident on warroom.alert (incident_id) where incident_id is not null;
create index alert_expiry on warroom.alert (expires_at)
  where state = 'firing' and expires_at is not null;

create table warroom.timer (
  id uuid primary key default warroom.uuid7(),
  kind text not null check (kind in ('escalate', 'ack-timeout', 'update-due', 'soak',
    'regulatory', 'vendor-sla', 'mitigation-expiry', 'snooze')),
  incident_id uuid not null references warroom.incident,
  step integer not null default 0,
  cycle integer not null default 0,
  due_at timestamptz not null,
  target text not null default '',
  state text not null default 'armed' check (state in
    ('armed', 'paused', 'fired', 'cancelled')),
  policy_id uuid references warroom.escalation_policy,
  reason text not null default '',
  fired_at timestamptz,
  unit text not null,
  visibility text not null,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  sys_from timestamptz not null default clock_timestamp(),
  unique (incident_id, kind, step, cycle)
);
create index timer_due on warroom.timer (due_at) where state = 'armed';
create index timer_incident on warroom.timer (incident_id, due_at) where state = 'armed';

create table warroom.channel (
  id uuid primary key default warroom.uuid7(),
  key text not null unique check (key ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  kind text not null check (kind in ('log', 'webhook')),
  url text check (length(url) <= 2000),
  secret text check (length(secret) <= 500),
  disabled_at timestamptz,
  version integer not null default 1,
  sys_from timestamptz not null default clock_timestamp(),
  check (kind <> 'webhook' or url is not null)
);
insert into warroom.channel (key, kind) values ('log', 'log');

create table warroom.outbox (
  id uuid primary key default warroom.uuid7(),
  channel text not null,
  dedup_key text not null unique check (length(dedup_key) <= 300),
  incident_id uuid references warroom.incident,
  payload jsonb not null,
  state text not null default 'queued' check (state in ('queued', 'sending', 'sent', 'dead')),
  attempts integer not null default 0,
  next_attempt_at timestamptz not null default now(),
  fence bigint not null default 0,
  claimed_by text,
  claimed_until timestamptz,
  sent_at timestamptz,
  last_error text,
  unit text not null,
  visibility text not null,
  created_at timestamptz not null default now()
);
create index outbox_due on warroom.outbox (next_attempt_at) where state in ('queued', 'sending');

create table warroom.lease (
  name text primary key,
  holder text not null default '',
  fence bigint not null default 0,
  until timestamptz not null default '-infinity',
  ran_at timestamptz,
  sentence text not null default ''
);

create table warroom.idempotency (
  principal_id uuid not null references warroom.principal,
  key text not null check (length(key) between 1 and 200),
  command text not null,
  body_hash bytea not null,
  status integer,
  answer jsonb,
  created_at timestamptz not null default now(),
  primary key (principal_id, key)
);
create index idempotency_age on warroom.idempotency (created_at);
