alter function warroom.viewer_id() owner to warroom_owner;
alter function warroom.viewer_units() owner to warroom_owner;
alter function warroom.viewer_security() owner to warroom_owner;
alter function warroom.viewer_all() owner to warroom_owner;
alter function warroom.viewer_named() owner to warroom_owner;
alter function warroom.authenticate(bytea) owner to warroom_owner;
do $$
declare
  r record;
begin
  for r in select p.oid::regprocedure as f from pg_proc p join pg_namespace n
           on n.oid = p.pronamespace where n.nspname in ('read_v1', 'stats_v1')
  loop
    execute format('drop function %s cascade', r.f);
  end loop;
  for r in select c.oid::regclass as v from pg_class c join pg_namespace n
           on n.oid = c.relnamespace where n.nspname in ('read_v1', 'stats_v1')
             and c.relkind = 'v'
  loop
    execute format('drop view %s cascade', r.v);
  end loop;
  for r in select p.polname, c.oid::regclass as rel from pg_policy p
           join pg_class c on c.oid = p.polrelid
  loop
    execute format('drop policy %I on %s', r.polname, r.rel);
  end loop;
  for r in select c.oid::regclass as rel from pg_class c join pg_namespace n
           on n.oid = c.relnamespace where n.nspname = 'warroom' and c.relkind in ('r', 'p')
             and c.relrowsecurity
  loop
    execute format('alter table %s no force row level security', r.rel);
    execute format('alter table %s disable row level security', r.rel);
  end loop;
end $$;
drop function warroom.mint_login(text, numeric);
drop function warroom.reap_logins();
revoke all on all tables in schema warroom from warroom_api, warroom_engine, warroom_search,
  warroom_minter;
revoke all on all sequences in schema warroom from warroom_api, warroom_engine;
revoke usage on schema warroom from warroom_api, warroom_engine, warroom_minter, warroom_search,
  warroom_reaper, warroom_stats;
