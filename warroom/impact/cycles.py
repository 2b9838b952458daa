"""Cycles of dependencies: which few to pass over so that what is left has an order."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import rustworkx as rx

from warroom.impact.arrays import Rows

if TYPE_CHECKING:
    from warroom.impact.arrays import Ints

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


@dataclass(frozen=True, slots=True)
class Edges:
    """Dependencies as two columns: ``service[i]`` needs ``on[i]``, ``firmness[i]`` how firmly."""

    service: Ints
    on: Ints
    firmness: Ints

    def but(self, left_out: Ints) -> Edges:
        """Return the edges without those of these numbers."""
        keep = np.ones(len(self.service), np.bool_)
        keep[left_out] = False
        return Edges(self.service[keep], self.on[keep], self.firmness[keep])


def order(count: int, services: Ints, edges: Edges) -> tuple[list[Ints], list[Broken]]:
    """Put services into generations, what is needed first.

    Args:
        count: how many indexes there are.
        services: the services, each once.
        edges: dependencies between them.

    Returns:
        The generations, each ascending, and the dependencies that were passed over.
    """
    layers, left = _peel(count, services, edges)
    if not len(left):
        return layers, []
    # Only what no layer took can be tied: there rustworkx finds the knots.
    tied = np.zeros(count, np.bool_)
    tied[left] = True
    numbers = np.flatnonzero(tied[edges.service] & tied[edges.on])
    dag = rx.PyDiGraph()
    place = np.full(count, -1)
    place[left] = np.arange(len(left))
    dag.add_nodes_from(left.tolist())
    ends = np.stack([place[edges.on[numbers]], place[edges.service[numbers]]], axis=1)
    dag.extend_from_edge_list([(a, b) for a, b in ends.tolist()])
    knot_of = np.full(count, -1)
    for number, knot in enumerate(rx.strongly_connected_components(dag)):
        if len(knot) > 1:
            knot_of[left[knot]] = number
    knots = knot_of[edges.service[numbers]]
    numbers = numbers[(knots >= 0) & (knots == knot_of[edges.on[numbers]])]
    needs: dict[int, dict[Need, list[int]]] = {}
    for number in numbers.tolist():
        service, on = int(edges.service[number]), int(edges.on[number])
        need = Need(service, on, Firmness(int(edges.firmness[number])))
        needs.setdefault(int(knot_of[service]), {}).setdefault(need, []).append(number)
    broken = sorted(b for found in needs.values() for b in untie(list(found)))
    out = [n for b in broken for n in needs[int(knot_of[b.need.service])][b.need]]
    layers, left = _peel(count, services, edges.but(np.array(out, np.int64)))
    return layers, broken


def _peel(count: int, services: Ints, edges: Edges) -> tuple[list[Ints], Ints]:
    """Take away layer after layer of what needs nothing that is left; return them and the rest.

    Layers of arrays: over 50,000 edges this takes a fraction of what handing them over costs.
    """
    waiting = np.bincount(edges.service, minlength=count)
    by_on = np.argsort(edges.on, kind="stable")
    starts = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(edges.on, minlength=count), out=starts[1:])
    needing = Rows(starts, edges.service[by_on])
    layers: list[Ints] = []
    layer = services[waiting[services] == 0]
    placed = np.zeros(count, np.bool_)
    while len(layer):
        layer = np.sort(layer)
        layers.append(layer)
        placed[layer] = True
        above = needing.of(layer)[0]
        np.subtract.at(waiting, above, 1)
        free = np.unique(above)
        layer = free[waiting[free] == 0]
    return layers, np.sort(services[~placed[services]])


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
