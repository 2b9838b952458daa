-- Run without SET ROLE: definer functions are handed to the helper role that fits each.
alter function warroom.viewer_id() owner to warroom_search;
alter function warroom.viewer_units() owner to warroom_search;
alter function warroom.viewer_security() owner to warroom_search;
alter function warroom.viewer_all() owner to warroom_search;
alter function warroom.viewer_named() owner to warroom_search;
alter function warroom.authenticate(bytea) owner to warroom_search;
alter function read_v1.incident_at(timestamptz) owner to warroom_search;
alter function read_v1.incident_service_at(timestamptz) owner to warroom_search;
alter function read_v1.role_held_at(timestamptz) owner to warroom_search;
alter function read_v1.timer_at(timestamptz) owner to warroom_search;
alter function read_v1.person_at(timestamptz) owner to warroom_search;
alter function read_v1.service_at(timestamptz) owner to warroom_search;
alter function read_v1.team_at(timestamptz) owner to warroom_search;
alter function read_v1.audit_entries(uuid, integer) owner to warroom_search;
alter function read_v1.audit_verify() owner to warroom_search;
alter function warroom.mint_login(text, numeric) owner to warroom_minter;
alter function warroom.reap_logins() owner to warroom_reaper;
