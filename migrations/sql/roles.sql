-- Cluster-wide roles.  Run by a superuser (or a role with CREATEROLE, BYPASSRLS and admin of
-- these roles) before the first migration; safe to run again.
do $$
declare
  r record;
begin
  perform pg_advisory_xact_lock(7741001);
  for r in select * from (values
    ('warroom_owner',   'nologin noinherit'),
    ('warroom_api',     'login nobypassrls'),
    ('warroom_engine',  'login nobypassrls'),
    ('warroom_reader',  'nologin'),
    ('warroom_analyst', 'nologin'),
    ('warroom_auditor', 'nologin'),
    ('warroom_minter',  'nologin createrole'),
    ('warroom_reaper',  'nologin'),
    ('warroom_search',  'nologin bypassrls'),
    ('warroom_stats',   'nologin')
  ) as t(name, options)
  loop
    if not exists (select from pg_catalog.pg_roles where rolname = r.name) then
      execute format('create role %I %s', r.name, r.options);
    end if;
  end loop;
end $$;

grant warroom_reader to warroom_minter with admin option;
grant warroom_auditor to warroom_minter with admin option;
grant pg_signal_backend to warroom_reaper;
grant pg_read_all_stats to warroom_stats;
