-- Run without SET ROLE: it belongs to a helper role and is made anew.
drop function read_v1.audit_verify();
