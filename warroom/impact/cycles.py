"""Cycles of dependencies: which few to pass over so that what is left has an order."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from enum import IntEnum
from typing import Final, NamedTuple

import rustworkx as rx

# Trying each edge again costs a walk each; a knot as large as this one nobody unties by hand.
_KNOT_MAX: Final = 400


class Firmness(IntEnum):
    """How much it takes to pass over a dependency: soft before asynchronous before hard."""

    SPARE = 1
    SOFT = 2
    LATE = 3
    HARD = 4

    @property
    def word(self) -> str:
        """Return what a person calls it."""
        return {1: "redundant", 2: "soft", 3: "asynchronous", 4: "hard"}[self.value]


class Need(NamedTuple):
    """``service`` needs ``on``; both are indexes of the catalogue."""

    service: int
    on: int
    firmness: Firmness


class Broken(NamedTuple):
    """A dependency that is passed over, and the cycle that it would close, from ``service`` on."""

    need: Need
    cycle: tuple[int, ...]


_COST: Final = {Firmness.SPARE: 1, Firmness.SOFT: 3, Firmness.LATE: 30, Firmness.HARD: 1000}


def order(services: Iterable[int], needs: list[Need]) -> tuple[list[list[int]], list[Broken]]:
    """Put services into generations, what is needed first.

    Args:
        services: the services, each once.
        needs: dependencies between them.

    Returns:
        The generations, each ascending, and the dependencies that were passed over.
    """
    ordered = sorted(services)
    place = {at: n for n, at in enumerate(ordered)}
    dag = rx.PyDiGraph(check_cycle=False, multigraph=False)
    dag.add_nodes_from(ordered)
    dag.add_edges_from_no_data([(place[n.on], place[n.service]) for n in needs])
    broken: list[Broken] = []
    # SCC and generations are rustworkx's: at 50,000 edges they take a tenth of a walk in Python.
    knots = [k for k in rx.strongly_connected_components(dag) if len(k) > 1]
    if knots:
        knot_of = {ordered[n]: number for number, knot in enumerate(knots) for n in knot}
        inside: list[list[Need]] = [[] for _ in knots]
        for need in needs:
            number = knot_of.get(need.service)
            if number is not None and knot_of.get(need.on) == number:
                inside[number].append(need)
        for tied in inside:
            broken += untie(tied)
        dag.remove_edges_from([(place[b.need.on], place[b.need.service]) for b in broken])
    layers = [sorted(ordered[n] for n in layer) for layer in rx.topological_generations(dag)]
    return layers, sorted(broken)


def untie(needs: list[Need]) -> list[Broken]:
    """Choose the dependencies of one knot to pass over.

    A greedy order (Eades, Lin and Smyth 1993, weighted by firmness) says which point backwards;
    each of these is then put back, the firmest first, where it closes no cycle after all, so that
    no dependency is passed over in vain.
    """
    rank = {at: n for n, at in enumerate(_greedy_order(needs))}
    below: dict[int, set[int]] = {at: set() for at in rank}
    back: list[Need] = []
    for need in sorted(needs):
        if rank[need.on] < rank[need.service]:
            below[need.service].add(need.on)
        else:
            back.append(need)
    out: list[Broken] = []
    for need in sorted(back, key=lambda n: (-n.firmness, n)):
        path = _path(below, need.on, need.service)
        if path is None and len(rank) <= _KNOT_MAX:
            below[need.service].add(need.on)
        else:
            out.append(Broken(need, (need.service, *(path or (need.on, need.service)))))
    return out


def _greedy_order(needs: list[Need]) -> list[int]:
    """Return the services of a knot, what is needed first, few and weak edges backwards."""
    gives: dict[int, dict[int, int]] = {}
    takes: dict[int, dict[int, int]] = {}
    for need in needs:
        cost = _COST[need.firmness]
        gives.setdefault(need.on, {})[need.service] = cost
        takes.setdefault(need.service, {})[need.on] = cost
    score = {
        at: sum(gives.get(at, {}).values()) - sum(takes.get(at, {}).values())
        for at in sorted(gives.keys() | takes.keys())
    }
    heap = [(-value, at) for at, value in score.items()]
    heapq.heapify(heap)
    placed: dict[int, None] = {}
    while heap:
        value, at = heapq.heappop(heap)
        if at in placed or -value != score[at]:
            continue
        placed[at] = None
        for other, cost in gives.get(at, {}).items():
            # What ``other`` needed from here is behind it now: it takes less than before.
            if other not in placed:
                score[other] += cost
                heapq.heappush(heap, (-score[other], other))
        for other, cost in takes.get(at, {}).items():
            if other not in placed:
                score[other] -= cost
                heapq.heappush(heap, (-score[other], other))
    return list(placed)


def _path(below: dict[int, set[int]], start: int, end: int) -> tuple[int, ...] | None:
    """Return the shortest way from ``start`` to ``end`` along needs, both included."""
    came: dict[int, int] = {start: start}
    queue = [start]
    for at in queue:
        if at == end:
            way = [at]
            while came[way[-1]] != way[-1]:
                way.append(came[way[-1]])
            return tuple(reversed(way))
        for other in sorted(below[at]):
            if other not in came:
                came[other] = at
                queue.append(other)
    return None
