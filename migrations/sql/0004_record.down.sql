do $$
declare
  r record;
begin
  for r in select g.tgname, g.tgrelid::regclass as rel from pg_trigger g
           join pg_class c on c.oid = g.tgrelid join pg_namespace n on n.oid = c.relnamespace
           where n.nspname in ('warroom', 'warroom_parts') and not g.tgisinternal
             and g.tgparentid = 0
  loop
    execute format('drop trigger %I on %s', r.tgname, r.rel);
  end loop;
  for r in select c.oid::regclass as rel from pg_class c join pg_namespace n
           on n.oid = c.relnamespace where n.nspname = 'warroom_parts' and c.relkind = 'r'
  loop
    execute format('drop table %s', r.rel);
  end loop;
end $$;
drop function warroom.follow_incident();
drop function warroom.guard_partition(text, text);
drop function warroom.refuse_change();
drop function warroom.keep_history();
drop function warroom.audit_batch();
drop function warroom.audit_row();
drop function warroom.audit_append(text, text, uuid, integer, uuid, text, text, text);
drop function warroom.audit_envelope(warroom.audit);
drop function warroom.row_digest(jsonb);
