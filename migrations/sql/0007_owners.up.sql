-- Run without SET ROLE: definer functions are handed to the helper role that fits each.
do $$
declare
  f text;
begin
  foreach f in array array['incident', 'timer', 'handover', 'incident_link', 'hypothesis',
                           'evidence', 'pin', 'incident_relation', 'incident_impact']
  loop
    execute format('alter function read_v1.%I(timestamptz) owner to warroom_search', f || '_at');
  end loop;
end $$;
alter function warroom.last_command(uuid) owner to warroom_search;
