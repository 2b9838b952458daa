"""The catalogue as a graph, kept in this process and brought up to date with every use.

A unit's services and dependencies are read once; after that only what was written since, found by
its clock.  The graph is built anew only when its structure changed: health, which moves with every
alert, is not part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import RowMapping

from warroom.db.uow import Work
from warroom.impact.graph import Dependency, Graph, Hardness, Service, build

# A row's clock is set when it is written, and seen when it is committed: by then later ones may
# have been seen.  No transaction of ours lives this long.
OVERLAP: Final = timedelta(seconds=60)

_STAMP = """
select (select count(*) from warroom.service s where s.unit = :unit) as services,
  (select count(*) from warroom.dependency d
   join warroom.service s on s.id = d.service_id and s.unit = :unit) as dependencies,
  greatest((select max(sys_from) from warroom.dependency),
           (select max(sys_from) from warroom.service),
           (select max(sys_from) from warroom.change_event)) as newest, now() as now
"""
# What was written lately, as two numbers: whoever saw these has seen all of it.  An import writes a
# whole estate at one moment, and reading that again with every alert would take seconds.
_MARKS = """
with moved as not materialized (
  select sys_from from warroom.service union all select sys_from from warroom.dependency
  union all select sys_from from warroom.change_event)
select (select count(*) || ' ' || coalesce(sum(cast(extract(epoch from m.sys_from) * 1000000
    as bigint)), 0) from moved m where m.sys_from > :edge) as before,
  (select count(*) || ' ' || coalesce(sum(cast(extract(epoch from m.sys_from) * 1000000
    as bigint)), 0) from moved m where m.sys_from > :next) as after
"""
# The version is what was delivered last, and everybody may know of.  A workload whose time is over
# is there only for the incidents that name it: the engine forgets the others.
_SERVICES = """
select s.id, s.key, s.name, s.kind, s.tier, s.region, s.zone, s.host, s.provider, s.customers,
  cast(s.slo as float8) as slo, cast(s.user_share as float8) as user_share, t.key as team,
  (select c.release from warroom.change_service x join warroom.change_event c on c.id = x.change_id
    where x.service = s.key and c.release <> '' and c.production and c.status = 'succeeded'
      and c.kind in ('deploy', 'rollback') and c.visibility = 'normal'
    order by x.at desc limit 1) as version
from warroom.service s join warroom.team t on t.id = s.team_id
where s.unit = :unit and (cast(:since as timestamptz) is null or s.sys_from > :since
  or s.key in (select x.service from warroom.change_service x
    join warroom.change_event c on c.id = x.change_id where c.sys_from > :since))
"""
# What was only seen counts once a person has confirmed it.
_DEPENDENCIES = """
select d.id, d.service_id, d.depends_on_id, d.hardness, d.redundancy_group, d.redundancy_needed,
  d.sync, d.origin, (d.origin = 'declared' or d.confirmed_at is not null) as counts
from warroom.dependency d join warroom.service s on s.id = d.service_id and s.unit = :unit
where cast(:since as timestamptz) is null or d.sys_from > :since
"""
_HARDNESS: Final = {"hard": Hardness.HARD, "soft": Hardness.SOFT}


@dataclass(frozen=True, slots=True)
class Edge:
    """A dependency by the ids of its ends; of a pair that is declared and seen, declared counts."""

    service: UUID
    depends_on: UUID
    hardness: str
    group: str | None
    needed: int | None
    sync: bool
    origin: str


@dataclass(slots=True)
class Catalogue:
    """What is kept of one unit. ``ids`` maps a service's key to its id.

    ``mark`` are the numbers of what was written up to ``OVERLAP`` before ``newest``.
    """

    graph: Graph
    ids: dict[str, UUID]
    services: dict[UUID, Service]
    edges: dict[UUID, Edge]
    all_edges: set[UUID]
    newest: datetime | None
    mark: str = ""


@dataclass(slots=True)
class _Shelf:
    units: dict[str, Catalogue] = field(default_factory=dict)


_SHELVES: WeakKeyDictionary[Any, _Shelf] = WeakKeyDictionary()


async def catalogue(work: Work, unit: str, *, at_most: int | None = None) -> Catalogue | None:
    """Return a unit's catalogue as it is now.

    Args:
        work: the transaction; whoever acts in it must see the unit.
        unit: whose services.
        at_most: None is returned when the unit has more services than this.
    """
    shelf = _SHELVES.setdefault(work.pool, _Shelf())
    stamp = await work.row(_STAMP, {"unit": unit})
    if stamp is None:
        raise RuntimeError("a count that returned nothing")
    if at_most is not None and stamp["services"] > at_most:
        return None
    kept = shelf.units.get(unit)
    if kept is not None and _settled(kept, stamp):
        return kept
    mark = ""
    if stamp["newest"] is not None:
        # Looked at before the rows are read: what is committed in between is read, and its mark
        # differs the next time.
        next_edge = stamp["newest"] - OVERLAP
        edge = next_edge if kept is None or kept.newest is None else kept.newest - OVERLAP
        marks = await work.row(_MARKS, {"edge": edge, "next": next_edge})
        if marks is None:
            raise RuntimeError("a count that returned nothing")
        if kept is not None and kept.mark == marks["before"] and _counts(kept) == (
            stamp["services"], stamp["dependencies"]
        ):  # fmt: skip
            return kept
        mark = marks["after"]
    if kept is not None:
        kept = await _follow(work, unit, kept, stamp)
    if kept is None:
        kept = await _load(work, unit, stamp["newest"])
    kept.mark = mark
    shelf.units[unit] = kept
    return kept


def _counts(kept: Catalogue) -> tuple[int, int]:
    return len(kept.services), len(kept.all_edges)


def _settled(kept: Catalogue, stamp: RowMapping) -> bool:
    """Say whether nothing was written since, and what was has long been committed and seen."""
    newest = stamp["newest"]
    return (
        (*_counts(kept), kept.newest) == (stamp["services"], stamp["dependencies"], newest)
        and newest is not None
        and stamp["now"] - newest > 2 * OVERLAP
    )


async def _load(work: Work, unit: str, newest: datetime | None) -> Catalogue:
    args = {"unit": unit, "since": None}
    services = {r["id"]: _service(r) for r in await work.rows(_SERVICES, args)}
    rows = await work.rows(_DEPENDENCIES, args)
    edges = {r["id"]: _edge(r) for r in rows if r["counts"]}
    return _made(services, edges, {r["id"] for r in rows}, newest)


async def _follow(work: Work, unit: str, kept: Catalogue, stamp: RowMapping) -> Catalogue | None:
    """Return what is kept with what was written since; None when something is gone."""
    counts = (stamp["services"], stamp["dependencies"])
    newest = stamp["newest"]
    since = None if newest is None else newest - OVERLAP
    if kept.newest is not None and since is not None:
        since = min(since, kept.newest - OVERLAP)
    if since is None:
        return None
    args = {"unit": unit, "since": since}
    services = {r["id"]: _service(r) for r in await work.rows(_SERVICES, args)}
    rows = await work.rows(_DEPENDENCIES, args)
    edges = {r["id"]: _edge(r) for r in rows if r["counts"]}
    void = {r["id"] for r in rows if not r["counts"]}
    after = kept.services | services
    edges_after = {k: e for k, e in (kept.edges | edges).items() if k not in void}
    seen = kept.all_edges | {r["id"] for r in rows}
    if (len(after), len(seen)) != counts:
        return None
    if after == kept.services and edges_after == kept.edges:
        kept.newest, kept.all_edges = newest, seen
        return kept
    return _made(after, edges_after, seen, newest)


def _made(
    services: dict[UUID, Service],
    edges: dict[UUID, Edge],
    seen: set[UUID],
    newest: datetime | None,
) -> Catalogue:
    ordered = sorted(edges.values(), key=lambda e: (e.origin, e.service, e.depends_on))
    graph = build(services.values(), (_dependency(services, e) for e in ordered))
    ids = {s.key: identifier for identifier, s in services.items()}
    return Catalogue(graph, ids, services, edges, seen, newest)


def _service(r: RowMapping) -> Service:
    return Service(
        r["key"], r["name"], r["tier"], r["team"], r["kind"], r["region"], r["user_share"],
        r["customers"], zone=r["zone"], host=r["host"], provider=r["provider"], slo=r["slo"],
        version=r["version"],
    )  # fmt: skip


def _edge(r: RowMapping) -> Edge:
    return Edge(
        r["service_id"], r["depends_on_id"], r["hardness"], r["redundancy_group"],
        r["redundancy_needed"], r["sync"] is not False, r["origin"],
    )  # fmt: skip


def _dependency(services: Mapping[UUID, Service], edge: Edge) -> Dependency:
    """Name the ends by key; one of another unit is named by its id, and counts as well."""
    needed = services.get(edge.depends_on)
    return Dependency(
        services[edge.service].key if edge.service in services else str(edge.service),
        needed.key if needed is not None else str(edge.depends_on),
        _HARDNESS[edge.hardness], edge.group, edge.needed, edge.sync,
    )  # fmt: skip
