"""Figures for the change board: conflicts, changes without approval, change-failure rate.

Whoever asks sees the figures of what they may see.  The definitions are in ``docs/changes.md``.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from warroom.db.engine import Database
from warroom.db.uow import Work, read
from warroom.domain.ids import format_ref
from warroom.domain.principal import CommandContext, Scope
from warroom.services.access import require
from warroom.services.incident_state import iso

Json = dict[str, Any]
ITEMS = 200
FIGURES_S = 20.0
"""A year of a large house takes longer than a command may."""
# DORA's: of the changes that reached production, those that hurt.  One of two teams counts for
# both; a service that nobody knows is nobody's ("unknown").
_RATES = """
with done as (
  select c.id, c.status = 'rolled-back' or exists (
      select from warroom.incident_change l join warroom.incident i on i.id = l.incident_id
      where l.change_id = c.id and l.verdict = 'cause' and not i.drill
        and i.resolution is distinct from 'false-alarm') as hurt
  from warroom.change_event c
  where c.at >= :since and c.at < :until and c.production and c.kind <> 'rollback'
    and c.status in ('succeeded', 'rolled-back')),
  owned as (
  select distinct d.id, d.hurt, coalesce(t.key, 'unknown') as team
  from done d join warroom.change_service x on x.change_id = d.id
  left join warroom.service s on s.key = x.service left join warroom.team t on t.id = s.team_id)
select team, count(*) as changes, count(*) filter (where hurt) as failed from owned group by team
union all select null, count(*), count(*) filter (where hurt) from done
order by team nulls first
"""
# From its beginning to its end, a week at the most; one that has told no end runs on for a day.
# Of two that overlap, one begins while the other runs: so the hour in which one begins is one of
# the other's hours, and pairs are found by service and hour instead of by comparing all with all.
# Of an array the planner expects 10 rows, of generate_series itself 1,000: it would write to disk.
_CONFLICTS = """
with span as materialized (
  select c.id, c.at, x.service, s.id as service_id, date_bin('1 hour', c.at, 'epoch') as hour,
    least(c.at + interval '7 days', greatest(c.at, coalesce(c.ended_at, case c.status
      when 'started' then least(:until, c.at + interval '1 day') else c.at end))) as ends
  from warroom.change_event c join warroom.change_service x on x.change_id = c.id
  left join warroom.service s on s.key = x.service
  where c.at >= :since and c.at < :until and c.production
    and c.status not in ('planned', 'cancelled')),
  wide as materialized (
  select s.id, s.at, s.ends, s.service, s.service_id, h as hour
  from span s, unnest(array(select generate_series(s.hour, s.ends, interval '1 hour'))) h),
  edge as (
  select service_id as one, depends_on_id as other, true as needs from warroom.dependency
  union select depends_on_id, service_id, false from warroom.dependency),
  pair as (
  select a.id as one, b.id as other, a.service as service, b.service as on_service
  from wide a join span b on b.service = a.service and b.hour = a.hour
    and b.id <> a.id and b.at between a.at and a.ends
  union
  select a.id, b.id, case when e.needs then a.service else b.service end,
    case when e.needs then b.service else a.service end
  from wide a join edge e on e.one = a.service_id
  join span b on b.service_id = e.other and b.hour = a.hour
    and b.id <> a.id and b.at between a.at and a.ends),
  once as (
  select distinct on (least(one, other), greatest(one, other)) * from pair
  order by least(one, other), greatest(one, other), service <> on_service, service, on_service)
select o.one, o.other, o.service, o.on_service, a.title as one_title, b.title as other_title,
  a.at as one_at, b.at as other_at, count(*) over () as total
from once o join warroom.change_event a on a.id = o.one
join warroom.change_event b on b.id = o.other order by greatest(a.at, b.at) desc, o.one, o.other
limit :items
"""
_UNAPPROVED = """
select c.id, c.title, c.kind, c.at, c.emergency, c.made_by,
  (select array_agg(x.service order by x.id) from warroom.change_service x
    where x.change_id = c.id) as services,
  array_agg(i.number order by i.number) as incidents,
  bool_or(l.verdict = 'cause') as cause, count(*) over () as total
from warroom.change_event c join warroom.incident_change l on l.change_id = c.id
join warroom.incident i on i.id = l.incident_id
where c.at >= :since and c.at < :until and l.verdict in ('cause', 'suspected') and not i.drill
  and i.resolution is distinct from 'false-alarm'
  and c.approved_by = '' and c.approval_ref = ''
group by c.id order by bool_or(l.verdict = 'cause') desc, c.at desc limit :items
"""
_LIST = """
select c.id, c.kind, c.status, c.title, c.environment, c.production, c.region, c.release, c.link,
  c.made_by, c.at, c.ended_at, c.approved_by, c.approval_ref, c.emergency, s.key as source,
  (select array_agg(x.service order by x.id) from warroom.change_service x
    where x.change_id = c.id) as services
from warroom.change_event c left join warroom.source s on s.id = c.source_id
where (cast(:after as uuid) is null or c.id < :after)
  and (cast(:service as text) is null or exists (select from warroom.change_service x
    where x.change_id = c.id and x.service = :service))
  and (cast(:last as interval) is null or c.at >= now() - cast(:last as interval))
order by c.id desc limit :limit
"""


async def figures(db: Database, ctx: CommandContext, last: timedelta) -> Json:
    """Return the figures of the changes that began within ``last``.

    Returns:
        {since, until, teams, all, conflicts, unapproved}: teams [{team, changes, failed, rate}]
        with rate 0 to 1, null where there was no change; conflicts and unapproved {count, items},
        at most 200 items each, the newest first.
    """
    require(ctx, Scope.READ)

    async def handler(work: Work) -> Json:
        await work.execute(f"set local statement_timeout = {int(FIGURES_S * 1000)}")
        until: datetime = await work.scalar("select now()")
        args = {"since": until - last, "until": until, "items": ITEMS}
        rates = [_rate(r) for r in await work.rows(_RATES, args)]
        conflicts = await work.rows(_CONFLICTS, args)
        unapproved = await work.rows(_UNAPPROVED, args)
        return {
            "since": iso(until - last),
            "until": iso(until),
            "all": {k: v for k, v in rates[0].items() if k != "team"},
            "teams": rates[1:],
            "conflicts": _counted(conflicts, [_conflict(r) for r in conflicts]),
            "unapproved": _counted(unapproved, [_naked(r) for r in unapproved]),
        }

    return await read(db, ctx, handler, deadline_s=FIGURES_S)


async def list_page(
    db: Database,
    ctx: CommandContext,
    *,
    service: str | None,
    last: timedelta | None,
    after: UUID | None,
    limit: int,
) -> list[Json]:
    """Return changes, the last that came in first; of one service, of the last while."""
    require(ctx, Scope.READ)

    async def handler(work: Work) -> list[Json]:
        rows = await work.rows(
            _LIST, {"service": service, "last": last, "after": after, "limit": limit}
        )
        return [
            {
                "id": str(r["id"]), "kind": r["kind"], "status": r["status"], "title": r["title"],
                "services": list(r["services"] or ()), "environment": r["environment"],
                "production": r["production"], "region": r["region"], "version": r["release"],
                "link": r["link"], "by": r["made_by"], "at": iso(r["at"]),
                "ended_at": iso(r["ended_at"]), "approved_by": r["approved_by"],
                "approval": r["approval_ref"], "emergency": r["emergency"], "source": r["source"],
            }
            for r in rows
        ]  # fmt: skip

    return await read(db, ctx, handler)


def _rate(row: RowMapping) -> Json:
    changes, failed = row["changes"], row["failed"]
    rate = round(failed / changes, 4) if changes else None
    return {"team": row["team"], "changes": changes, "failed": failed, "rate": rate}


def _counted(rows: list[RowMapping], items: list[Json]) -> Json:
    return {"count": rows[0]["total"] if rows else 0, "items": items}


def _conflict(row: RowMapping) -> Json:
    same = row["service"] == row["on_service"]
    why = row["service"] if same else f"{row['service']} depends on {row['on_service']}"
    return {
        "why": why,
        "changes": [
            {"id": str(row["one"]), "title": row["one_title"], "at": iso(row["one_at"])},
            {"id": str(row["other"]), "title": row["other_title"], "at": iso(row["other_at"])},
        ],
    }


def _naked(row: RowMapping) -> Json:
    return {
        "id": str(row["id"]), "title": row["title"], "kind": row["kind"], "at": iso(row["at"]),
        "by": row["made_by"], "services": list(row["services"] or ()),
        "emergency": row["emergency"], "verdict": "cause" if row["cause"] else "suspected",
        "incidents": [format_ref(n) for n in row["incidents"]],
    }  # fmt: skip
