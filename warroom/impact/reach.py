"""How strongly a fault here is felt there: from what is unhealthy back to what it needs."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import Final, cast

from warroom.impact.graph import Graph, Hardness
from warroom.impact.weights import Weights

# Services that one walk may settle, and all walks of one incident together: what is further away
# than the nearest few hundred explains little, and a storm must not cost more than an incident.
_SETTLED_MAX: Final = 200
_SETTLED_ALL: Final = 3_000
_SETTLED_MIN: Final = 24


class Reach:
    """Shares of a fault that arrive, from every service near what is unhealthy.

    ``share[c][i]`` is the share (0 to 1) of a fault of ``c`` that ``i`` feels over its best path;
    ``through[i][c]`` the next service on that path; ``hops[i][c]`` its length.

    A walk along lists of integers in Python: the walks are short and weighted by hardness, so that
    handing them to rustworkx would cost more than it saves.
    """

    def __init__(self, graph: Graph, unhealthy: Iterable[int], weights: Weights) -> None:
        self._graph = graph
        self._weights = weights
        # Kept with the graph: whoever holds it in memory asks again and again.
        self._needs = cast(
            "dict[int, list[tuple[int, float]]]", graph.cache.setdefault(("needs", weights), {})
        )
        self.share: dict[int, dict[int, float]] = {}
        self.through: dict[int, dict[int, int]] = {}
        self.hops: dict[int, dict[int, int]] = {}
        ordered = sorted(unhealthy)
        self._unhealthy = frozenset(ordered)
        most = max(_SETTLED_MIN, min(_SETTLED_MAX, _SETTLED_ALL // max(1, len(ordered))))
        for at in ordered:
            self._walk(at, most)

    def needs(self, at: int) -> list[tuple[int, float]]:
        """Return what a service needs, and the share of a fault that each passes on."""
        found = self._needs.get(at)
        if found is None:
            graph, w = self._graph, self._weights
            if graph.late:
                best = {
                    on: w.late if (at, on) in graph.late else w.soft for on in graph.needs_soft[at]
                }
            else:
                best = dict.fromkeys(graph.needs_soft[at], w.soft)
            best |= dict.fromkeys(graph.needs_hard[at], w.hard)
            for number in graph.groups_of.get(at, ()):
                group = graph.groups[number]
                whole = w.hard if group.hardness is Hardness.HARD else w.soft
                share = whole if group.needed >= group.size else w.spare
                for on in graph.members[number]:
                    best[on] = max(best.get(on, 0.0), share)
            self._needs[at] = found = list(best.items())
        return found

    def path(self, start: int, end: int) -> tuple[int, ...]:
        """Return the way from a suspect to an unhealthy service, both included."""
        through, way = self.through[end], [start]
        while way[-1] != end:
            way.append(through[way[-1]])
        return tuple(way)

    def _walk(self, start: int, most: int) -> None:
        least, deepest = self._weights.reach_min, self._weights.hops_max
        through: dict[int, int] = {start: start}
        hops: dict[int, int] = {start: 0}
        best: dict[int, float] = {start: 1.0}
        settled: set[int] = set()
        heap: list[tuple[float, int]] = [(-1.0, start)]
        while heap and len(settled) < most:
            negative, at = heapq.heappop(heap)
            if at in settled:
                continue
            settled.add(at)
            self.share.setdefault(at, {})[start] = -negative
            if hops[at] == deepest:
                continue
            passes = -negative
            if at not in self._unhealthy and self._graph.services[at].watched:
                passes *= self._weights.between
            for on, passed in self.needs(at):
                share = passes * passed
                if share >= least and share > best.get(on, 0.0):
                    best[on] = share
                    through[on] = at
                    hops[on] = hops[at] + 1
                    heapq.heappush(heap, (-share, on))
        self.through[start] = through
        self.hops[start] = hops
