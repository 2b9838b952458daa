-- Run as the administrator: some functions belong to a helper role.
drop function read_v1.restart_tick_at(timestamptz);
drop function read_v1.incident_impact_at(timestamptz);
drop view read_v1.restart_tick;
drop view read_v1.incident_impact;
drop table warroom.restart_tick;
drop index warroom.service_sys_from;
drop index warroom.dependency_sys_from;
drop index warroom.alert_service;
drop index warroom.change_event_sys_from;
drop index warroom.alert_firing;
drop index warroom.history_restart_valid;
alter table warroom.incident_impact
  drop column suspects, drop column waves, drop column shared, drop column suggestion;
create view read_v1.incident_impact as
  select m.id, m.incident_id, m.computed_at, m.nodes, m.totals, m.sys_from
  from warroom.incident_impact m;
alter view read_v1.incident_impact owner to warroom_owner;
grant select on read_v1.incident_impact to warroom_reader, warroom_api;
select warroom.make_past('incident_impact', 'incident_impact', 'incident_id');
alter function read_v1.incident_impact_at(timestamptz) owner to warroom_search;
