-- Bodies that are taken and whose alerts wait for their turn: their senders have their 2xx.  A row
-- lives until its alerts are stored, seconds as a rule; then its body stands in the stream under
-- the same id.  read_at is the moment by which the body was read (its sender's "now").  Who may see
-- a body is known when its alerts are placed: until then nobody but ingest may.
create table warroom.intake (
  id uuid primary key default warroom.uuid7(),
  source_id uuid not null references warroom.source,
  dialect text not null,
  content_type text not null default '',
  body bytea not null,
  request_id text not null default '',
  alerts integer not null check (alerts >= 0),
  read_at timestamptz not null,
  received_at timestamptz not null default clock_timestamp()
);
-- It is read once, soon, or never: compressing it costs more than it saves.
alter table warroom.intake alter column body set storage external;
-- A queue is all dead rows: a scan for what waits would pass them.
alter table warroom.intake set (autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 2000, toast.autovacuum_vacuum_scale_factor = 0,
  toast.autovacuum_vacuum_threshold = 20000);

-- What is deleted needs no content on the record, only which rows; a body would be read whole.
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
    select jsonb_agg(o.id), jsonb_agg(null::text), count(*) into ids, digests, rows_seen
    from gone o;
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

create trigger audit_insert after insert on warroom.intake referencing new table as fresh
  for each statement execute function warroom.audit_batch();
create trigger audit_update after update on warroom.intake referencing new table as fresh
  for each statement execute function warroom.audit_batch();
create trigger audit_delete after delete on warroom.intake referencing old table as gone
  for each statement execute function warroom.audit_batch();
create trigger refuse_truncate before truncate on warroom.intake
  for each statement execute function warroom.refuse_change();
alter table warroom.intake enable always trigger audit_insert, enable always trigger audit_update,
  enable always trigger audit_delete, enable always trigger refuse_truncate;
alter table warroom.intake enable row level security;
alter table warroom.intake force row level security;
create policy seen on warroom.intake using ((select warroom.viewer_all()));
-- Update: without it nobody may lock a row.
grant select, insert, update, delete on warroom.intake to warroom_api;
grant select on warroom.intake to warroom_engine, warroom_search;
