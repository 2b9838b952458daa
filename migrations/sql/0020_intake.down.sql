-- What waits has a 2xx and stands nowhere else.
lock table warroom.intake in access exclusive mode;
do $$ begin
  if exists (select from warroom.intake) then
    raise exception 'bodies that were taken wait in warroom.intake'
      using hint = 'Let the API of this version work them out first; nothing was changed.';
  end if;
end $$;
drop table warroom.intake;
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
    from (select to_jsonb(o) c from gone o offset 0) t;
  else
    select jsonb_agg(t.c -> 'id'),
           jsonb_agg(left(encode(sha256(convert_to(
             (t.c - '{unit,visibility}'::text[])::text, 'UTF8')), 'hex'), 32)),
           count(*),
           case when min(t.c ->> 'incident_id') = max(t.c ->> 'incident_id')
                then min(t.c ->> 'incident_id')::uuid end,
           -- A batch over several units or visibilities is shown to nobody who sees only one.
           case when min(t.c ->> 'unit') = max(t.c ->> 'unit') then min(t.c ->> 'unit')
                else '(several)' end,
           case when min(t.c ->> 'visibility') = max(t.c ->> 'visibility')
                then min(t.c ->> 'visibility') else 'restricted' end
      into ids, digests, rows_seen, one_incident, one_unit, one_visibility
    from (select to_jsonb(f) c from fresh f offset 0) t;
  end if;
  if rows_seen > 0 then
    perform warroom.audit_append(
      regexp_replace(tg_table_name, '_\d{6}$', ''), tg_op, null, rows_seen, one_incident,
      one_unit, one_visibility, jsonb_build_object('ids', ids, 'digests', digests)::text);
  end if;
  return null;
end $$;
