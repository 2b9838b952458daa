-- Silences: which alerts open no incident for a while, who said so, why and until when.

-- units and security are its maker's when it was made: it reaches the alerts that they may see,
-- and no others.  expired_at is when somebody ended it early; one whose time ran out has none.
-- digest tells the same silence asked for again from another one.
create table warroom.silence (
  id uuid primary key default warroom.uuid7(),
  matchers jsonb not null check (jsonb_typeof(matchers) = 'array'
    and jsonb_array_length(matchers) between 1 and 50 and length(matchers::text) <= 100000),
  comment text not null check (length(comment) between 1 and 2000),
  author text not null default '' check (length(author) <= 200),
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  created_by uuid not null references warroom.principal,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  expired_by uuid references warroom.principal,
  expired_at timestamptz,
  units text[] not null check (cardinality(units) > 0),
  security boolean not null default false,
  digest text not null,
  version integer not null default 1,
  sys_from timestamptz not null default clock_timestamp(),
  check (ends_at > starts_at),
  check ((expired_by is null) = (expired_at is null))
);
create unique index silence_once on warroom.silence (created_by, digest) where expired_at is null;
create index silence_ends on warroom.silence (ends_at) where expired_at is null;
create index silence_created on warroom.silence (created_at desc, id desc);
create index history_silence_valid on warroom.history using gist (valid)
  where table_name = 'silence';
-- What fires and is on no incident: few, and what a silence holds back is among them.
create index alert_on_nothing on warroom.alert (last_seen_at)
  where state = 'firing' and incident_id is null;

create trigger keep_history before update or delete on warroom.silence
  for each row execute function warroom.keep_history();
create trigger audit_row after insert or update or delete on warroom.silence
  for each row execute function warroom.audit_row();
create trigger refuse_truncate before truncate on warroom.silence
  for each statement execute function warroom.refuse_change();
alter table warroom.silence enable always trigger keep_history,
  enable always trigger audit_row, enable always trigger refuse_truncate;
alter table warroom.silence enable row level security;
alter table warroom.silence force row level security;
create policy seen on warroom.silence using ((select warroom.viewer_all())
  or units && ((select warroom.viewer_units())::text[]));
grant select on warroom.silence to warroom_search, warroom_engine;
grant select, insert, update on warroom.silence to warroom_api;

create view read_v1.silence as
  select s.id, s.matchers, s.comment, s.author, s.starts_at, s.ends_at, s.created_by, s.created_at,
    s.updated_at, s.expired_by, s.expired_at, s.sys_from
  from warroom.silence s;
grant select on read_v1.silence to warroom_reader, warroom_api;

create function read_v1.silence_at(moment timestamptz) returns setof read_v1.silence
language sql stable security definer set search_path = pg_catalog as $$
  select i.id, i.matchers, i.comment, i.author, i.starts_at, i.ends_at, i.created_by, i.created_at,
    i.updated_at, i.expired_by, i.expired_at, i.sys_from
  from (
    select c.* from warroom.silence c where c.sys_from <= moment
    union all
    select r.* from warroom.history h,
      jsonb_populate_record(null::warroom.silence, h.content) r
    where h.table_name = 'silence' and h.valid @> moment
  ) i where (select warroom.viewer_all())
    or i.units operator(pg_catalog.&&) ((select warroom.viewer_units())::text[])
$$;
revoke execute on function read_v1.silence_at(timestamptz) from public;
grant execute on function read_v1.silence_at(timestamptz) to warroom_reader, warroom_api;
