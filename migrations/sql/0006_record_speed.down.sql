-- Run as the administrator: some functions belong to a helper role.
drop function read_v1.audit_verify();
drop function warroom.same_row(jsonb, jsonb);
drop function warroom.same_digest(text, jsonb, text[]);
drop index warroom.audit_erased;
grant execute on function warroom.audit_envelope(warroom.audit) to public;
alter function warroom.audit_batch() reset bytea_output reset extra_float_digits
  reset standard_conforming_strings;
create or replace function warroom.audit_envelope(a warroom.audit) returns text
language sql stable parallel safe set search_path = pg_catalog set timezone = 'UTC'
set datestyle = 'ISO, YMD' as $$
  select format('%s|%s|%s|%s|%s|%s|%s|%L|%L|%L|%L|%L|%s|%s|%s|%s|%L|%L',
    (a).id, (a).n, (a).xid, (a).recorded_at, (a).actor_id, (a).actor_kind, (a).on_behalf_of,
    (a).command, (a).request_id, (a).origin, (a).session_role, (a).table_name, (a).op,
    (a).row_id, (a).row_count, (a).incident_id, '', '')
$$;
create or replace function warroom.audit_append(
  p_table text, p_op text, p_row uuid, p_count integer, p_incident uuid, p_unit text,
  p_visibility text, p_payload text) returns void
language plpgsql security definer set search_path = pg_catalog set timezone = 'UTC' as $$
declare
  a warroom.audit;
  ours boolean := session_user in ('warroom_api', 'warroom_engine');
begin
  a.id := warroom.uuid7();
  a.n := nextval('warroom.audit_n');
  a.xid := pg_current_xact_id();
  a.recorded_at := clock_timestamp();
  a.session_role := session_user;
  if ours then
    a.actor_id := nullif(coalesce(nullif(current_setting('warroom.actor', true), ''),
                                  current_setting('warroom.person', true)), '')::uuid;
    a.actor_kind := coalesce(nullif(current_setting('warroom.actor_kind', true), ''), 'unknown');
    a.on_behalf_of := nullif(current_setting('warroom.on_behalf_of', true), '')::uuid;
    a.command := coalesce(nullif(current_setting('warroom.command', true), ''), 'unnamed');
    a.request_id := nullif(current_setting('warroom.request_id', true), '');
    a.origin := nullif(current_setting('warroom.origin', true), '');
  else
    a.actor_kind := 'sql';
    a.command := 'direct sql';
    a.origin := coalesce(host(inet_client_addr()), 'local');
  end if;
  a.table_name := p_table;
  a.op := p_op;
  a.row_id := p_row;
  a.row_count := p_count;
  a.incident_id := p_incident;
  a.unit := p_unit;
  a.visibility := p_visibility;
  a.salt := uuid_send(gen_random_uuid());
  a.payload := p_payload;
  a.payload_hash := sha256(a.salt || convert_to(p_payload, 'UTF8'));
  a.hash := sha256(convert_to(warroom.audit_envelope(a), 'UTF8') || a.payload_hash);
  insert into warroom.audit select a.*;
end $$;
create or replace function warroom.audit_row() returns trigger
language plpgsql security definer set search_path = pg_catalog set timezone = 'UTC' as $$
declare
  before jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) - 'token_hash' - 'secret' end;
  after jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) - 'token_hash' - 'secret' end;
  seen jsonb := coalesce(after, before);
begin
  perform warroom.audit_append(
    tg_table_name, tg_op, (seen ->> 'id')::uuid, 1,
    coalesce(seen ->> 'incident_id',
             case when tg_table_name = 'incident' then seen ->> 'id' end)::uuid,
    seen ->> 'unit', seen ->> 'visibility',
    jsonb_build_object('before', before, 'after', after)::text);
  return null;
end $$;
create or replace function warroom.uuid7() returns uuid
language sql volatile parallel safe set search_path = pg_catalog as $$
  select encode(
    set_byte(
      set_byte(
        overlay(uuid_send(gen_random_uuid())
                placing substring(int8send((us / 1000)::bigint) from 3) from 1 for 6),
        6, (112 | (((us % 1000) * 4096 / 1000)::int >> 8))),
      7, (((us % 1000) * 4096 / 1000)::int & 255)), 'hex')::uuid
  from (select floor(extract(epoch from clock_timestamp()) * 1000000)::bigint as us) t
$$;
create function read_v1.audit_verify()
returns table (entries bigint, rows_checked bigint, problem text, table_name text, row_id text)
language plpgsql stable security definer set search_path = pg_catalog set timezone = 'UTC' as $$
declare
  t text;
begin
  select count(*) into entries from warroom.audit;
  rows_checked := 0;
  for problem, table_name, row_id in
    select case when sha256(a.salt || convert_to(a.payload, 'UTF8')) <> a.payload_hash
                then 'payload altered' else 'envelope altered' end, 'audit', a.id::text
    from warroom.audit a
    where (a.payload is not null
           and sha256(a.salt || convert_to(a.payload, 'UTF8')) <> a.payload_hash)
       or sha256(convert_to(warroom.audit_envelope(a), 'UTF8') || a.payload_hash) <> a.hash
    order by a.id limit 100
  loop
    return next;
  end loop;
  foreach t in array array['principal', 'team', 'team_member', 'escalation_policy',
    'escalation_step', 'service', 'dependency', 'source', 'source_identity', 'api_token',
    'field_definition', 'incident', 'incident_access', 'incident_service', 'role_held', 'timer',
    'channel']
  loop
    for problem, table_name, row_id in execute format($q$
      select 'row differs from its last audit entry', %L, r.id::text
      from warroom.%I r
      left join lateral (select (a.payload::jsonb -> 'after') as after from warroom.audit a
        where a.table_name = %L and a.row_id = r.id order by a.n desc limit 1) l on true
      where l.after is distinct from (to_jsonb(r) - 'token_hash' - 'secret')
      limit 100$q$, t, t, t)
    loop
      return next;
    end loop;
    -- A row that the trail says is there, and is not.
    for problem, table_name, row_id in execute format($q$
      select 'row is gone', %L, l.row_id::text
      from (select distinct on (a.row_id) a.row_id, a.op from warroom.audit a
            where a.table_name = %L and a.row_id is not null
            order by a.row_id, a.n desc) l
      where l.op <> 'DELETE' and not exists (select from warroom.%I r where r.id = l.row_id)
      limit 100$q$, t, t, t)
    loop
      return next;
    end loop;
    execute format('select $1 + count(*) from warroom.%I', t) into rows_checked
      using rows_checked;
  end loop;
  foreach t in array array['alert', 'outbox', 'timeline', 'alert_event', 'delivery'] loop
    for problem, table_name, row_id in execute format($q$
      with said as (
        select distinct on (i.id) i.id, i.digest
        from warroom.audit a,
          rows from (jsonb_array_elements_text(a.payload::jsonb -> 'ids'),
                     jsonb_array_elements_text(a.payload::jsonb -> 'digests')) as i(id, digest)
        where a.table_name = %L and a.row_id is null and a.payload is not null
        order by i.id, a.n desc)
      select case when s.id is null then 'row has no audit entry'
                  when r.id is null then 'row is gone'
                  else 'row differs from its last audit entry' end,
             %L, coalesce(r.id::text, s.id)
      from warroom.%I r full join said s on s.id = r.id::text
      where s.digest is distinct from case when r.id is null then null
                                           else warroom.row_digest(to_jsonb(r)) end
      limit 100$q$, t, t, t)
    loop
      return next;
    end loop;
    execute format('select $1 + count(*) from warroom.%I', t) into rows_checked
      using rows_checked;
  end loop;
  problem := null; table_name := null; row_id := null;
  return next;
end $$;
alter function read_v1.audit_verify() owner to warroom_search;
revoke execute on function read_v1.audit_verify() from public;
grant execute on function read_v1.audit_verify() to warroom_auditor, warroom_api;
