-- Run as the administrator: some functions belong to a helper role.
drop function read_v1.silence_at(timestamptz);
drop view read_v1.silence;
drop table warroom.silence;
drop index warroom.history_silence_valid;
drop index warroom.alert_on_nothing;
