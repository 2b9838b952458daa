-- Run without SET ROLE: definer functions are handed to the helper role that fits each.
alter function read_v1.service_at(timestamptz) owner to warroom_search;
alter function warroom.services_in_use(uuid[]) owner to warroom_search;
