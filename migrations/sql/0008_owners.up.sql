-- Run without SET ROLE: definer functions are handed to the helper role that fits each.
alter function warroom.health_nodes() owner to warroom_stats;
alter function warroom.health_activity(integer) owner to warroom_stats;
alter function warroom.health_storage(integer) owner to warroom_stats;
