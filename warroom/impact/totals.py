"""What is hit, in business words: counts, the largest share of users, what customers feel most."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final

import numpy as np

from warroom.domain.panes import ImpactTotals
from warroom.impact.graph import Graph
from warroom.impact.spread import Level, Spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TIER_ONE: Final = 1
# What customers meet themselves: they never feel a database but through a service.
FACING: Final = "service"
# How much of its users a degraded service troubles, against one that is down.
_DEGRADED: Final = 0.4
_WEIGHTS: Final = np.array([0.0, _DEGRADED, 1.0])
_DOWN: Final = int(Level.DOWN)
_HURT: Final = int(Level.DEGRADED)
# From so many hit services on, arrays are quicker than a walk.
_WALK_MAX: Final = 400


def entry(graph: Graph, at: int) -> bool:
    """Say whether nothing else uses a service: those who do are people."""
    return not (graph.hard[at] or graph.soft[at] or graph.member_of[at])


def totals(spread: Spread) -> ImpactTotals:
    """Count what is down and what is degraded; shares overlap, so the largest counts."""
    if spread.level.count(_DOWN) + spread.level.count(_HURT) > _WALK_MAX:
        return by_arrays(spread.graph, spread.level)
    return by_walk(spread.graph, spread.down, spread.hurt)


def felt_most(spread: Spread) -> int | None:
    """Return the service of the headline: what customers feel most; None when nothing is hit."""
    if spread.level.count(_DOWN) + spread.level.count(_HURT) > _WALK_MAX:
        return _best_of_arrays(spread.graph, spread.level)
    return _best_of_walk(spread.graph, spread.down, spread.hurt)


def by_walk(graph: Graph, down: Collection[int], hurt: Collection[int]) -> ImpactTotals:
    """Count by looking at each service."""
    services = [graph.services[at] for at in chain(down, hurt)]
    best = _best_of_walk(graph, down, hurt)
    return ImpactTotals(
        services=len(services),
        tier_one=len([1 for s in services if s.tier <= _TIER_ONE]),
        user_share=max([s.user_share for s in services if s.user_share is not None], default=None),
        customers=max([s.customers for s in services if s.customers is not None], default=None),
        regions=tuple(sorted({s.region for s in services if s.region is not None})),
        third_parties=len([1 for s in services if s.kind == "third_party"]),
        headline="" if best is None else _headline(graph, best, down=best in down),
    )


def _best_of_walk(graph: Graph, down: Collection[int], hurt: Collection[int]) -> int | None:
    pool = [at for at in chain(down, hurt) if graph.services[at].tier <= _TIER_ONE]
    pool = pool or [*down, *hurt]

    def felt(at: int) -> tuple[bool, bool, float, float, bool, int]:
        service = graph.services[at]
        weight = 1.0 if at in down else _DEGRADED
        share, customers = (service.user_share or 0.0) * weight, (service.customers or 0) * weight
        facing = service.kind == FACING
        return (not facing, not (facing and entry(graph, at)), -share, -customers, at in hurt, at)

    return min(pool, key=felt, default=None)


@dataclass(frozen=True, slots=True)
class _Columns:
    """What is counted of each service; -1 where nobody said.  Services are ordered by tier."""

    tier_one: int
    share: NDArray[np.float64]
    customers: NDArray[np.int64]
    region: NDArray[np.int64]
    regions: list[str]
    third: NDArray[np.bool_]
    facing: NDArray[np.bool_]
    entry: NDArray[np.bool_]


def by_arrays(graph: Graph, level: bytes | bytearray) -> ImpactTotals:
    """Count by columns of the whole graph; ``level`` as in ``Spread``."""
    columns = _columns(graph)
    levels = np.frombuffer(level, np.uint8)
    hit = np.flatnonzero(levels)
    share, customers = columns.share[hit], columns.customers[hit]
    region = np.flatnonzero(np.bincount(columns.region[hit] + 1, minlength=1)) - 1
    most_share, most_customers = float(share.max()), int(customers.max())
    tier_one = int(np.count_nonzero(hit < columns.tier_one))
    best = _best_of_arrays(graph, level)
    return ImpactTotals(
        services=len(hit),
        tier_one=tier_one,
        user_share=None if most_share < 0 else most_share,
        customers=None if most_customers < 0 else most_customers,
        regions=tuple(sorted(columns.regions[n] for n in region.tolist() if n >= 0)),
        third_parties=int(np.count_nonzero(columns.third[hit])),
        headline=_headline(graph, best, down=level[best] == _DOWN),
    )


def _best_of_arrays(graph: Graph, level: bytes | bytearray) -> int:
    columns = _columns(graph)
    levels = np.frombuffer(level, np.uint8)
    hit = np.flatnonzero(levels)
    tier_one = int(np.count_nonzero(hit < columns.tier_one))
    pool = hit[hit < columns.tier_one] if tier_one else hit
    if columns.facing[pool].any():
        pool = pool[columns.facing[pool]]
        if columns.entry[pool].any():
            pool = pool[columns.entry[pool]]
    # By share, then customers, then down before degraded, then importance; nobody's counts as 0.
    for column in (columns.share, columns.customers):
        values = np.maximum(column[pool], 0) * _WEIGHTS[levels[pool]]
        pool = pool[values == values.max()]
    felt = pool[levels[pool] == _DOWN]
    return int((felt if len(felt) else pool).min())


def _headline(graph: Graph, at: int, *, down: bool) -> str:
    return f"{graph.services[at].name} {'down' if down else 'degraded'}"


def _columns(graph: Graph) -> _Columns:
    found = graph.cache.get("columns")
    if not isinstance(found, _Columns):
        services = graph.services
        regions = sorted({s.region for s in services if s.region is not None})
        number = {region: n for n, region in enumerate(regions)}
        found = _Columns(
            sum(1 for s in services if s.tier <= _TIER_ONE),
            np.array([-1.0 if s.user_share is None else s.user_share for s in services]),
            np.array([-1 if s.customers is None else s.customers for s in services], np.int64),
            np.array([-1 if s.region is None else number[s.region] for s in services], np.int64),
            regions,
            np.array([s.kind == "third_party" for s in services], np.bool_),
            np.array([s.kind == FACING for s in services], np.bool_),
            np.array([entry(graph, at) for at in range(len(services))], np.bool_),
        )
        graph.cache["columns"] = found
    return found
