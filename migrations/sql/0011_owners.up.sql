-- Run without SET ROLE: definer functions are handed to the helper role that fits each.
do $$
declare
  f text;
begin
  foreach f in array array['change_event', 'change_service', 'incident_change', 'freeze',
                           'mitigation_lock']
  loop
    execute format('alter function read_v1.%I(timestamptz) owner to warroom_search', f || '_at');
  end loop;
end $$;
