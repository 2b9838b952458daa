-- Run as the administrator: the functions belong to a helper role.  The source, the service and
-- the principal of war room's own alerts stay: incidents may name them.
drop function warroom.health_nodes();
drop function warroom.health_activity(integer);
drop function warroom.health_storage(integer);
revoke insert on warroom.alert, warroom.incident, warroom.incident_service from warroom_engine;
revoke usage on sequence warroom.incident_number from warroom_engine;
revoke update (last_seen_at) on warroom.source from warroom_engine;
revoke update (health) on warroom.service from warroom_engine;
