create or replace function warroom.health_activity(slow_ms integer) returns jsonb
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
