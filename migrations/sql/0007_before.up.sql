-- Run without SET ROLE: these belong to a helper role and are made anew with more columns.
drop function read_v1.incident_at(timestamptz);
drop function read_v1.timer_at(timestamptz);
