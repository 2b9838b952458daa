"""Impact as it is asked for: one incident's, and what would cost most before anything burns."""

from __future__ import annotations

import asyncio
from typing import Any

from warroom.db.engine import Database
from warroom.db.uow import Work, read
from warroom.domain.impact_words import headline_of, totals_line
from warroom.domain.panes import ImpactTotals
from warroom.domain.principal import CommandContext, Scope
from warroom.impact.weak_points import WeakPoint, WeakPoints, weak_points
from warroom.services.access import require
from warroom.services.impact_graph import catalogue
from warroom.services.incident_state import Json, load

_IMPACT = """
select m.computed_at, m.nodes, m.totals, m.suspects, m.waves, m.shared, m.suggestion,
  coalesce((select jsonb_object_agg(s.key, jsonb_build_object('by', p.name, 'at', r.done_at))
    from warroom.restart_tick r join warroom.service s on s.id = r.service_id
    join warroom.principal p on p.id = r.done_by where r.incident_id = :id), '{}') as ticks
from (select 1) one left join warroom.incident_impact m on m.incident_id = :id
"""
# Drills hurt nobody.  A service counts once, and as long as one incident has not let it recover.
_EVERYWHERE = """
with i as (
    select id, number, severity from warroom.incident where ended_at is null and not drill),
  hit as (
    select l.service_id as id from warroom.incident_service l join i on i.id = l.incident_id
    where l.state <> 'recovered'
    union
    select s.id from warroom.incident_impact m join i on i.id = m.incident_id
    cross join lateral jsonb_to_recordset(m.nodes) as n(key text, state text)
    join warroom.service s on s.key = n.key where n.state <> 'recovered')
select (select count(*) from i) as open_incidents, count(*) as services,
  count(*) filter (where s.tier <= 1) as tier_one, cast(max(s.user_share) as float8) as user_share,
  max(s.customers) as customers, count(*) filter (where s.kind = 'third_party') as third_parties,
  coalesce(array_agg(distinct s.region order by s.region) filter (where s.region <> ''), '{}')
    as regions,
  coalesce((select array_agg(m.totals ->> 'headline' order by i.severity, i.number)
    from warroom.incident_impact m join i on i.id = m.incident_id
    where m.totals ->> 'headline' <> ''), '{}') as headlines
from warroom.service s where s.id in (select id from hit)
"""
_UNITS = "select distinct s.unit from warroom.service s order by s.unit"


async def show(db: Database, ctx: CommandContext, ref: str) -> Json:
    """Return what an incident takes down, its suspects, and its restart with the ticks."""
    require(ctx, Scope.READ)

    async def handler(work: Work) -> Json:
        incident = await load(work, ref)
        row = await work.row(_IMPACT, {"id": incident["id"]})
        if row is None:
            raise RuntimeError("a join that returned nothing")
        return {
            "ref": f"INC-{incident['number']}",
            "title": incident["title"],
            "severity": incident["severity"],
            "computed_at": row["computed_at"],
            "totals": row["totals"] or {},
            "nodes": row["nodes"] or [],
            "suspects": row["suspects"] or [],
            "waves": [_wave(wave, row["ticks"]) for wave in row["waves"] or ()],
            "shared": row["shared"] or [],
            "suggestion": row["suggestion"],
        }

    return await read(db, ctx, handler)


async def totals(db: Database, ctx: CommandContext) -> Json:
    """Return the totals over all open incidents that the principal sees, drills left out.

    Shares of users and customers overlap, so each is the largest of one service; ``line`` says all
    of it in words, empty when nothing is hit.
    """
    require(ctx, Scope.READ)

    async def handler(work: Work) -> Json:
        row = await work.row(_EVERYWHERE)
        if row is None:
            raise RuntimeError("an aggregate that returned nothing")
        found = ImpactTotals(
            services=row["services"], tier_one=row["tier_one"], user_share=row["user_share"],
            customers=row["customers"], regions=tuple(row["regions"]),
            third_parties=row["third_parties"],
            headline=headline_of(row["headlines"]) if row["services"] else "",
        )  # fmt: skip
        return {
            "open_incidents": row["open_incidents"],
            "services": found.services,
            "tier_one": found.tier_one,
            "user_share": found.user_share,
            "customers": found.customers,
            "regions": list(found.regions),
            "third_parties": found.third_parties,
            "headline": found.headline,
            "line": totals_line(found) if found.services else "",
        }

    return await read(db, ctx, handler)


def _wave(wave: Json, ticks: dict[str, Json]) -> Json:
    steps = [step | {"done": ticks.get(step["key"])} for step in wave["steps"]]
    return {"number": wave["number"], "steps": steps, "breaks": wave["breaks"]}


async def weak(db: Database, ctx: CommandContext, *, limit: int = 20) -> Json:
    """Return the single points of failure, and the cost of losing each service or domain.

    Of the units that the principal sees; each unit's estate is looked at on its own.
    """
    require(ctx, Scope.READ)

    async def handler(work: Work) -> list[Any]:
        found = []
        for unit in [r["unit"] for r in await work.rows(_UNITS)]:
            known = await catalogue(work, unit)
            if known is not None:
                found.append((unit, known.graph))
        return found

    # What is reasoned takes seconds for a very large estate: not in the transaction, nor in the
    # way of others.
    estates = await read(db, ctx, handler)
    reports = [
        (unit, await asyncio.to_thread(weak_points, graph, limit=limit)) for unit, graph in estates
    ]
    return {"units": [_report(unit, report) for unit, report in reports]}


def _report(unit: str, report: WeakPoints) -> Json:
    return {
        "unit": unit,
        "considered": report.considered,
        "services": [_point(p) for p in report.services],
        "domains": [_point(p) for p in report.domains],
    }


def _point(point: WeakPoint) -> Json:
    t = point.totals
    return {
        "kind": point.kind,
        "key": point.key,
        "name": point.name,
        "single": point.single,
        "down": point.down,
        "hurt": point.hurt,
        "takes_down": list(point.takes_down),
        "cut_off": point.cut_off,
        "splits": point.splits,
        "tier_one": t.tier_one,
        "user_share": t.user_share,
        "customers": t.customers,
        "regions": list(t.regions),
    }
