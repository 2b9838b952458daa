revoke insert on warroom.service from warroom_engine;
drop view read_v1.source;
drop table warroom.quarantine, warroom.heartbeat_state, warroom.heartbeat, warroom.source_tally,
  warroom.source_secret;
drop index warroom.delivery_quarantined;
alter table warroom.source
  drop column rate_per_s, drop column burst, drop column lane, drop column quiet_after_s,
  drop column environment, drop column quiet_since, drop column resumed_at;
create view read_v1.source as
  select s.id, s.key, s.name, s.dialect, s.team_id, s.paused_at, s.last_seen_at
  from warroom.source s;
grant select on read_v1.source to warroom_reader, warroom_api;
