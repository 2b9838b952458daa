-- The record: history of every mutable row, audit of every change, and what may not be changed.

-- Canonical text of a row: made in UTC so that it does not depend on who looks.
create function warroom.row_digest(content jsonb) returns text
language sql immutable parallel safe set search_path = pg_catalog as $$
  select left(encode(sha256(convert_to((content - '{unit,visibility}'::text[])::text, 'UTF8')),
                     'hex'), 32)
$$;

-- Every free text is quoted (%L), so two different envelopes never have the same text.
create function warroom.audit_envelope(a warroom.audit) returns text
language sql stable parallel safe set search_path = pg_catalog set timezone = 'UTC'
set datestyle = 'ISO, YMD' as $$
  select format('%s|%s|%s|%s|%s|%s|%s|%L|%L|%L|%L|%L|%s|%s|%s|%s|%L|%L',
    (a).id, (a).n, (a).xid, (a).recorded_at, (a).actor_id, (a).actor_kind, (a).on_behalf_of,
    (a).command, (a).request_id, (a).origin, (a).session_role, (a).table_name, (a).op,
    (a).row_id, (a).row_count, (a).incident_id, '', '')
$$;

create function warroom.audit_append(
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
revoke execute on function warroom.audit_append(text, text, uuid, integer, uuid, text, text, text)
  from public;

create function warroom.audit_row() returns trigger
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

-- One audit row a statement: which rows, how many, and the digest of each.
create function warroom.audit_batch() returns trigger
language plpgsql security definer set search_path = pg_catalog set timezone = 'UTC' as $$
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

create function warroom.keep_history() returns trigger
language plpgsql security definer set search_path = pg_catalog set timezone = 'UTC' as $$
declare
  -- An older transaction may update later: its clock must not run backwards over the row.
  moment timestamptz := greatest(clock_timestamp(), old.sys_from + interval '1 microsecond');
  content jsonb := to_jsonb(old) - 'token_hash' - 'secret';
begin
  insert into warroom.history (table_name, row_id, valid, content, incident_id, unit, visibility)
  values (tg_table_name, old.id, tstzrange(old.sys_from, moment), content,
          coalesce(content ->> 'incident_id',
                   case when tg_table_name = 'incident' then content ->> 'id' end)::uuid,
          content ->> 'unit', content ->> 'visibility');
  if tg_op = 'DELETE' then
    return old;
  end if;
  new.sys_from := moment;
  return new;
end $$;

create function warroom.refuse_change() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  -- The one exception: who may see a row follows its incident.
  if tg_op = 'UPDATE' and tg_level = 'ROW' then
    if to_jsonb(new) - '{unit,visibility}'::text[] = to_jsonb(old) - '{unit,visibility}'::text[]
    then
      return new;
    end if;
  end if;
  raise exception '% on % is refused: the record is append-only', tg_op, tg_table_name
    using errcode = 'insufficient_privilege',
          hint = 'Add a correction instead; nothing was changed.';
end $$;

create function warroom.guard_partition(part text, stream text) returns void
language plpgsql set search_path = pg_catalog as $$
begin
  execute format('create trigger refuse_truncate before truncate on warroom_parts.%I '
                 'for each statement execute function warroom.refuse_change()', part);
  execute format('alter table warroom_parts.%I enable always trigger refuse_truncate', part);
  if stream in ('timeline', 'alert_event', 'delivery') then
    execute format('create trigger audit_insert after insert on warroom_parts.%I referencing '
                   'new table as fresh for each statement execute function '
                   'warroom.audit_batch()', part);
    execute format('alter table warroom_parts.%I enable always trigger audit_insert', part);
  end if;
end $$;
revoke execute on function warroom.guard_partition(text, text) from public;

-- Who may see a child row follows its incident, whenever that changes.
create function warroom.follow_incident() returns trigger
language plpgsql security definer set search_path = pg_catalog as $$
declare
  child text;
begin
  foreach child in array array['incident_service', 'role_held', 'alert', 'timer', 'outbox',
                               'alert_event', 'timeline', 'history', 'audit']
  loop
    execute format('update warroom.%I set unit = $1, visibility = $2 where incident_id = $3 '
                   'and (unit, visibility) is distinct from ($1, $2)', child)
      using new.unit, new.visibility, new.id;
  end loop;
  return null;
end $$;

do $$
declare
  t text;
begin
  foreach t in array array['principal', 'team', 'team_member', 'escalation_policy',
    'escalation_step', 'service', 'dependency', 'source', 'source_identity', 'api_token',
    'field_definition', 'incident', 'incident_access', 'incident_service', 'role_held', 'timer',
    'channel']
  loop
    execute format('create trigger keep_history before update or delete on warroom.%I '
                   'for each row execute function warroom.keep_history()', t);
    execute format('alter table warroom.%I enable always trigger keep_history', t);
    execute format('create trigger audit_row after insert or update or delete on warroom.%I '
                   'for each row execute function warroom.audit_row()', t);
    execute format('alter table warroom.%I enable always trigger audit_row', t);
    execute format('create trigger refuse_truncate before truncate on warroom.%I '
                   'for each statement execute function warroom.refuse_change()', t);
    execute format('alter table warroom.%I enable always trigger refuse_truncate', t);
  end loop;
  foreach t in array array['alert', 'outbox'] loop
    execute format('create trigger audit_insert after insert on warroom.%I referencing new table '
                   'as fresh for each statement execute function warroom.audit_batch()', t);
    execute format('create trigger audit_update after update on warroom.%I referencing new table '
                   'as fresh for each statement execute function warroom.audit_batch()', t);
    execute format('create trigger audit_delete after delete on warroom.%I referencing old table '
                   'as gone for each statement execute function warroom.audit_batch()', t);
    execute format('create trigger refuse_truncate before truncate on warroom.%I '
                   'for each statement execute function warroom.refuse_change()', t);
    execute format('alter table warroom.%I enable always trigger audit_insert', t);
    execute format('alter table warroom.%I enable always trigger audit_update', t);
    execute format('alter table warroom.%I enable always trigger audit_delete', t);
    execute format('alter table warroom.%I enable always trigger refuse_truncate', t);
  end loop;
  foreach t in array array['timeline', 'alert_event', 'delivery', 'audit', 'history',
                           'replication_sample'] loop
    execute format('create trigger refuse_truncate before truncate on warroom.%I '
                   'for each statement execute function warroom.refuse_change()', t);
    execute format('alter table warroom.%I enable always trigger refuse_truncate', t);
    continue when t = 'replication_sample';
    execute format('create trigger refuse_change before update or delete on warroom.%I '
                   'for each row execute function warroom.refuse_change()', t);
    execute format('alter table warroom.%I enable always trigger refuse_change', t);
    continue when t in ('audit', 'history');
    execute format('create trigger audit_insert after insert on warroom.%I referencing new table '
                   'as fresh for each statement execute function warroom.audit_batch()', t);
    execute format('alter table warroom.%I enable always trigger audit_insert', t);
  end loop;
end $$;

create trigger follow_incident after update of unit, visibility on warroom.incident
  for each row when ((old.unit, old.visibility) is distinct from (new.unit, new.visibility))
  execute function warroom.follow_incident();
alter table warroom.incident enable always trigger follow_incident;

select warroom.ensure_partitions(2);

-- The rows that the first migration itself wrote belong on the record too.
do $$
declare
  t text;
begin
  foreach t in array array['principal', 'team', 'escalation_policy', 'escalation_step', 'channel']
  loop
    execute format($f$
      select warroom.audit_append(%L, 'INSERT', r.id, 1, null, to_jsonb(r) ->> 'unit', null,
        jsonb_build_object('before', null, 'after', to_jsonb(r) - 'secret')::text)
      from warroom.%I r$f$, t, t);
  end loop;
end $$;
