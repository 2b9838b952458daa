drop table warroom.idempotency, warroom.lease, warroom.outbox, warroom.channel, warroom.timer,
  warroom.alert, warroom.role_held, warroom.incident_service, warroom.incident_access,
  warroom.incident cascade;
drop function warroom.viewer_named();
drop sequence warroom.incident_number;
