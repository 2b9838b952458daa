drop table warroom.field_definition, warroom.api_token, warroom.source_identity, warroom.source,
  warroom.dependency, warroom.service, warroom.escalation_step, warroom.escalation_policy,
  warroom.team_member, warroom.team, warroom.principal cascade;
drop function warroom.authenticate(bytea);
drop function warroom.viewer_all();
drop function warroom.viewer_security();
drop function warroom.viewer_units();
drop function warroom.viewer_id();
drop function warroom.uuid7_floor(timestamptz);
drop function warroom.uuid7();
drop schema stats_v1;
drop schema read_v1;
drop schema warroom_parts;
