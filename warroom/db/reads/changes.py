"""The changes beside an incident: those near it in time and place, and those that are linked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from warroom.db.reads.fetch import Connection, Row, fetch
from warroom.domain.change import LOOK_BACK, ChangeRow, ChangesPicture
from warroom.domain.ids import uuid7_floor

_NOW: LiteralString = """
with recursive incident as (select * from read_v1.incident where id = %(id)s),
  linked as (select * from read_v1.incident_change where incident_id = %(id)s),
  attached as (select * from read_v1.incident_service where incident_id = %(id)s),
  impact as (select * from read_v1.incident_impact where incident_id = %(id)s),
"""
# A change that came in later has a later id; its services stay what they were.
_THEN: LiteralString = """
with recursive incident as (select * from read_v1.incident_at(%(as_of)s) where id = %(id)s),
  linked as (select * from read_v1.incident_change_at(%(as_of)s) where incident_id = %(id)s),
  attached as (select * from read_v1.incident_service_at(%(as_of)s) where incident_id = %(id)s),
  impact as (select * from read_v1.incident_impact_at(%(as_of)s) where incident_id = %(id)s),
"""
# Steps of dependency are walked along the present map: the past of a map explains no old change
# better.  UNION ends the walk in a cycle; the steps bound it.  OFFSET 0 keeps the few rows outside
# and the index of the large tables inside, which the planner cannot know to be right; MATERIALIZED
# makes a column of COALESCE, which is not leakproof and would cost the index under row security.
_NEAR: LiteralString = """
  near (id, steps) as (
    select service_id, 0 from attached
    union
    select d.depends_on_id, n.steps + 1 from near n
    join read_v1.dependency d on d.service_id = n.id where n.steps < %(steps)s),
  -- What is hit beyond the incident's own services, and alerted while it was open.
  hit (id) as (
    select distinct s.id from incident i cross join impact m
    cross join lateral jsonb_to_recordset(m.nodes) as n (key text)
    join read_v1.service s on s.key = n.key
    where exists (select from read_v1.alert a where a.service_id = s.id
      and a.starts_at >= i.opened_at - interval '24 hours'
      and (a.state = 'firing' or a.ends_at >= i.opened_at)
      and (a.incident_id = i.id or a.drill = i.drill))),
  place as (
    select s.key, min(n.steps) as steps from (
      select id, steps from near union all select id, null from hit) n
    cross join lateral (select s.key from read_v1.service s where s.id = n.id offset 0) s
    group by s.key),
  around as (
    select distinct on (c.change_id) c.change_id, p.key as service, p.steps
    from incident i cross join place p cross join lateral (
      select c.change_id from read_v1.change_service c
      where c.service = p.key and c.at >= i.opened_at - %(look_back)s
        and c.at <= coalesce(i.ended_at, 'infinity')
        and (cast(%(newest)s as uuid) is null or c.id < %(newest)s)
      offset 0) c
    order by c.change_id, p.steps, p.key),
  found as materialized (
    select coalesce(a.change_id, l.change_id) as change_id, a.service, a.steps, l.verdict
    from around a full join linked l on l.change_id = a.change_id)
select c.id, c.at, c.kind, c.status, c.title, c.release, c.made_by, c.link, c.ended_at,
  c.emergency, c.approved_by <> '' or c.approval_ref <> '' as approved,
  coalesce(f.verdict, '') as verdict,
  coalesce(f.service, (select min(s.service) from read_v1.change_service s
    where s.change_id = c.id), '') as service,
  floor(extract(epoch from i.opened_at - c.at) / 60)::int as minutes_before
from incident i cross join found f
"""
_EVENT_NOW: LiteralString = """
cross join lateral (select * from read_v1.change_event e where e.id = f.change_id offset 0) c
"""
_EVENT_THEN: LiteralString = """
join read_v1.change_event_at(%(as_of)s) c on c.id = f.change_id
"""
_END: LiteralString = """
where f.verdict is not null or c.production
order by f.verdict is null, c.at desc, c.id desc limit %(limit)s
"""
# Newest by when they came in, as the list of changes has them.
_OTHERS: LiteralString = """
select c.id, c.at, c.kind, c.status, c.title, c.release, c.made_by, c.link, c.ended_at,
  c.emergency, c.approved_by <> '' or c.approval_ref <> '' as approved, '' as verdict,
  coalesce((select min(s.service) from read_v1.change_service s where s.change_id = c.id), '')
    as service,
  floor(extract(epoch from i.opened_at - c.at) / 60)::int as minutes_before
from read_v1.incident i
cross join (select * from read_v1.change_event order by id desc limit %(limit)s) c
where i.id = %(id)s order by c.id desc
"""
OTHERS_MOST = 200
STEPS = 4
"""How many dependencies away from the incident's services a change is still near."""


async def read_changes(
    conn: Connection,
    incident_id: UUID,
    *,
    as_of: datetime | None = None,
    look_back: timedelta = LOOK_BACK,
    limit: int = 100,
) -> tuple[ChangeRow, ...]:
    """Read the changes beside one incident: linked ones first, then the newest.

    Near are changes of production on the incident's services, on what these depend on, or on what
    is hit and alerts, from ``look_back`` before it opened until it ended.  Linked ones are there
    wherever they were.

    Args:
        conn: an autocommit connection of a reader.
        incident_id: beside which incident.
        as_of: None for now, or the moment to show.
        look_back: how long before the incident.
        limit: rows at the most.

    Returns:
        The rows; none when this reader may not see the incident.

    Raises:
        psycopg.Error: the database refused or was lost.
    """
    args: Row = {
        "id": incident_id, "as_of": as_of, "look_back": look_back, "limit": limit, "steps": STEPS,
        "newest": uuid7_floor(as_of + timedelta(milliseconds=1)) if as_of else None,
    }  # fmt: skip
    now = _NOW + _NEAR + _EVENT_NOW + _END
    then = _THEN + _NEAR + _EVENT_THEN + _END
    found = await fetch(conn, now if as_of is None else then, args)
    return tuple(_row(r) for r in found)


async def read_linkable(conn: Connection, incident_id: UUID) -> ChangesPicture:
    """Read what a person may link to an incident: the changes beside it, and the last others.

    Raises:
        psycopg.Error: the database refused or was lost.
    """
    near = await read_changes(conn, incident_id)
    last = await fetch(conn, _OTHERS, {"id": incident_id, "limit": OTHERS_MOST})
    known = {row.id for row in near}
    others = tuple(_row(r) for r in last if r["id"] not in known)
    return ChangesPicture(incident_id, near, others)


def _row(r: Row) -> ChangeRow:
    return ChangeRow(
        id=r["id"],
        at=r["at"],
        kind=r["kind"],
        service=r["service"],
        title=r["title"],
        version=r["release"],
        by=r["made_by"],
        link=r["link"],
        verdict=r["verdict"],
        minutes_before=r["minutes_before"],
        status=r["status"],
        approved=r["approved"],
        emergency=r["emergency"],
        ended_at=r["ended_at"],
    )
