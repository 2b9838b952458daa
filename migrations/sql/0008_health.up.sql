-- The database's health: what the engine samples every second, through definer functions of a
-- role in pg_read_all_stats; and the source and the service under which war room raises alerts
-- about itself.

-- The primary's position and every standby and slot that it knows; null on a standby.
create function warroom.health_nodes() returns jsonb
language sql volatile security definer set search_path = pg_catalog as $$
  select case when pg_is_in_recovery() then null else jsonb_build_object(
    'node', coalesce(nullif(current_setting('cluster_name'), ''), 'primary'),
    'lsn', pg_current_wal_lsn(),
    'wal_bytes', pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0'),
    'timeline', ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int,
    'standbys', (
      select coalesce(jsonb_agg(jsonb_build_object(
        'node', coalesce(nullif(r.application_name, ''), 'standby'), 'state', r.state,
        'sync', r.sync_state,
        'lag_bytes', greatest(pg_wal_lsn_diff(pg_current_wal_lsn(), r.replay_lsn), 0),
        'flush_lag_bytes', greatest(pg_wal_lsn_diff(pg_current_wal_lsn(), r.flush_lsn), 0),
        'replay_bytes', pg_wal_lsn_diff(r.replay_lsn, '0/0'),
        'replay_lag_s', extract(epoch from r.replay_lag)::float8,
        'silent_s', extract(epoch from clock_timestamp() - r.reply_time)::float8,
        'slot', s.slot_name) order by r.application_name, r.pid), '[]')
      from pg_stat_replication r left join pg_replication_slots s on s.active_pid = r.pid
      where r.application_name <> 'pg_basebackup' and r.state <> 'backup'),
    'slots', (
      select coalesce(jsonb_agg(jsonb_build_object(
        'slot', s.slot_name, 'active', s.active, 'wal_status', s.wal_status,
        'retained_bytes', greatest(pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn), 0),
        'safe_bytes', s.safe_wal_size, 'inactive_since', to_jsonb(s) ->> 'inactive_since')
        order by s.slot_name), '[]')
      from pg_replication_slots s where not s.temporary)) end
$$;

-- Connections by state, the longest transaction, and what runs for long just now.
create function warroom.health_activity(slow_ms integer) returns jsonb
language sql volatile security definer set search_path = pg_catalog as $$
  with a as materialized (
    select pid, state, xact_start, query_start, application_name, usename, query
    from pg_stat_activity where backend_type = 'client backend')
  select jsonb_build_object(
    'max', current_setting('max_connections')::int,
    'used', (select count(*) from a),
    'states', (select coalesce(jsonb_object_agg(s.state, s.n), '{}') from (
      select coalesce(state, 'unknown') as state, count(*) as n from a group by 1) s),
    'longest', (select to_jsonb(l) from (
      select extract(epoch from clock_timestamp() - xact_start)::float8 as seconds, pid, state,
        application_name as application, usename as role
      from a where xact_start is not null and pid <> pg_backend_pid()
      order by xact_start limit 1) l),
    'slow_now', (select coalesce(jsonb_agg(to_jsonb(l)), '[]') from (
      select (extract(epoch from clock_timestamp() - query_start) * 1000)::int as ms,
        application_name as application, left(query, 200) as query
      from a where state = 'active' and pid <> pg_backend_pid()
        and query_start < clock_timestamp() - make_interval(secs => slow_ms / 1000.0)
      order by query_start limit 5) l))
$$;

-- Size, dead rows, vacuum; and slow statements where pg_stat_statements is installed.  Costs
-- some milliseconds: asked for twice a minute.
create function warroom.health_storage(slow_ms integer) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog as $$
declare
  found jsonb;
  place text;
  statements jsonb;
begin
  select jsonb_build_object(
    'size', pg_database_size(current_database()),
    'tables', coalesce((select jsonb_agg(to_jsonb(t)) from (
      select s.schemaname || '.' || s.relname as name, s.n_dead_tup as dead, s.n_live_tup as live,
        extract(epoch from clock_timestamp()
                - greatest(s.last_vacuum, s.last_autovacuum))::float8 as vacuum_age_s
      from pg_stat_user_tables s where s.n_dead_tup > 0
      order by s.n_dead_tup desc limit 5) t), '[]'))
    into found;
  select n.nspname into place from pg_extension e join pg_namespace n on n.oid = e.extnamespace
    where e.extname = 'pg_stat_statements';
  if place is null then
    return found || '{"statements": null, "statements_why":
      "pg_stat_statements is not installed: add it to shared_preload_libraries, restart, and CREATE EXTENSION pg_stat_statements"}';
  end if;
  begin
    execute format('select coalesce(jsonb_agg(to_jsonb(s)), ''[]'') from (
      select left(query, 200) as query, calls, mean_exec_time as mean_ms, max_exec_time as max_ms
      from %I.pg_stat_statements where mean_exec_time > $1
      order by mean_exec_time desc limit 5) s', place) into statements using slow_ms;
  exception when others then
    return found || jsonb_build_object('statements', null, 'statements_why',
      'pg_stat_statements does not answer (' || sqlerrm || '): add it to shared_preload_libraries and grant warroom_stats USAGE on its schema');
  end;
  return found || jsonb_build_object('statements', statements);
end $$;

revoke execute on function warroom.health_nodes(), warroom.health_activity(integer),
  warroom.health_storage(integer) from public;
grant execute on function warroom.health_nodes(), warroom.health_activity(integer),
  warroom.health_storage(integer) to warroom_engine;

-- War room's own alerts go the way of all others, taken by the engine.
grant select, insert, update on warroom.alert, warroom.incident to warroom_engine;
grant select, insert on warroom.incident_service to warroom_engine;
grant usage on sequence warroom.incident_number to warroom_engine;
grant update (last_seen_at) on warroom.source to warroom_engine;
grant update (health) on warroom.service to warroom_engine;  -- the right to lock a service

insert into warroom.principal (id, name, kind, units) values
  ('00000000-0000-7000-8000-000000000004', 'war room', 'service', '{main}')
  on conflict do nothing;
insert into warroom.source (key, name, dialect, principal_id, team_id)
  select 'war-room', 'War room itself', 'internal', '00000000-0000-7000-8000-000000000004', t.id
  from warroom.team t where t.key = 'unassigned' on conflict do nothing;
insert into warroom.service (key, name, kind, tier, team_id, policy_id)
  select 'war-room-database', 'War room''s own database', 'datastore', 2, t.id, p.id
  from warroom.team t, warroom.escalation_policy p
  where t.key = 'unassigned' and p.key = 'default' on conflict do nothing;
