"""Impact: what an incident takes down, reasoned again whenever its services change.

The reasoning stays inside the incident's unit: whoever sees the incident sees every service that
is named, and whoever acts causes the same result.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from warroom.db.uow import Work
from warroom.domain.panes import ImpactNode
from warroom.impact.graph import Dependency, Graph, Hardness, Seed, Service, build
from warroom.impact.hardness import Impact, reason

# Who changes an incident's services holds its row; this waits for them and then sees theirs.
_INCIDENTS = """
select i.id, i.unit from warroom.incident i where i.id = any(cast(:ids as uuid[]))
order by i.id for no key update
"""
# The row's own clock moves when the state does; a row of version 1 still has its first state.
_SEEDS = """
select l.incident_id, s.key, l.state,
  case when l.version = 1 then l.attached_at else l.sys_from end as since
from warroom.incident_service l
join warroom.incident i on i.id = l.incident_id
join warroom.service s on s.id = l.service_id and s.unit = i.unit
where l.incident_id = any(cast(:ids as uuid[]))
order by l.incident_id, s.key
"""
# Only what depends, however far away, on one of the incidents' services; what has recovered
# passes nothing on.  The limit ends the recursion itself.
_CLOSURE = """
with recursive seed as materialized (
    select l.service_id as id, s.unit, l.state from warroom.incident_service l
    join warroom.incident i on i.id = l.incident_id
    join warroom.service s on s.id = l.service_id and s.unit = i.unit
    where l.incident_id = any(cast(:ids as uuid[]))),
  hit (id, unit) as (
    select id, unit from seed where state <> 'recovered'
    union
    select s.id, s.unit from hit h
    join warroom.dependency d on d.depends_on_id = h.id
    join warroom.service s on s.id = d.service_id and s.unit = h.unit)
select s.id, s.key, s.name, s.kind, s.tier, s.region, s.unit, s.customers,
  cast(s.user_share as float8) as user_share, t.key as team
from (select id from (select id from hit limit cast(:most as bigint)) h
  union select id from seed) c
join warroom.service s on s.id = c.id
join warroom.team t on t.id = s.team_id
"""
# Of a pair that is declared and observed, what people declared counts.
_DEPENDENCIES = """
select distinct on (d.service_id, d.depends_on_id) a.key as service,
  coalesce(b.key, cast(d.depends_on_id as text)) as depends_on,
  d.hardness, d.redundancy_group, d.redundancy_needed
from warroom.dependency d
join warroom.service a on a.id = d.service_id
left join warroom.service b on b.id = d.depends_on_id
where d.service_id = any(cast(:closure as uuid[]))
  and (d.redundancy_group is not null or d.depends_on_id = any(cast(:closure as uuid[])))
order by d.service_id, d.depends_on_id, d.origin
"""
_HARDNESS = {"hard": Hardness.HARD, "soft": Hardness.SOFT}


async def refresh(work: Work, incident_ids: Sequence[UUID], *, at_most: int | None = None) -> None:
    """Reason again about incidents, in the transaction that changed their services.

    Set-based: a handful of statements for any number of incidents.  What is stored is written
    only when it differs.  Incidents that the principal may not see are left alone.

    Args:
        work: the transaction.
        incident_ids: the incidents.
        at_most: when more services than this depend on theirs, nothing is done here, and for
            those that have no impact yet the engine does it within seconds.
    """
    if not incident_ids:
        return
    args = {"ids": sorted(set(incident_ids), key=str)}
    incidents = await work.rows(_INCIDENTS, args)
    seeds: dict[UUID, list[Seed]] = {}
    for r in await work.rows(_SEEDS, args):
        seeds.setdefault(r["incident_id"], []).append(Seed(r["key"], r["state"], r["since"]))
    graphs = await _graphs(work, args, at_most) if seeds else {}
    if graphs is None:
        return
    empty = build((), ())
    await _store(
        work,
        {i["id"]: reason(graphs.get(i["unit"], empty), seeds.get(i["id"], ())) for i in incidents},
    )


async def _graphs(work: Work, args: dict[str, Any], at_most: int | None) -> dict[str, Graph] | None:
    """Return the part of the catalogue that can be hit, by unit; None when it is too large."""
    most = None if at_most is None else at_most + 1
    services = await work.rows(_CLOSURE, args | {"most": most})
    if at_most is not None and len(services) > at_most:
        return None
    dependencies = await work.rows(_DEPENDENCIES, {"closure": [s["id"] for s in services]})
    edges = [
        Dependency(d["service"], d["depends_on"], _HARDNESS[d["hardness"]],
                   d["redundancy_group"], d["redundancy_needed"])
        for d in dependencies
    ]  # fmt: skip
    units: dict[str, list[Service]] = {}
    for s in services:
        units.setdefault(s["unit"], []).append(_service(s))
    return {unit: build(found, edges) for unit, found in units.items()}


def _service(r: RowMapping) -> Service:
    return Service(
        r["key"], r["name"], r["tier"], r["team"], r["kind"], r["region"], r["user_share"],
        r["customers"],
    )  # fmt: skip


async def _store(work: Work, reasoned: dict[UUID, Impact]) -> None:
    """Keep what was reasoned where it differs; the past of it goes into history."""
    rows = [
        {
            "incident_id": str(incident_id),
            "nodes": [_node(n) for n in impact.nodes],
            "totals": {
                "services": impact.totals.services,
                "tier_one": impact.totals.tier_one,
                "user_share": impact.totals.user_share,
                "customers": impact.totals.customers,
                "regions": list(impact.totals.regions),
                "third_parties": impact.totals.third_parties,
                "truncated": impact.truncated,
            },
        }
        for incident_id, impact in reasoned.items()
    ]
    # An incident without services, and never with any, needs no row to say so.
    await work.execute(
        "insert into warroom.incident_impact as m (incident_id, nodes, totals, unit, visibility)"
        " select i.id, r.nodes, r.totals, i.unit, i.visibility"
        " from jsonb_to_recordset(cast(:rows as jsonb))"
        "   as r(incident_id uuid, nodes jsonb, totals jsonb)"
        " join warroom.incident i on i.id = r.incident_id"
        " where r.nodes <> '[]' or exists (select from warroom.incident_impact x"
        "   where x.incident_id = i.id)"
        " order by i.id"
        " on conflict (incident_id) do update set nodes = excluded.nodes,"
        " totals = excluded.totals, computed_at = now(), version = m.version + 1"
        " where (m.nodes, m.totals) is distinct from (excluded.nodes, excluded.totals)",
        {"rows": json.dumps(rows, ensure_ascii=False, separators=(",", ":"))},
    )


def _node(node: ImpactNode) -> dict[str, Any]:
    """Return a node as it is stored: its fields by name, those that say nothing left out."""
    fields = {
        "key": node.key,
        "name": node.name,
        "state": node.state,
        "tier": node.tier,
        "team": node.team,
        "depth": node.depth,
        "why": node.why,
        "since": node.since.astimezone(UTC).isoformat() if node.since else None,
        "hardness": node.hardness or None,
        "region": node.region,
        "user_share": node.user_share,
        "customers": node.customers,
        "elsewhere": node.elsewhere or None,
    }
    return {name: value for name, value in fields.items() if value is not None}
