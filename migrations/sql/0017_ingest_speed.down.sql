create or replace function warroom.uuid7() returns uuid
language sql volatile parallel safe as $$
  select encode(
    set_byte(
      set_byte(
        overlay(uuid_send(gen_random_uuid())
                placing substring(int8send((us / 1000)::bigint) from 3) from 1 for 6),
        6, (112 | (((us % 1000) * 4096 / 1000)::int >> 8))),
      7, (((us % 1000) * 4096 / 1000)::int & 255)), 'hex')::uuid
  from (select floor(extract(epoch from clock_timestamp()) * 1000000)::bigint as us) t
$$;

create or replace function warroom.audit_batch() returns trigger
language plpgsql security definer set search_path = pg_catalog set timezone = 'UTC'
set bytea_output = 'hex' set extra_float_digits = 1 set standard_conforming_strings = on as $$
declare
  ids jsonb;
  digests jsonb;
  rows_seen integer;
  one_incident uuid;
  one_unit text;
  one_visibility text;
begin
  if tg_op = 'DELETE' then
    select jsonb_agg(t.c -> 'id'), jsonb_agg(null::text), count(*) into ids, digests, rows_seen
    from (select to_jsonb(o) c from gone o) t;
  else
    select jsonb_agg(t.c -> 'id'), jsonb_agg(warroom.row_digest(t.c)), count(*),
           case when count(distinct t.c ->> 'incident_id') = 1
                then min(t.c ->> 'incident_id')::uuid end,
           -- A batch over several units or visibilities is shown to nobody who sees only one.
           case when min(t.c ->> 'unit') = max(t.c ->> 'unit') then min(t.c ->> 'unit')
                else '(several)' end,
           case when min(t.c ->> 'visibility') = max(t.c ->> 'visibility')
                then min(t.c ->> 'visibility') else 'restricted' end
      into ids, digests, rows_seen, one_incident, one_unit, one_visibility
    from (select to_jsonb(f) c from fresh f) t;
  end if;
  if rows_seen > 0 then
    perform warroom.audit_append(
      regexp_replace(tg_table_name, '_\d{6}$', ''), tg_op, null, rows_seen, one_incident,
      one_unit, one_visibility, jsonb_build_object('ids', ids, 'digests', digests)::text);
  end if;
  return null;
end $$;
