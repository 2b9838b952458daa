-- Run without SET ROLE: definer functions are handed to the helper role that fits each.
alter function read_v1.silence_at(timestamptz) owner to warroom_search;
