"""Before anything burns: whose loss costs the most, and where everything hangs on one thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import rustworkx as rx

from warroom.domain.panes import ImpactTotals
from warroom.impact.domains import members
from warroom.impact.graph import Graph, Seed
from warroom.impact.hardness import spread_of
from warroom.impact.totals import FACING, totals

_LOST: Final = "down"
_NAMED_MAX: Final = 10
_DOMAINS: Final = frozenset({"region", "zone", "host", "third-party"})


@dataclass(frozen=True, slots=True)
class WeakPoint:
    """What would be lost with one service or failure domain.

    ``kind``: service, region, zone, host or third-party; ``key`` the service, or the domain's
    value.  ``totals`` of everything that falls with it, itself included; ``down`` and ``hurt``
    count the others, and of a domain also the services in it.  ``takes_down`` are those of them
    (keys) that customers feel and that stop, the most felt first, ten at the most, of ``felt`` in
    all.  ``cut_off`` is how many
    services customers reach only through it; ``splits`` whether the estate falls apart without
    it.
    """

    kind: str
    key: str
    name: str
    totals: ImpactTotals
    down: int
    hurt: int
    takes_down: tuple[str, ...] = ()
    felt: int = 0
    cut_off: int = 0
    splits: bool = False

    @property
    def single(self) -> bool:
        """Say whether it is a single point of failure of something that customers feel."""
        return bool(self.takes_down)


@dataclass(frozen=True, slots=True)
class WeakPoints:
    """The report: services and domains, each the costliest first; ``considered`` services."""

    services: tuple[WeakPoint, ...]
    domains: tuple[WeakPoint, ...]
    considered: int


def weak_points(graph: Graph, *, limit: int = 50) -> WeakPoints:
    """Work out what the loss of each service and of each failure domain would cost.

    Args:
        graph: the catalogue.
        limit: services and domains listed at the most; those whose loss costs nobody else
            anything are left out.
    """
    cut_off, splits = _cut_off(graph), _splits(graph)
    felt = _felt(graph)
    found: list[WeakPoint] = []
    for at, service in enumerate(graph.services):
        if graph.hard[at] or graph.soft[at] or graph.member_of[at] or cut_off[at]:
            point = _point(graph, "service", service.key, service.name, [at], felt)
            if point.down or point.hurt or cut_off[at]:
                found.append(_with(point, cut_off[at], splits=at in splits))
    domains = [
        _point(graph, kind, value, value, inside, felt)
        for (kind, value), inside in sorted(members(graph).items())
        if kind in _DOMAINS
    ]
    return WeakPoints(
        tuple(sorted(found, key=_cost)[:limit]),
        tuple(sorted(domains, key=_cost)[:limit]),
        len(graph.services),
    )


def _point(
    graph: Graph, kind: str, key: str, name: str, lost: list[int], felt: list[int]
) -> WeakPoint:
    spread = spread_of(graph, [Seed(graph.services[at].key, _LOST) for at in lost])
    # A service takes down the others; with a domain everything in it is lost.
    itself = set(lost) if kind == "service" else set()
    down = spread.down - itself
    taken = [graph.services[at].key for at in felt if at in down]
    return WeakPoint(
        kind,
        key,
        name,
        totals(spread),
        len(down),
        len(spread.hurt),
        tuple(taken[:_NAMED_MAX]),
        len(taken),
    )


def _with(point: WeakPoint, cut_off: int, *, splits: bool) -> WeakPoint:
    return WeakPoint(
        point.kind, point.key, point.name, point.totals, point.down, point.hurt,
        point.takes_down, point.felt, cut_off, splits,
    )  # fmt: skip


def _cost(point: WeakPoint) -> tuple[int, float, int, int, int, int, int, str, str]:
    """Order by what customers lose, then by how much falls, then by name."""
    t = point.totals
    return (
        -point.felt, -(t.user_share or 0.0), -(t.customers or 0), -t.tier_one,
        -point.down, -point.hurt, -point.cut_off, point.kind, point.key,
    )  # fmt: skip


def _felt(graph: Graph) -> list[int]:
    """Return the services that customers feel themselves, the most felt first."""
    felt = [
        at
        for at, s in enumerate(graph.services)
        if (s.user_share or s.customers or s.tier <= 1) and s.kind == FACING
    ]
    services = graph.services
    felt.sort(key=lambda a: (-(services[a].user_share or 0.0), -(services[a].customers or 0), a))
    return felt


def edges(graph: Graph) -> list[tuple[int, int]]:
    """Return every dependency as (service, needed), the members of groups included."""
    found = [
        (at, on)
        for at in range(len(graph.services))
        for on in (*graph.needs_hard[at], *graph.needs_soft[at])
    ]
    for number, group in enumerate(graph.groups):
        found += [(group.service, on) for on in graph.members[number]]
    return found


def _cut_off(graph: Graph) -> list[int]:
    """Count for each service how many others customers reach only through it: its dominated."""
    count = len(graph.services)
    dag = rx.PyDiGraph()
    dag.add_nodes_from(range(count + 1))
    dag.extend_from_edge_list(edges(graph))
    dag.extend_from_edge_list([(count, at) for at in _felt(graph)])
    above = rx.immediate_dominators(dag, count)
    found = [0] * (count + 1)
    for at in above:
        while above[at] != at:
            at = above[at]
            found[at] += 1
    return found[:count]


def _splits(graph: Graph) -> set[int]:
    """Return the services without which the estate falls apart (articulation points)."""
    plain = rx.PyGraph(multigraph=False)
    plain.add_nodes_from(range(len(graph.services)))
    plain.extend_from_edge_list(edges(graph))
    return set(rx.articulation_points(plain))
