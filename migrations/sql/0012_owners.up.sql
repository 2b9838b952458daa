-- Run without SET ROLE: definer functions are handed to the helper role that fits each.
alter function read_v1.incident_impact_at(timestamptz) owner to warroom_search;
alter function read_v1.restart_tick_at(timestamptz) owner to warroom_search;
