"""The way from a suspect to the service of the headline, through what is hit."""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Iterator
from typing import Final

from warroom.impact.graph import Graph, Hardness
from warroom.impact.hardness import Impact
from warroom.impact.totals import felt_most

# What a dependency costs: of two ways equally long the harder one is drawn.
_HARD: Final = 2
_SOFT: Final = 3
# Services that a walk may settle: in an incident of thousands a suspect this far away has none.
_SETTLED_MAX: Final = 2_000


def ways(impact: Impact, starts: Collection[int]) -> dict[int, tuple[int, ...]]:
    """Return the way from each of some services to what customers feel most, both ends included.

    Only over services that are hit, but for the start; the shortest, then the hardest.  One from
    which no such way leads is left out.
    """
    spread = impact.spread
    end = felt_most(spread)
    if end is None:
        return {}
    towards: dict[int, int] = {end: end}
    cost: dict[int, float] = {end: 0}
    missing, settled = set(starts), set[int]()
    heap = [(0, end)]
    while heap and missing and len(settled) < _SETTLED_MAX:
        so_far, at = heapq.heappop(heap)
        if at in settled:
            continue
        settled.add(at)
        missing.discard(at)
        if not spread.level[at]:
            continue
        for on, price in _needs(spread.graph, at):
            if (spread.level[on] or on in missing) and so_far + price < cost.get(on, math.inf):
                cost[on], towards[on] = so_far + price, at
                heapq.heappush(heap, (so_far + price, on))
    return {at: _way(towards, at) for at in starts if at in settled}


def _way(towards: dict[int, int], at: int) -> tuple[int, ...]:
    way = [at]
    while towards[way[-1]] != way[-1]:
        way.append(towards[way[-1]])
    return tuple(way)


def _needs(graph: Graph, at: int) -> Iterator[tuple[int, int]]:
    yield from ((on, _HARD) for on in graph.needs_hard[at])
    yield from ((on, _SOFT) for on in graph.needs_soft[at])
    for number in graph.groups_of.get(at, ()):
        price = _HARD if graph.groups[number].hardness is Hardness.HARD else _SOFT
        yield from ((on, price) for on in graph.members[number])
