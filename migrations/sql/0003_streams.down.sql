drop function warroom.ensure_partitions(integer);
drop table warroom.replication_sample, warroom.history, warroom.audit, warroom.timeline,
  warroom.alert_event, warroom.delivery cascade;
drop sequence warroom.audit_n;
