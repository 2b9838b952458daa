drop view read_v1.alert_type, read_v1.alert_rule, read_v1.triage_item;
drop table warroom.alert_type, warroom.triage_item, warroom.alert_rule;
drop index warroom.history_triage_valid;
drop view read_v1.alert;
alter table warroom.alert drop column decide_at, drop column disposition, drop column flips,
  drop column flapping, drop column priority_reason, drop column priority;
create view read_v1.alert as
  select a.id, a.source_id, a.fingerprint, a.name, a.summary, a.description, a.severity,
    a.state, a.service_id, a.incident_id, a.labels, a.annotations, a.generator_url, a.decision,
    a.starts_at, a.ends_at, a.first_seen_at, a.last_seen_at, a.count, a.drill
  from warroom.alert a;
grant select on read_v1.alert to warroom_reader, warroom_api;
revoke insert, select on warroom.incident_relation from warroom_engine;
revoke select on warroom.incident_link, warroom.mitigation_lock from warroom_engine;
