-- The room: hand-overs, links, hypotheses with their evidence, pins, relations between incidents,
-- the stored impact; and how a recorded table is made, said once for this and later revisions.

-- Makes a table part of the record: history, audit, no TRUNCATE, forced row-level security by
-- unit and visibility.  The table has id, incident_id, unit, visibility, version and sys_from.
create function warroom.record_table(t text) returns void
language plpgsql set search_path = pg_catalog as $$
begin
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
  execute format($p$create policy seen on warroom.%I using ((select warroom.viewer_all())
    or (unit = any ((select warroom.viewer_units())::text[])
        and (visibility = 'normal'
             or (visibility = 'security' and (select warroom.viewer_security()))
             or incident_id = any ((select warroom.viewer_named())::uuid[]))))$p$, t);
  execute format('grant select on warroom.%I to warroom_search', t);
end $$;
revoke execute on function warroom.record_table(text) from public;

-- Makes read_v1.<view>_at(moment) for a view over one recorded table of an incident: current rows
-- that began before the moment, and kept OLD rows; the policy's predicate is repeated, because
-- the range operator is not leakproof.
create function warroom.make_past(t text, view_name text, incident_col text) returns void
language plpgsql set search_path = pg_catalog as $$
declare
  cols text;
begin
  select string_agg(format('i.%I', a.attname), ', ' order by a.attnum) into cols
    from pg_attribute a
    where a.attrelid = ('read_v1.' || quote_ident(view_name))::regclass and a.attnum > 0;
  execute format($f$
    create function read_v1.%I(moment timestamptz) returns setof read_v1.%I
    language sql stable security definer set search_path = pg_catalog as $body$
      select %s from (
        select c.* from warroom.%I c where c.sys_from <= moment
        union all
        select r.* from warroom.history h,
          jsonb_populate_record(null::warroom.%I, h.content || jsonb_strip_nulls(
            jsonb_build_object('unit', h.unit, 'visibility', h.visibility))) r
        where h.table_name = %L and h.valid @> moment
      ) i where (select warroom.viewer_all())
        or (i.unit = any ((select warroom.viewer_units())::text[])
            and (i.visibility = 'normal'
                 or (i.visibility = 'security' and (select warroom.viewer_security()))
                 or i.%I = any ((select warroom.viewer_named())::uuid[])))
    $body$ $f$, view_name || '_at', view_name, cols, t, t, t, incident_col);
  execute format('revoke execute on function read_v1.%I(timestamptz) from public',
                 view_name || '_at');
  execute format('grant execute on function read_v1.%I(timestamptz) to warroom_reader, '
                 'warroom_api', view_name || '_at');
end $$;
revoke execute on function warroom.make_past(text, text, text) from public;

-- How an incident ended.  Columns that come later are nullable and without a default: an audit
-- entry from before them still says all that the row says.
alter table warroom.incident add column resolution text check (resolution in
  ('fixed', 'false-alarm', 'merged', 'duplicate'));
alter table warroom.timer add column paused_at timestamptz;

create table warroom.handover (
  id uuid primary key default warroom.uuid7(),
  incident_id uuid not null references warroom.incident,
  role text not null check (role in ('commander', 'scribe', 'communications', 'operations')),
  from_id uuid references warroom.principal,
  to_id uuid not null references warroom.principal,
  brief text not null check (length(brief) between 1 and 10000),
  state text not null default 'offered' check (state in
    ('offered', 'accepted', 'declined', 'withdrawn')),
  offered_at timestamptz not null default now(),
  answered_at timestamptz,
  unit text not null,
  visibility text not null,
  version integer not null default 1,
  sys_from timestamptz not null default clock_timestamp(),
  check ((answered_at is null) = (state = 'offered'))
);
create unique index handover_now on warroom.handover (incident_id, role) where state = 'offered';
create index handover_to on warroom.handover (to_id) where state = 'offered';

create table warroom.incident_link (
  id uuid primary key default warroom.uuid7(),
  incident_id uuid not null references warroom.incident,
  kind text not null check (kind in ('bridge', 'channel', 'dashboard', 'ticket', 'document')),
  url text not null check (length(url) between 1 and 2000),
  label text not null check (length(label) between 1 and 200),
  added_by uuid not null references warroom.principal,
  added_at timestamptz not null default now(),
  unit text not null,
  visibility text not null,
  version integer not null default 1,
  sys_from timestamptz not null default clock_timestamp(),
  unique (incident_id, url)
);

-- A hypothesis is an entry of the timeline (entry_id); here is its fate, which changes.
create table warroom.hypothesis (
  id uuid primary key default warroom.uuid7(),
  entry_id uuid not null unique,
  incident_id uuid not null references warroom.incident,
  fate text not null default 'open' check (fate in ('open', 'confirmed', 'refuted', 'withdrawn')),
  decided_by uuid references warroom.principal,
  decided_at timestamptz,
  unit text not null,
  visibility text not null,
  version integer not null default 1,
  sys_from timestamptz not null default clock_timestamp(),
  check ((decided_at is null) = (fate = 'open'))
);
create index hypothesis_incident on warroom.hypothesis (incident_id);

-- Which hypothesis an entry of kind evidence speaks for or against.
create table warroom.evidence (
  id uuid primary key default warroom.uuid7(),
  entry_id uuid not null,
  hypothesis_entry_id uuid not null references warroom.hypothesis (entry_id)
    on update cascade,
  incident_id uuid not null references warroom.incident,
  stance text not null check (stance in ('for', 'against')),
  unit text not null,
  visibility text not null,
  version integer not null default 1,
  sys_from timestamptz not null default clock_timestamp(),
  unique (entry_id, hypothesis_entry_id)
);
create index evidence_incident on warroom.evidence (incident_id);

create table warroom.pin (
  id uuid primary key default warroom.uuid7(),
  entry_id uuid not null unique,
  incident_id uuid not null references warroom.incident,
  pinned_by uuid not null references warroom.principal,
  pinned_at timestamptz not null default now(),
  unit text not null,
  visibility text not null,
  version integer not null default 1,
  sys_from timestamptz not null default clock_timestamp()
);
create index pin_incident on warroom.pin (incident_id);

-- incident_id was merged into other_id, or was split from it.
create table warroom.incident_relation (
  id uuid primary key default warroom.uuid7(),
  incident_id uuid not null references warroom.incident,
  other_id uuid not null references warroom.incident,
  kind text not null check (kind in ('merged-into', 'split-from')),
  made_by uuid not null references warroom.principal,
  made_at timestamptz not null default now(),
  unit text not null,
  visibility text not null,
  version integer not null default 1,
  sys_from timestamptz not null default clock_timestamp(),
  check (incident_id <> other_id)
);
create unique index incident_relation_merged on warroom.incident_relation (incident_id)
  where kind = 'merged-into';
create index incident_relation_other on warroom.incident_relation (other_id);

-- What the server reasoned last about an incident: nodes and totals, as warroom.domain.panes
-- names them.  Written only when it differs.
create table warroom.incident_impact (
  id uuid primary key default warroom.uuid7(),
  incident_id uuid not null unique references warroom.incident,
  computed_at timestamptz not null default now(),
  nodes jsonb not null,
  totals jsonb not null,
  unit text not null,
  visibility text not null,
  version integer not null default 1,
  sys_from timestamptz not null default clock_timestamp()
);

-- Paused clocks are few among very many that ended; the timers pane reads them every second.
create index timer_paused on warroom.timer (due_at) where state = 'paused';
create index timeline_corrects on warroom.timeline (corrects) where corrects is not null;
create index history_room_valid on warroom.history using gist (valid) where table_name in
  ('handover', 'incident_link', 'hypothesis', 'evidence', 'pin', 'incident_relation',
   'incident_impact');

-- Who may see a child row follows its incident: every table that copies unit and visibility.
create or replace function warroom.follow_incident() returns trigger
language plpgsql security definer set search_path = pg_catalog as $$
declare
  child text;
begin
  for child in
    select c.relname from pg_class c
    where c.relnamespace = 'warroom'::regnamespace and c.relkind in ('r', 'p')
      and (select count(*) from pg_attribute a where a.attrelid = c.oid and not a.attisdropped
           and a.attname in ('incident_id', 'unit', 'visibility')) = 3
    -- The record last: what follows writes history and audit of its own.
    order by c.relname in ('audit', 'history'), c.relname
  loop
    execute format('update warroom.%I set unit = $1, visibility = $2 where incident_id = $3 '
                   'and (unit, visibility) is distinct from ($1, $2)', child)
      using new.unit, new.visibility, new.id;
  end loop;
  return null;
end $$;

-- An UPDATE reads under the SELECT policies too: without this the record of an incident that the
-- API restricts would stay as open as it was, and with it the incident's past.
alter policy seen on warroom.audit
  using ((select warroom.viewer_all()) or current_user = 'warroom_owner');
alter policy seen on warroom.history
  using ((select warroom.viewer_all()) or current_user = 'warroom_owner');

do $$
declare
  t text;
begin
  foreach t in array array['handover', 'incident_link', 'hypothesis', 'evidence', 'pin',
                           'incident_relation', 'incident_impact']
  loop
    perform warroom.record_table(t);
    execute format('grant select, insert, update on warroom.%I to warroom_api', t);
  end loop;
end $$;
grant delete on warroom.incident_link, warroom.pin, warroom.incident_service to warroom_api;
grant select on warroom.handover, warroom.dependency to warroom_engine;
grant select, insert, update on warroom.incident_impact to warroom_engine;

create or replace view read_v1.incident as
  select i.id, i.number, i.title, i.summary, i.severity, i.status, i.version, i.unit,
    i.visibility, i.classification, i.region, i.legal_hold, i.drill, i.opened_at, i.opened_by,
    i.acknowledged_at, i.acknowledged_by, i.resolved_at, i.resolved_by, i.ended_at, i.updated_at,
    i.last_activity_at, i.owner_id, i.policy_id, i.alert_count, i.firing_count, i.custom,
    i.sys_from, i.resolution
  from warroom.incident i;
create or replace view read_v1.timer as
  select t.id, t.kind, t.incident_id, t.step, t.cycle, t.due_at, t.target, t.state, t.reason,
    t.fired_at, t.sys_from, t.paused_at
  from warroom.timer t;
create view read_v1.handover as
  select h.id, h.incident_id, h.role, h.from_id, h.to_id, h.brief, h.state, h.offered_at,
    h.answered_at, h.sys_from
  from warroom.handover h;
create view read_v1.incident_link as
  select l.id, l.incident_id, l.kind, l.url, l.label, l.added_by, l.added_at, l.sys_from
  from warroom.incident_link l;
create view read_v1.hypothesis as
  select h.id, h.entry_id, h.incident_id, h.fate, h.decided_by, h.decided_at, h.sys_from
  from warroom.hypothesis h;
create view read_v1.evidence as
  select e.id, e.entry_id, e.hypothesis_entry_id, e.incident_id, e.stance, e.sys_from
  from warroom.evidence e;
create view read_v1.pin as
  select p.id, p.entry_id, p.incident_id, p.pinned_by, p.pinned_at, p.sys_from
  from warroom.pin p;
create view read_v1.incident_relation as
  select r.id, r.incident_id, r.other_id, r.kind, r.made_by, r.made_at, r.sys_from
  from warroom.incident_relation r;
create view read_v1.incident_impact as
  select m.id, m.incident_id, m.computed_at, m.nodes, m.totals, m.sys_from
  from warroom.incident_impact m;
grant select on read_v1.handover, read_v1.incident_link, read_v1.hypothesis, read_v1.evidence,
  read_v1.pin, read_v1.incident_relation, read_v1.incident_impact to warroom_reader, warroom_api;

select warroom.make_past(v.t, v.t, v.col) from (values ('incident', 'id'),
  ('timer', 'incident_id'), ('handover', 'incident_id'), ('incident_link', 'incident_id'),
  ('hypothesis', 'incident_id'), ('evidence', 'incident_id'), ('pin', 'incident_id'),
  ('incident_relation', 'incident_id'), ('incident_impact', 'incident_id')) as v(t, col);

-- What the last command on an incident changed, row by row: what undoing it has to put back.
-- "before" is all of the old row and null for an INSERT, "after" is null for a DELETE.  Empty when
-- any part of the record of it was erased: half a command is not undone.
create function warroom.last_command(incident uuid)
returns table (command text, actor_id uuid, on_behalf_of uuid, recorded_at timestamptz,
  table_name text, op text, row_id uuid, before jsonb, after jsonb)
language sql stable security definer set search_path = pg_catalog as $$
  select a.command, a.actor_id, a.on_behalf_of, a.recorded_at, a.table_name, a.op, a.row_id,
    -- The entry of an UPDATE keeps only the old columns that changed.
    case a.op when 'UPDATE' then (a.payload::jsonb -> 'after') || (a.payload::jsonb -> 'before')
              when 'DELETE' then a.payload::jsonb -> 'before' end,
    case when a.op <> 'DELETE' then a.payload::jsonb -> 'after' end
  from warroom.audit a
  where a.incident_id = incident and a.id >= incident and a.row_id is not null
    and a.xid = (select b.xid from warroom.audit b
                 where b.incident_id = incident and b.id >= incident
                   and b.command like 'incident.%' and b.table_name <> 'incident_impact'
                 order by b.id desc limit 1)
    and not exists (select from warroom.audit e
                    where e.incident_id = incident and e.id >= incident and e.xid = a.xid
                      and e.payload is null)
    and (select warroom.viewer_id()) is not null
    and session_user in ('warroom_api', 'warroom_engine')
  order by a.n
$$;
revoke execute on function warroom.last_command(uuid) from public;
grant execute on function warroom.last_command(uuid) to warroom_api;
