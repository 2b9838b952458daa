"""Changes near incidents, for the ranking of suspects: set-based, one walk and one index range."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import RowMapping

from warroom.db.uow import Work
from warroom.domain.change import LOOK_BACK

# The walk begins at the incidents' services; what they depend on is near as well.  UNION ends it in
# a cycle, the steps bound it.  What the caller adds is taken as it is: in a storm a walk from all
# that alerts would cross the whole estate.  OFFSET 0 keeps the few rows outside and the index of
# the large tables inside, which the planner cannot know to be right.
CANDIDATES = """
with recursive begin_at as (
    select i.id as incident_id, l.service_id, i.opened_at from warroom.incident i
    join warroom.incident_service l on l.incident_id = i.id
    where i.id = any(cast(:incidents as uuid[]))),
  near (incident_id, opened_at, service_id, steps) as (
    select incident_id, opened_at, service_id, 0 from begin_at
    union
    select n.incident_id, n.opened_at, d.depends_on_id, n.steps + 1 from near n
    cross join lateral (select d.depends_on_id from warroom.dependency d
      where d.service_id = n.service_id
        and (d.origin = 'declared' or d.confirmed_at is not null) offset 0) d
    where n.steps < :steps),
  closest as (
    select incident_id, opened_at, service_id, min(steps) as steps from (
      select incident_id, opened_at, service_id, steps from near
      union all
      select i.id, i.opened_at, f.service_id, null
      from unnest(cast(:further_of as uuid[]), cast(:further as uuid[]))
        f (incident_id, service_id) join warroom.incident i on i.id = f.incident_id) n
    group by 1, 2, 3),
  around as (
    select distinct on (p.incident_id, x.change_id)
      p.incident_id, x.change_id, s.key as service, p.steps
    from closest p
    cross join lateral (
      select s.key from warroom.service s where s.id = p.service_id offset 0) s
    cross join lateral (
      select x.change_id from warroom.change_service x where x.service = s.key
        and x.at > least(p.opened_at, :before) - :look_back and x.at <= :before offset 0) x
    order by p.incident_id, x.change_id, p.steps, s.key),
  -- What a person linked is there wherever it was, and whenever.
  found as (
    select incident_id, change_id, service, steps from around
    union all
    select j.incident_id, j.change_id, coalesce((select x.service from warroom.change_service x
      where x.change_id = j.change_id order by x.id limit 1), ''), null
    from warroom.incident_change j where j.incident_id = any(cast(:incidents as uuid[]))
      and not exists (select from around a
        where a.incident_id = j.incident_id and a.change_id = j.change_id))
select a.incident_id, c.id, a.service, a.steps, c.kind, c.status, c.at, c.ended_at, c.title,
  c.release as version, c.made_by as by, c.link, c.emergency,
  c.approved_by <> '' or c.approval_ref <> '' as approved, c.visibility,
  coalesce(j.verdict, '') as verdict
from found a
cross join lateral (
  select * from warroom.change_event e where e.id = a.change_id offset 0) c
left join warroom.incident_change j
  on j.incident_id = a.incident_id and j.change_id = a.change_id
where (c.production and c.status <> 'cancelled') or j.verdict is not null
order by a.incident_id, c.at desc, c.id
limit :most
"""


async def nearby(
    work: Work,
    incident_ids: Sequence[UUID],
    further: Collection[tuple[UUID, UUID]] = (),
    *,
    before: datetime,
    look_back: timedelta = LOOK_BACK,
    steps: int = 4,
    most: int = 5000,
) -> list[RowMapping]:
    """Return the changes that may be behind incidents.

    A change is near when it is one of production, not cancelled, on a service of the incident, on
    what these depend on, or on a service of ``further``, and began between ``look_back`` before the
    incident opened and ``before``.  One that is linked is near in any case.

    Args:
        work: the transaction; only incidents and changes that its eyes see.
        incident_ids: whose.
        further: pairs of incident and service: those that are hit and alert, and what they need.
        before: nothing that began after this moment.
        look_back: how long before an incident opened.
        steps: how many dependencies away.
        most: rows at the most.

    Returns:
        Rows of incident_id, id, service (the key of the nearest), steps (None where no walk from
        the incident's services came by), kind, status, at, ended_at, title, version, by, link,
        emergency, approved, visibility, verdict ("" when not linked);
        newest first within an incident, each change once an incident.
    """
    if not incident_ids:
        return []
    return await work.rows(
        CANDIDATES,
        {"incidents": list(incident_ids), "further_of": [i for i, _ in further],
         "further": [s for _, s in further], "before": before, "look_back": look_back,
         "steps": steps, "most": most},
    )  # fmt: skip
