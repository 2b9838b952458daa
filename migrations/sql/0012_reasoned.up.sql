-- What is reasoned beyond the tree: suspects, waves of restart, what the hit services share, a
-- severity; and the ticks on the waves.  Columns that come later are nullable and without a
-- default: an audit entry from before them still says all that the row says.
alter table warroom.incident_impact
  add column suspects jsonb, add column waves jsonb, add column shared jsonb,
  add column suggestion jsonb;

-- A service that somebody brought back in its wave; taking the tick away deletes the row.
create table warroom.restart_tick (
  id uuid primary key default warroom.uuid7(),
  incident_id uuid not null references warroom.incident,
  service_id uuid not null references warroom.service,
  done_by uuid not null references warroom.principal,
  done_at timestamptz not null default now(),
  unit text not null,
  visibility text not null,
  version integer not null default 1,
  sys_from timestamptz not null default clock_timestamp(),
  unique (incident_id, service_id)
);
select warroom.record_table('restart_tick');
create index history_restart_valid on warroom.history using gist (valid)
  where table_name = 'restart_tick';
-- What changed in the catalogue since it was read last; which alerts bear on a service.
create index service_sys_from on warroom.service (sys_from);
create index dependency_sys_from on warroom.dependency (sys_from);
create index change_event_sys_from on warroom.change_event (sys_from);
create index alert_service on warroom.alert (service_id, starts_at);
create index alert_firing on warroom.alert (service_id) where state = 'firing';

grant select, insert, update, delete on warroom.restart_tick to warroom_api;
grant select on warroom.restart_tick to warroom_engine;

create or replace view read_v1.incident_impact as
  select m.id, m.incident_id, m.computed_at, m.nodes, m.totals, m.sys_from, m.suspects, m.waves,
    m.shared, m.suggestion
  from warroom.incident_impact m;
create view read_v1.restart_tick as
  select r.id, r.incident_id, r.service_id, r.done_by, r.done_at, r.sys_from
  from warroom.restart_tick r;
grant select on read_v1.restart_tick to warroom_reader, warroom_api;
select warroom.make_past(t, t, 'incident_id')
  from (values ('incident_impact'), ('restart_tick')) as v(t);
