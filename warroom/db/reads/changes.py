"""The changes beside an incident: those near it in time and place, and those that are linked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from warroom.db.reads.fetch import Connection, Row, fetch
from warroom.domain.change import LOOK_BACK, ChangeRow

_NOW: LiteralString = """
with recursive incident as (select * from read_v1.incident where id = %(id)s),
  change_event as not materialized (select * from read_v1.change_event),
  change_service as not materialized (select * from read_v1.change_service),
  linked as (select * from read_v1.incident_change where incident_id = %(id)s),
  attached as (select * from read_v1.incident_service where incident_id = %(id)s),
"""
_THEN: LiteralString = """
with recursive incident as (select * from read_v1.incident_at(%(as_of)s) where id = %(id)s),
  change_event as materialized (select * from read_v1.change_event_at(%(as_of)s)),
  change_service as materialized (select * from read_v1.change_service_at(%(as_of)s)),
  linked as (select * from read_v1.incident_change_at(%(as_of)s) where incident_id = %(id)s),
  attached as (select * from read_v1.incident_service_at(%(as_of)s) where incident_id = %(id)s),
"""
# Steps of dependency are walked along the present map: the past of a map explains no old change
# better.  UNION ends the walk in a cycle; the steps bound it.
_ROWS: LiteralString = """
  near (id, steps) as (
    select service_id, 0 from attached
    union
    select d.depends_on_id, n.steps + 1 from near n
    join read_v1.dependency d on d.service_id = n.id where n.steps < %(steps)s),
  place as (
    select s.key, min(n.steps) as steps from near n join read_v1.service s on s.id = n.id
    group by s.key),
  around as (
    select distinct on (c.change_id) c.change_id, c.service, p.steps
    from incident i, place p join change_service c on c.service = p.key
    where c.at >= i.opened_at - %(look_back)s and c.at <= coalesce(i.ended_at, 'infinity')
    order by c.change_id, p.steps, c.service),
  found as (
    select coalesce(a.change_id, l.change_id) as change_id, a.service, a.steps, l.verdict
    from around a full join linked l on l.change_id = a.change_id)
select c.id, c.at, c.kind, c.status, c.title, c.release, c.made_by, c.link, c.ended_at,
  c.emergency, c.approved_by <> '' or c.approval_ref <> '' as approved,
  coalesce(f.verdict, '') as verdict,
  coalesce(f.service, (select min(s.service) from change_service s where s.change_id = c.id), '')
    as service,
  floor(extract(epoch from i.opened_at - c.at) / 60)::int as minutes_before
from found f join change_event c on c.id = f.change_id cross join incident i
where f.verdict is not null or c.production
order by f.verdict is null, c.at desc, c.id desc limit %(limit)s
"""
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

    Near are changes of production on the incident's services or on what these depend on, from
    ``look_back`` before it opened until it ended.  Linked ones are there wherever they were.

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
    }  # fmt: skip
    found = await fetch(conn, (_NOW if as_of is None else _THEN) + _ROWS, args)
    return tuple(
        ChangeRow(
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
        for r in found
    )
