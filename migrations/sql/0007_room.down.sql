-- Run as the administrator: some functions belong to a helper role.
drop function warroom.last_command(uuid);
do $$
declare
  v text;
begin
  foreach v in array array['incident', 'timer', 'handover', 'incident_link', 'hypothesis',
                           'evidence', 'pin', 'incident_relation', 'incident_impact']
  loop
    execute format('drop function read_v1.%I(timestamptz)', v || '_at');
  end loop;
  foreach v in array array['incident_impact', 'incident_relation', 'pin', 'evidence', 'hypothesis',
                           'incident_link', 'handover']
  loop
    execute format('drop view read_v1.%I', v);
    execute format('drop table warroom.%I', v);
  end loop;
end $$;
drop index warroom.timer_paused;
drop index warroom.timeline_corrects;
drop index warroom.history_room_valid;
drop view read_v1.incident;
drop view read_v1.timer;
alter table warroom.incident drop column resolution;
alter table warroom.timer drop column paused_at;
revoke delete on warroom.incident_service from warroom_api;
create view read_v1.incident as
  select i.id, i.number, i.title, i.summary, i.severity, i.status, i.version, i.unit,
    i.visibility, i.classification, i.region, i.legal_hold, i.drill, i.opened_at, i.opened_by,
    i.acknowledged_at, i.acknowledged_by, i.resolved_at, i.resolved_by, i.ended_at, i.updated_at,
    i.last_activity_at, i.owner_id, i.policy_id, i.alert_count, i.firing_count, i.custom,
    i.sys_from
  from warroom.incident i;
create view read_v1.timer as
  select t.id, t.kind, t.incident_id, t.step, t.cycle, t.due_at, t.target, t.state, t.reason,
    t.fired_at, t.sys_from
  from warroom.timer t;
alter view read_v1.incident owner to warroom_owner;
alter view read_v1.timer owner to warroom_owner;
grant select on read_v1.incident, read_v1.timer to warroom_reader, warroom_api;
select warroom.make_past('incident', 'incident', 'id');
select warroom.make_past('timer', 'timer', 'incident_id');
alter function read_v1.incident_at(timestamptz) owner to warroom_search;
alter function read_v1.timer_at(timestamptz) owner to warroom_search;
drop function warroom.make_past(text, text, text);
drop function warroom.record_table(text);
create or replace function warroom.follow_incident() returns trigger
language plpgsql security definer set search_path = pg_catalog as $$
declare
  child text;
begin
  foreach child in array array['incident_service', 'role_held', 'alert', 'timer', 'outbox',
                               'alert_event', 'timeline', 'history', 'audit']
  loop
    execute format('update warroom.%I set unit = $1, visibility = $2 where incident_id = $3 '
                   'and (unit, visibility) is distinct from ($1, $2)', child)
      using new.unit, new.visibility, new.id;
  end loop;
  return null;
end $$;
alter policy seen on warroom.audit using ((select warroom.viewer_all()));
alter policy seen on warroom.history using ((select warroom.viewer_all()));
