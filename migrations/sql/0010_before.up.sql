-- Run without SET ROLE: it belongs to a helper role and is made anew with more columns.
drop function read_v1.service_at(timestamptz);
