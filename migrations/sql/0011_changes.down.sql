-- Run as the administrator: some functions belong to a helper role.
do $$
declare
  v text;
begin
  foreach v in array array['change_event', 'change_service', 'incident_change', 'freeze',
                           'mitigation_lock']
  loop
    execute format('drop function read_v1.%I(timestamptz)', v || '_at');
  end loop;
  foreach v in array array['mitigation_lock', 'freeze_exception', 'freeze', 'freeze_policy',
                           'incident_change', 'change_service', 'change_event']
  loop
    execute format('drop view read_v1.%I', v);
    execute format('drop table warroom.%I', v);
  end loop;
end $$;
drop index warroom.history_change_valid;
alter table warroom.source drop column secret;
