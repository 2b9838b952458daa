-- Alerts in, faster again: the record stays what it was, entry by entry and digest by digest.

-- The digest's expression stands here itself: as a function of its own it cost a call and a setting
-- for every row.  It is warroom.row_digest, letter by letter.
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

-- The entries of many changed rows in one statement, the same as audit_row and audit_append would
-- write of each.
create function warroom.audit_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog set timezone = 'UTC'
set datestyle = 'ISO, YMD' as $$
declare
  v_actor uuid;
  v_kind text := 'sql';
  v_behalf uuid;
  v_command text := 'direct sql';
  v_request text;
  v_origin text := coalesce(host(inet_client_addr()), 'local');
begin
  if session_user in ('warroom_api', 'warroom_engine') then
    v_actor := nullif(coalesce(nullif(current_setting('warroom.actor', true), ''),
                               current_setting('warroom.person', true)), '')::uuid;
    v_kind := coalesce(nullif(current_setting('warroom.actor_kind', true), ''), 'unknown');
    v_behalf := nullif(current_setting('warroom.on_behalf_of', true), '')::uuid;
    v_command := coalesce(nullif(current_setting('warroom.command', true), ''), 'unnamed');
    v_request := nullif(current_setting('warroom.request_id', true), '');
    v_origin := nullif(current_setting('warroom.origin', true), '');
  end if;
  -- Materialized, so that each row has one id, one number and one salt.
  with pair as materialized (
    select to_jsonb(o) - '{token_hash,secret}'::text[] as before,
           to_jsonb(f) - '{token_hash,secret}'::text[] as after
    from fresh f join gone o on o.id = f.id),
  e as materialized (
    select warroom.uuid7() as id, nextval('warroom.audit_n') as n, clock_timestamp() as moment,
      p.after as content, uuid_send(gen_random_uuid()) as salt,
      jsonb_build_object('before', (
        select coalesce(jsonb_object_agg(b.key, b.value), '{}') from jsonb_each(p.before) b
        where b.value is distinct from p.after -> b.key), 'after', p.after)::text as payload
    from pair p),
  h as materialized (
    select e.*, sha256(e.salt || convert_to(e.payload, 'UTF8')) as payload_hash from e),
  a as materialized (
    select row(h.id, h.n, pg_current_xact_id(), h.moment, v_actor, v_kind, v_behalf, v_command,
      v_request, v_origin, session_user, tg_table_name, tg_op, (h.content ->> 'id')::uuid, 1,
      coalesce(h.content ->> 'incident_id',
               case when tg_table_name = 'incident' then h.content ->> 'id' end)::uuid,
      h.content ->> 'unit', h.content ->> 'visibility', h.salt, h.payload, h.payload_hash,
      null)::warroom.audit as r
    from h)
  insert into warroom.audit
  select (a.r).id, (a.r).n, (a.r).xid, (a.r).recorded_at, (a.r).actor_id, (a.r).actor_kind,
    (a.r).on_behalf_of, (a.r).command, (a.r).request_id, (a.r).origin, (a.r).session_role,
    (a.r).table_name, (a.r).op, (a.r).row_id, (a.r).row_count, (a.r).incident_id, (a.r).unit,
    (a.r).visibility, (a.r).salt, (a.r).payload, (a.r).payload_hash,
    sha256(convert_to(warroom.audit_envelope(a.r), 'UTF8') || (a.r).payload_hash)
  from a;
  return null;
end $$;
revoke execute on function warroom.audit_changed() from public;

-- A storm's batch moves the counts of a hundred incidents with one statement.
drop trigger audit_row on warroom.incident;
create trigger audit_row after insert or delete on warroom.incident
  for each row execute function warroom.audit_row();
create trigger audit_changed after update on warroom.incident
  referencing old table as gone new table as fresh
  for each statement execute function warroom.audit_changed();
alter table warroom.incident enable always trigger audit_row, enable always trigger audit_changed;
