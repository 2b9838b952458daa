-- The record, faster and ready for columns and tables that come later.  What is written and what
-- is proven stay the same; every SET of a function costs on each call, so the functions that run
-- once a row have one frame between them.

-- Called by audit_append and audit_verify, and by nobody else: they set time zone and date style,
-- and without those the text would be another.  It has no settings of its own, so that PostgreSQL
-- puts it in line.  Every free text is quoted (%L), so two different envelopes never have the same
-- text.
create or replace function warroom.audit_envelope(a warroom.audit) returns text
language sql stable parallel safe as $$
  select format('%s|%s|%s|%s|%s|%s|%s|%L|%L|%L|%L|%L|%s|%s|%s|%s|%L|%L',
    (a).id, (a).n, (a).xid, (a).recorded_at, (a).actor_id, (a).actor_kind, (a).on_behalf_of,
    (a).command, (a).request_id, (a).origin, (a).session_role, (a).table_name, (a).op,
    (a).row_id, (a).row_count, (a).incident_id, '', '')
$$;
revoke execute on function warroom.audit_envelope(warroom.audit) from public;

create or replace function warroom.audit_append(
  p_table text, p_op text, p_row uuid, p_count integer, p_incident uuid, p_unit text,
  p_visibility text, p_payload text) returns void
language plpgsql security definer set search_path = pg_catalog set timezone = 'UTC'
set datestyle = 'ISO, YMD' as $$
declare
  a warroom.audit;
begin
  a.id := warroom.uuid7();
  a.n := nextval('warroom.audit_n');
  a.xid := pg_current_xact_id();
  a.recorded_at := clock_timestamp();
  a.session_role := session_user;
  if session_user in ('warroom_api', 'warroom_engine') then
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
  insert into warroom.audit values (a.*);
end $$;

-- The identifier without a frame of its own settings: the function is called for every row.
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

-- "before" holds the columns that changed: all of the old row is "after" overlaid with it.  A
-- row's text is hashed, stored and verified once instead of twice.
create or replace function warroom.audit_row() returns trigger
language plpgsql security definer set search_path = pg_catalog set timezone = 'UTC' as $$
declare
  before jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) - '{token_hash,secret}'::text[] end;
  after jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) - '{token_hash,secret}'::text[] end;
  seen jsonb := coalesce(after, before);
begin
  if tg_op = 'UPDATE' then
    select coalesce(jsonb_object_agg(e.key, e.value), '{}') into before
      from jsonb_each(before) e where e.value is distinct from after -> e.key;
  end if;
  perform warroom.audit_append(
    tg_table_name, tg_op, (seen ->> 'id')::uuid, 1,
    coalesce(seen ->> 'incident_id',
             case when tg_table_name = 'incident' then seen ->> 'id' end)::uuid,
    seen ->> 'unit', seen ->> 'visibility',
    jsonb_build_object('before', before, 'after', after)::text);
  return null;
end $$;

-- A digest is made of text, and these settings of a session change how bytes and reals are written
-- and how a backslash is read.  Rows that are recorded one by one have neither bytes nor reals.
alter function warroom.audit_batch() set bytea_output = 'hex' set extra_float_digits = 1
  set standard_conforming_strings = on;

-- Whether a row is what its last audit entry says.  Columns that were added after that entry are
-- nullable and without a default, so they are null as long as nobody has changed the row.
create function warroom.same_row(said jsonb, found jsonb) returns boolean
language sql immutable parallel safe as $$
  select said is not distinct from found
    or said is not distinct from found - array(
      select f.key from jsonb_each(found) f where f.value = 'null' and not said ? f.key)
$$;
revoke execute on function warroom.same_row(jsonb, jsonb) from public;

-- The same for a digest, which cannot be asked for its columns: those that are null at the end of
-- the row may have come later.  newest_first: the table's columns, the last one first.
create function warroom.same_digest(said text, content jsonb, newest_first text[]) returns boolean
language plpgsql immutable parallel safe set search_path = pg_catalog as $$
declare
  c text;
begin
  foreach c in array newest_first loop
    if said = warroom.row_digest(content) then
      return true;
    end if;
    exit when content -> c is distinct from 'null'::jsonb;
    content := content - c;
  end loop;
  return false;
end $$;
revoke execute on function warroom.same_digest(text, jsonb, text[]) from public;

-- What was erased by law: few, and asked for at each verification.
create index audit_erased on warroom.audit (table_name) where payload is null;

-- verified = every stored hash recomputes, and every row is what its last audit row says.  Which
-- tables are recorded row by row or by statement is asked of their triggers.
--
-- A payload may be erased by law: payload null, every byte of the salt zero.  Its entry still
-- stands, and what cannot be held against it any more is no problem but a note.  An erased entry
-- of a statement no longer says of which rows it spoke, only of how many, when, what it did, and
-- of which incident if it was one: it speaks for no more rows than that.
--
-- The last row is the summary: entries, rows_checked, erased.
create function read_v1.audit_verify()
returns table (entries bigint, rows_checked bigint, problem text, table_name text, row_id text,
  note text, erased bigint)
language plpgsql stable security definer set search_path = pg_catalog set timezone = 'UTC'
set datestyle = 'ISO, YMD' set bytea_output = 'hex' set extra_float_digits = 1
set standard_conforming_strings = on as $$
declare
  t text;
  newest_first text[];
  entries_seen bigint;
  erased_seen bigint;
  rows_seen bigint := 0;
  more bigint;
begin
  select count(*) into entries_seen from warroom.audit;
  select count(*) into erased_seen from warroom.audit a
    where a.payload is null and bit_count(a.salt) = 0;
  -- RETURN QUERY, unlike a loop, may use several processes.
  return query
    select null::bigint, null::bigint,
      case when a.payload is null and bit_count(a.salt) > 0 then 'payload removed, salt kept'
           when sha256(a.salt || convert_to(a.payload, 'UTF8')) <> a.payload_hash
           then 'payload altered' else 'envelope altered' end, 'audit', a.id::text,
      null::text, null::bigint
    from warroom.audit a
    where sha256(convert_to(warroom.audit_envelope(a), 'UTF8') || a.payload_hash) <> a.hash
       or (a.payload is not null
           and sha256(a.salt || convert_to(a.payload, 'UTF8')) <> a.payload_hash)
       or (a.payload is null and bit_count(a.salt) > 0)
    order by a.id limit 100;
  return query
    select null::bigint, null::bigint, null::text, 'audit', a.id::text,
      'payload erased', null::bigint
    from warroom.audit a where a.payload is null and bit_count(a.salt) = 0
    order by a.id limit 100;
  for t in
    select c.relname from pg_trigger g join pg_class c on c.oid = g.tgrelid
    where g.tgname = 'audit_row' and c.relnamespace = 'warroom'::regnamespace order by 1
  loop
    return query execute format($q$
      select null::bigint, null::bigint,
        case when l.erased then null else 'row differs from its last audit entry' end,
        %L, r.id::text, case when l.erased then 'its last audit entry is erased' end, null::bigint
      from warroom.%I r
      left join lateral (
        select a.payload::jsonb -> 'after' as after, a.payload is null and a.op <> 'DELETE' as erased
        from warroom.audit a
        where a.table_name = %L and a.row_id = r.id order by a.n desc limit 1) l on true
      where l.after is null
         or not warroom.same_row(l.after, to_jsonb(r) - '{token_hash,secret}'::text[])
      order by 3 nulls last limit 100$q$, t, t, t);
    -- A row that the trail says is there, and is not.
    return query execute format($q$
      select null::bigint, null::bigint, 'row is gone', %L, l.row_id::text, null::text,
        null::bigint
      from (select distinct a.row_id from warroom.audit a
            where a.table_name = %L and a.row_id is not null
              and not exists (select from warroom.%I r where r.id = a.row_id)) l
      where (select a.op from warroom.audit a where a.table_name = %L and a.row_id = l.row_id
             order by a.n desc limit 1) <> 'DELETE'
      limit 100$q$, t, t, t, t);
    execute format('select count(*) from warroom.%I', t) into more;
    rows_seen := rows_seen + more;
  end loop;
  for t in
    select c.relname from pg_trigger g join pg_class c on c.oid = g.tgrelid
    where g.tgname = 'audit_insert' and c.relnamespace = 'warroom'::regnamespace order by 1
  loop
    select array_agg(a.attname::text order by a.attnum desc) into newest_first
      from pg_attribute a join pg_class c on c.oid = a.attrelid
      where c.relnamespace = 'warroom'::regnamespace and c.relname = t
        and a.attnum > 0 and not a.attisdropped;
    return query execute format($q$
      with said as (
        select distinct on (i.id) i.id, i.digest, a.n
        from warroom.audit a,
          rows from (jsonb_array_elements_text(a.payload::jsonb -> 'ids'),
                     jsonb_array_elements_text(a.payload::jsonb -> 'digests')) as i(id, digest)
        where a.table_name = %L and a.row_id is null and a.payload is not null
        order by i.id, a.n desc),
      erased as (
        select a.n, a.op, a.incident_id::text as incident_id, a.row_count from warroom.audit a
        where a.table_name = %L and a.row_id is null and a.payload is null),
      wrong as (
        select coalesce(r.id::text, s.id) as id, s.n, o.op, o.incident_id,
          case when s.id is null then 'row has no audit entry'
               when r.id is null then 'row is gone'
               else 'row differs from its last audit entry' end as problem
        from warroom.%I r full join said s on s.id = r.id::text
        cross join lateral (
          select to_jsonb(r) ->> 'incident_id' as incident_id, case when r.id is null
            then 'DELETE' when s.id is null then 'INSERT' else 'UPDATE' end as op) o
        where case when r.id is null then s.digest is not null
                   when s.digest = warroom.row_digest(to_jsonb(r)) then false
                   else s.digest is null
                        or not warroom.same_digest(s.digest, to_jsonb(r), $1) end),
      judged as (
        select w.*, exists (
          select from erased e where e.op = w.op and e.n > coalesce(w.n, 0)
            and (e.incident_id = w.incident_id) is not false) as spoken_for
        from wrong w),
      counted as (
        select j.*, spoken_for and count(*) filter (where spoken_for) over (partition by j.op)
          <= (select sum(e.row_count) from erased e where e.op = j.op) as excused
        from judged j)
      select null::bigint, null::bigint, case when not c.excused then c.problem end, %L, c.id,
        case when c.excused then 'its last audit entry is erased' end, null::bigint
      from counted c order by 3 nulls last limit 100$q$, t, t, t, t) using newest_first;
    execute format('select count(*) from warroom.%I', t) into more;
    rows_seen := rows_seen + more;
  end loop;
  return query
    select entries_seen, rows_seen, null::text, null::text, null::text, null::text, erased_seen;
end $$;
revoke execute on function read_v1.audit_verify() from public;
grant execute on function read_v1.audit_verify() to warroom_auditor, warroom_api;
grant execute on function warroom.same_row(jsonb, jsonb),
  warroom.same_digest(text, jsonb, text[]) to warroom_search;
