-- Run as the administrator: some functions belong to a helper role.
drop function read_v1.service_at(timestamptz);
drop function warroom.services_in_use(uuid[]);
drop view read_v1.service;
drop view read_v1.dependency;
drop table warroom.catalog_proposal;
drop table warroom.catalog_import;
revoke delete on warroom.service, warroom.dependency from warroom_api, warroom_engine;
do $$
declare
  t text;
begin
  foreach t in array array['service', 'dependency'] loop
    execute format('drop trigger audit_added on warroom.%I', t);
    execute format('drop trigger audit_row on warroom.%I', t);
    execute format('create trigger audit_row after insert or update or delete on warroom.%I '
                   'for each row execute function warroom.audit_row()', t);
    execute format('alter table warroom.%I enable always trigger audit_row', t);
  end loop;
end $$;
drop function warroom.audit_added();
-- Edges that were only seen were no edges before.
delete from warroom.dependency
  where origin = 'observed' and (rejected_at is not null or catalog_source is not null);
update warroom.service set kind = 'system' where kind in ('region', 'zone');
alter table warroom.dependency
  drop column sync, drop column confirmed_by, drop column confirmed_at,
  drop column rejected_at, drop column catalog_source;
alter table warroom.service
  drop constraint service_kind_check,
  add constraint service_kind_check check (kind in ('service', 'datastore', 'queue', 'system',
    'job', 'network', 'third_party')),
  drop column zone, drop column host, drop column provider, drop column slo,
  drop column dashboard_url, drop column links, drop column system, drop column expires_at,
  drop column catalog_source;
create view read_v1.service as
  select s.id, s.key, s.name, s.kind, s.tier, s.team_id, s.policy_id, s.region, s.unit,
    s.customers, s.user_share, s.health, s.provisional, s.runbook_url, s.sys_from
  from warroom.service s;
create view read_v1.dependency as
  select d.id, d.service_id, d.depends_on_id, d.hardness, d.redundancy_group,
    d.redundancy_needed, d.origin, d.sys_from
  from warroom.dependency d;
alter view read_v1.service owner to warroom_owner;
alter view read_v1.dependency owner to warroom_owner;
grant select on read_v1.service, read_v1.dependency to warroom_reader, warroom_api;
create function read_v1.service_at(moment timestamptz) returns setof read_v1.service
language sql stable security definer set search_path = pg_catalog as $$
  select i.id, i.key, i.name, i.kind, i.tier, i.team_id, i.policy_id, i.region, i.unit,
    i.customers, i.user_share, i.health, i.provisional, i.runbook_url, i.sys_from
  from (
    select c.* from warroom.service c where c.sys_from <= moment
    union all
    select r.* from warroom.history h,
      jsonb_populate_record(null::warroom.service, h.content || jsonb_strip_nulls(
        jsonb_build_object('unit', h.unit, 'visibility', h.visibility))) r
    where h.table_name = 'service' and h.valid @> moment
  ) i where (select warroom.viewer_all())
    or i.unit = any ((select warroom.viewer_units())::text[])
$$;
revoke execute on function read_v1.service_at(timestamptz) from public;
grant execute on function read_v1.service_at(timestamptz) to warroom_reader, warroom_api;
alter function read_v1.service_at(timestamptz) owner to warroom_search;
