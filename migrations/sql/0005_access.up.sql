-- Who may see and do what: row-level security, grants, masked views, definer functions.
do $$
declare
  t text;
  incident_col text;
  seen text := $p$(select warroom.viewer_all())
    or (unit = any ((select warroom.viewer_units())::text[])
        and (visibility = 'normal'
             or (visibility = 'security' and (select warroom.viewer_security()))
             or %s = any ((select warroom.viewer_named())::uuid[])))$p$;
begin
  -- Rows that have a unit and a visibility.
  foreach t in array array['incident', 'incident_service', 'role_held', 'alert', 'timer',
                           'outbox', 'timeline', 'alert_event', 'delivery'] loop
    incident_col := case t when 'incident' then 'id' when 'delivery' then 'null::uuid'
                           else 'incident_id' end;
    execute format('alter table warroom.%I enable row level security', t);
    execute format('alter table warroom.%I force row level security', t);
    execute format('create policy seen on warroom.%I using (' || seen || ')', t, incident_col);
  end loop;
  -- The directory: anybody who is somebody.
  foreach t in array array['principal', 'team', 'team_member', 'escalation_policy',
    'escalation_step', 'dependency', 'source', 'source_identity', 'field_definition', 'channel',
    'incident_access', 'lease', 'replication_sample'] loop
    execute format('alter table warroom.%I enable row level security', t);
    execute format('alter table warroom.%I force row level security', t);
    execute format('create policy somebody on warroom.%I using ((select warroom.viewer_all()) '
                   'or (select warroom.viewer_id()) is not null)', t);
  end loop;
  alter table warroom.service enable row level security;
  alter table warroom.service force row level security;
  create policy seen on warroom.service using ((select warroom.viewer_all())
    or unit = any ((select warroom.viewer_units())::text[]));
  alter table warroom.api_token enable row level security;
  alter table warroom.api_token force row level security;
  create policy seen on warroom.api_token using ((select warroom.viewer_id()) is not null
    or (select warroom.viewer_all()));
  alter table warroom.idempotency enable row level security;
  alter table warroom.idempotency force row level security;
  create policy own on warroom.idempotency using ((select warroom.viewer_all())
    or principal_id = (select warroom.viewer_id()));
  -- The record: written by triggers only, read by its owner and through definer functions.
  foreach t in array array['audit', 'history'] loop
    execute format('alter table warroom.%I enable row level security', t);
    execute format('alter table warroom.%I force row level security', t);
    execute format('create policy appended on warroom.%I for insert with check (true)', t);
    execute format('create policy seen on warroom.%I for select using '
                   '((select warroom.viewer_all()))', t);
    -- Only the owner's trigger function that lets visibility follow the incident has the grant.
    execute format('create policy follow on warroom.%I for update using '
                   '(current_user = ''warroom_owner'')', t);
    -- Without it the owner's DELETE would silently touch nothing; so the trigger refuses aloud.
    execute format('create policy refuse on warroom.%I for delete using '
                   '(current_user = ''warroom_owner'')', t);
  end loop;
end $$;

grant usage on schema warroom to warroom_api, warroom_engine, warroom_minter, warroom_search,
  warroom_reaper, warroom_stats;
grant usage on schema read_v1 to warroom_reader, warroom_api, warroom_auditor, warroom_search;
grant usage on schema stats_v1 to warroom_analyst, warroom_reader;
grant select, insert, update on warroom.principal, warroom.team, warroom.team_member,
  warroom.escalation_policy, warroom.escalation_step, warroom.service, warroom.dependency,
  warroom.source, warroom.source_identity, warroom.api_token, warroom.field_definition,
  warroom.channel, warroom.incident, warroom.incident_access, warroom.incident_service,
  warroom.role_held, warroom.alert, warroom.timer to warroom_api;
grant select, insert on warroom.timeline, warroom.alert_event, warroom.delivery, warroom.outbox
  to warroom_api, warroom_engine;
grant select, insert, update, delete on warroom.idempotency to warroom_api, warroom_engine;
grant delete on warroom.team_member, warroom.incident_access to warroom_api;
grant select on warroom.principal, warroom.team, warroom.team_member, warroom.escalation_policy,
  warroom.escalation_step, warroom.service, warroom.dependency, warroom.source, warroom.channel,
  warroom.incident_service, warroom.role_held to warroom_engine;
grant select, update on warroom.incident, warroom.alert, warroom.outbox to warroom_engine;
grant select, insert, update on warroom.timer, warroom.lease to warroom_engine;
grant select on warroom.lease to warroom_api;
grant select, insert on warroom.replication_sample to warroom_engine;
grant usage on sequence warroom.incident_number to warroom_api;
grant select (id, db_role, disabled_at, auditor) on warroom.principal to warroom_minter;
grant select on all tables in schema warroom to warroom_search;

-- What a reader sees.  Plain views without WHERE, owned by warroom_owner: row-level security
-- asks session_user, so it holds through them; CASE masks what is personal.
create view read_v1.incident as
  select i.id, i.number, i.title, i.summary, i.severity, i.status, i.version, i.unit,
    i.visibility, i.classification, i.region, i.legal_hold, i.drill, i.opened_at, i.opened_by,
    i.acknowledged_at, i.acknowledged_by, i.resolved_at, i.resolved_by, i.ended_at, i.updated_at,
    i.last_activity_at, i.owner_id, i.policy_id, i.alert_count, i.firing_count, i.custom,
    i.sys_from
  from warroom.incident i;
create view read_v1.person as
  select p.id, p.name, p.kind, p.time_zone,
    case when p.id = (select warroom.viewer_id()) then p.email end as email,
    case when p.id = (select warroom.viewer_id()) then p.phone end as phone,
    p.disabled_at, p.sys_from
  from warroom.principal p;
create view read_v1.team as
  select t.id, t.key, t.name, t.unit, t.sys_from from warroom.team t;
create view read_v1.team_member as
  select m.id, m.team_id, m.principal_id, m.sys_from from warroom.team_member m;
create view read_v1.service as
  select s.id, s.key, s.name, s.kind, s.tier, s.team_id, s.policy_id, s.region, s.unit,
    s.customers, s.user_share, s.health, s.provisional, s.runbook_url, s.sys_from
  from warroom.service s;
create view read_v1.dependency as
  select d.id, d.service_id, d.depends_on_id, d.hardness, d.redundancy_group,
    d.redundancy_needed, d.origin, d.sys_from
  from warroom.dependency d;
create view read_v1.incident_service as
  select l.id, l.incident_id, l.service_id, l.state, l.attached_at, l.sys_from
  from warroom.incident_service l;
create view read_v1.role_held as
  select r.id, r.incident_id, r.role, r.principal_id, r.taken_at, r.released_at, r.sys_from
  from warroom.role_held r;
create view read_v1.timer as
  select t.id, t.kind, t.incident_id, t.step, t.cycle, t.due_at, t.target, t.state, t.reason,
    t.fired_at, t.sys_from
  from warroom.timer t;
create view read_v1.alert as
  select a.id, a.source_id, a.fingerprint, a.name, a.summary, a.description, a.severity,
    a.state, a.service_id, a.incident_id, a.labels, a.annotations, a.generator_url, a.decision,
    a.starts_at, a.ends_at, a.first_seen_at, a.last_seen_at, a.count, a.drill
  from warroom.alert a;
create view read_v1.alert_event as
  select e.id, e.alert_id, e.incident_id, e.change, e.severity, e.starts_at, e.ends_at,
    e.recorded_at
  from warroom.alert_event e;
create view read_v1.source as
  select s.id, s.key, s.name, s.dialect, s.team_id, s.paused_at, s.last_seen_at
  from warroom.source s;
create view read_v1.timeline as
  select t.id, t.incident_id, t.kind, t.body, t.happened_at, t.recorded_at, t.author_id,
    t.author_kind, t.source, t.confidence, t.corrects, t.drill
  from warroom.timeline t;
create view read_v1.lease as
  select l.name, l.holder, l.until, l.ran_at, l.sentence from warroom.lease l;
create view read_v1.replication_sample as
  select r.id, r.sampled_at, r.node, r.role, r.state, r.sync_state, r.timeline_id, r.lag_bytes,
    r.lag_s, r.slot, r.retained_wal_bytes, r.detail
  from warroom.replication_sample r;
grant select on all tables in schema read_v1 to warroom_reader, warroom_api;

create view stats_v1.incidents_by_day as
  select date_trunc('day', i.opened_at) as day, i.severity, i.drill, count(*) as opened,
    count(i.acknowledged_at) as acknowledged, count(i.resolved_at) as resolved,
    avg(extract(epoch from i.acknowledged_at - i.opened_at)) as mean_time_to_acknowledge_s,
    avg(extract(epoch from i.resolved_at - i.opened_at)) as mean_time_to_resolve_s
  from warroom.incident i group by 1, 2, 3;
grant select on all tables in schema stats_v1 to warroom_analyst;

-- The same columns as of a moment: current rows that began before it, and kept OLD rows.  Owned
-- by warroom_search (the range operator is not leakproof, so row-level security would lose the
-- index); the policy's predicate is therefore repeated here.
do $$
declare
  t record;
  cols text;
  pred text;
begin
  for t in select * from (values
    ('incident', 'incident', 'i.id'), ('incident_service', 'incident_service', 'i.incident_id'),
    ('role_held', 'role_held', 'i.incident_id'), ('timer', 'timer', 'i.incident_id'),
    ('principal', 'person', null), ('service', 'service', null), ('team', 'team', null))
    as v(tbl, view_name, incident_col)
  loop
    select string_agg(case when a.attname in ('email', 'phone')
                        then format('case when i.id = (select warroom.viewer_id()) then i.%I end',
                                    a.attname)
                        else format('i.%I', a.attname) end, ', ' order by a.attnum)
      into cols
      from pg_attribute a
      where a.attrelid = ('read_v1.' || t.view_name)::regclass and a.attnum > 0;
    pred := case
      when t.incident_col is not null then format($p$(select warroom.viewer_all())
        or (i.unit = any ((select warroom.viewer_units())::text[])
            and (i.visibility = 'normal'
                 or (i.visibility = 'security' and (select warroom.viewer_security()))
                 or %s = any ((select warroom.viewer_named())::uuid[])))$p$, t.incident_col)
      when t.tbl = 'service' then $p$(select warroom.viewer_all())
        or i.unit = any ((select warroom.viewer_units())::text[])$p$
      else $p$(select warroom.viewer_all()) or (select warroom.viewer_id()) is not null$p$
    end;
    execute format($f$
      create function read_v1.%I(moment timestamptz) returns setof read_v1.%I
      language sql stable security definer set search_path = pg_catalog as $body$
        select %s from (
          select c.* from warroom.%I c where c.sys_from <= moment
          union all
          select r.* from warroom.history h,
            jsonb_populate_record(null::warroom.%I, h.content || jsonb_strip_nulls(
              jsonb_build_object('unit', h.unit, 'visibility', h.visibility))) r
          where h.table_name = %L and h.valid @> moment
        ) i where %s
      $body$ $f$, t.view_name || '_at', t.view_name, cols, t.tbl, t.tbl, t.tbl, pred);
    execute format('revoke execute on function read_v1.%I(timestamptz) from public',
                   t.view_name || '_at');
    execute format('grant execute on function read_v1.%I(timestamptz) to warroom_reader, '
                   'warroom_api', t.view_name || '_at');
  end loop;
end $$;

-- The audit trail, for auditors: everything but the salt, within what the auditor may see.
create function read_v1.audit_entries(since uuid default null, max_rows integer default 1000)
returns table (id uuid, n bigint, xid xid8, recorded_at timestamptz, actor_id uuid,
  actor_kind text, on_behalf_of uuid, command text, request_id text, origin text,
  session_role text, table_name text, op text, row_id uuid, row_count integer,
  incident_id uuid, payload text)
language sql stable security definer set search_path = pg_catalog as $$
  select a.id, a.n, a.xid, a.recorded_at, a.actor_id, a.actor_kind, a.on_behalf_of, a.command,
    a.request_id, a.origin, a.session_role, a.table_name, a.op, a.row_id, a.row_count,
    a.incident_id, a.payload
  from warroom.audit a
  where a.xid < pg_snapshot_xmin(pg_current_snapshot())
    and (since is null or a.id > since)
    and ((select warroom.viewer_all()) or (
      (select p.auditor from warroom.principal p where p.id = (select warroom.viewer_id()))
      and (a.unit is null or a.unit = any ((select warroom.viewer_units())::text[]))
      and (a.visibility is null or a.visibility = 'normal'
           or (a.visibility = 'security' and (select warroom.viewer_security()))
           or a.incident_id = any ((select warroom.viewer_named())::uuid[]))))
  order by a.id limit least(max_rows, 10000)
$$;
revoke execute on function read_v1.audit_entries(uuid, integer) from public;
grant execute on function read_v1.audit_entries(uuid, integer) to warroom_auditor, warroom_api;

-- verified = every stored hash recomputes, and every row is what its last audit row says.
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
revoke execute on function read_v1.audit_verify() from public;
grant execute on function read_v1.audit_verify() to warroom_auditor, warroom_api;

-- Personal logins: a SCRAM verifier goes in, never a password; twelve hours at the most.
create function warroom.mint_login(verifier text, hours numeric default 12)
returns table (role_name name, valid_until timestamptz)
language plpgsql security definer set search_path = pg_catalog as $$
declare
  who record;
begin
  if verifier !~ '^SCRAM-SHA-256\$[0-9]{4,7}:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+$' then
    raise exception 'not a SCRAM-SHA-256 verifier' using errcode = 'invalid_parameter_value';
  end if;
  select p.id, p.db_role, p.auditor into who from warroom.principal p
    where p.id = warroom.viewer_id();
  if who.db_role is null or who.db_role !~ '^wr_[a-z0-9_]{1,59}$' then
    raise exception 'this principal has no personal database role'
      using errcode = 'insufficient_privilege';
  end if;
  role_name := who.db_role;
  valid_until := now() + make_interval(secs => least(greatest(hours, 0.01), 12) * 3600);
  -- Two mints for one person at once would collide on the catalogue row.
  perform pg_advisory_xact_lock(7741003, hashtext(who.db_role));
  if not exists (select from pg_roles where rolname = who.db_role) then
    execute format('create role %I nosuperuser nocreatedb nocreaterole noreplication '
                   'nobypassrls in role warroom_reader', who.db_role);
    if who.auditor then
      execute format('grant warroom_auditor to %I', who.db_role);
    end if;
  end if;
  execute format('alter role %I login password %L valid until %L connection limit 20',
                 who.db_role, verifier, valid_until);
  return next;
end $$;
revoke execute on function warroom.mint_login(text, numeric) from public;
grant execute on function warroom.mint_login(text, numeric) to warroom_api;

-- VALID UNTIL does not end a session: this does.
create function warroom.reap_logins() returns integer
language sql volatile security definer set search_path = pg_catalog as $$
  select count(pg_terminate_backend(s.pid))::integer
  from pg_stat_activity s join pg_roles r on r.oid = s.usesysid
  where r.rolname like 'wr\_%' and r.rolvaliduntil < now() and s.pid <> pg_backend_pid()
$$;
revoke execute on function warroom.reap_logins() from public;
grant execute on function warroom.reap_logins() to warroom_engine;

revoke execute on function warroom.row_digest(jsonb), warroom.keep_history(),
  warroom.audit_row(), warroom.audit_batch(), warroom.follow_incident() from public;
grant execute on function warroom.row_digest(jsonb), warroom.audit_envelope(warroom.audit)
  to warroom_search;
