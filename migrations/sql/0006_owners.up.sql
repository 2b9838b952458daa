-- Run without SET ROLE: definer functions are handed to the helper role that fits each.
alter function read_v1.audit_verify() owner to warroom_search;
