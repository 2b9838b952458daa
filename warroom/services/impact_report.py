"""Impact as it is asked for: one incident's, and what would cost most before anything burns."""

from __future__ import annotations

import asyncio
from typing import Any

from warroom.db.engine import Database
from warroom.db.uow import Work, read
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
