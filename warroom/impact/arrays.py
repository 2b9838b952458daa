"""The same spread by whole layers of arrays, for incidents that take down hundreds of services.

Walking sets (``warroom.impact.sets``) is quicker while little is hit and remains what defines
the result; a test holds both against each other.  Nothing here decides anything differently: the
order in which groups tip is kept to the last tie.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from warroom.impact.graph import Graph, Hardness, Seed
from warroom.impact.spread import LEVELS, Level, Spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

    Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rows:
    """Lists of integers, one after the other: list ``i`` is ``items[starts[i]:starts[i + 1]]``."""

    starts: Ints
    items: Ints

    def of(self, at: Ints) -> tuple[Ints, Ints]:
        """Return the items of several lists, and for each of them whose it is."""
        return self.all_of(at), np.repeat(at, self.starts[at + 1] - self.starts[at])

    def all_of(self, at: Ints) -> Ints:
        """Return the items of several lists."""
        begin = self.starts[at]
        sizes = self.starts[at + 1] - begin
        ends = np.cumsum(sizes)
        if not len(ends) or not ends[-1]:
            return self.items[:0]
        items: Ints = self.items[np.arange(ends[-1]) + np.repeat(begin - ends + sizes, sizes)]
        return items


@dataclass(frozen=True, slots=True)
class Arrays:
    """A graph as arrays; ``group_*`` by number of the group."""

    hard: Rows
    soft: Rows
    member_of: Rows
    group_service: Ints
    group_spare: Ints
    group_hard: Flags


def rows_of(lists: list[list[int]]) -> Rows:
    """Put lists into one array."""
    starts = np.zeros(len(lists) + 1, np.int64)
    np.cumsum([len(found) for found in lists], out=starts[1:])
    return Rows(starts, np.array([item for found in lists for item in found], np.int64))


def arrays_of(graph: Graph) -> Arrays:
    """Return a graph as arrays; made once a graph."""
    found = graph.cache.get("arrays")
    if not isinstance(found, Arrays):
        groups = graph.groups
        found = Arrays(
            rows_of(graph.hard),
            rows_of(graph.soft),
            rows_of(graph.member_of),
            np.array([g.service for g in groups], np.int64),
            np.array([g.size - g.needed for g in groups], np.int64),
            np.array([g.hardness is Hardness.HARD for g in groups], np.bool_),
        )
        graph.cache["arrays"] = found
    return found


class LayeredSpread:
    """Spreads an incident over a graph of arrays."""

    def __init__(self, graph: Graph, said: dict[int, Seed]) -> None:
        self._graph = graph
        self._said = said
        self._arrays = arrays_of(graph)
        count = len(graph.services)
        self._touched = np.zeros(count, np.bool_)
        self._touched[list(said)] = True
        self._gone = np.zeros(len(graph.groups), np.int64)
        self._last = np.zeros(len(graph.groups), np.int64)
        self._tipped: dict[int, tuple[int, int]] = {}

    def run(self) -> Spread:
        """Return the spread."""
        levels = {at: LEVELS[seed.state] for at, seed in self._said.items()}
        down = self._down(
            np.array(sorted(a for a, v in levels.items() if v is Level.DOWN), np.int64)
        )
        seeds = np.array(sorted(a for a, v in levels.items() if v is Level.DEGRADED), np.int64)
        hurt = self._degraded(np.concatenate(down), seeds)
        counted = np.flatnonzero(self._gone)
        hops = np.zeros(len(self._touched), np.int64)
        level = np.zeros(len(self._touched), np.uint8)
        for word, layers in ((Level.DOWN, down), (Level.DEGRADED, hurt)):
            for number, layer in enumerate(layers):
                hops[layer] = number
                level[layer] = word
        return Spread(
            self._graph,
            self._said,
            level.tobytes(),
            hops.tolist(),
            self._tipped,
            dict(zip(counted.tolist(), self._gone[counted].tolist(), strict=True)),
        )

    def _down(self, layer: Ints) -> list[Ints]:
        """Take down what is hard on what is down, layer by layer."""
        arrays = self._arrays
        layers = [layer]
        while len(layer):
            found = self._new(arrays.hard.all_of(layer))
            numbers, members = self._count(layer, hard_only=False)
            at, numbers = self._tipping(numbers[arrays.group_hard[numbers]], members)
            layer = self._tip(at, numbers, found)
            layers.append(layer)
        return layers

    def _degraded(self, down: Ints, seeds: Ints) -> list[Ints]:
        """Degrade what is hard on what is degraded, or soft on what is down, layer by layer."""
        arrays = self._arrays
        reached = np.concatenate([arrays.soft.all_of(down), arrays.hard.all_of(seeds)])
        found = self._new(reached)
        broken = np.flatnonzero((self._gone > arrays.group_spare) & (self._gone > 0))
        # By number: each group tips its service with the member that was last.
        layer = self._tip(self._last[broken], broken, found, by_number=True)
        layer = self._hurt(seeds, layer)
        layers = [seeds, layer]
        while len(layer):
            found = self._new(arrays.hard.all_of(layer))
            layer = self._hurt(layer, found)
            layers.append(layer)
        return layers

    def _hurt(self, degraded: Ints, found: Ints) -> Ints:
        """Count degraded members of hard groups, and add whom a group that broke takes along."""
        numbers, members = self._count(degraded, hard_only=True)
        at, tipping = self._tipping(numbers, members)
        return self._tip(at, tipping, found)

    def _tipping(self, numbers: Ints, members: tuple[Ints, Ints]) -> tuple[Ints, Ints]:
        """Return the groups that have become too small, and for each the member too many.

        Args:
            numbers: groups of which the last layer hit members, ascending, counted already.
            members: (member, group) of that layer, by member.
        """
        service, spare = self._arrays.group_service, self._arrays.group_spare
        broken = self._gone[numbers] > spare[numbers]
        tipping = numbers[broken & ~self._touched[service[numbers]]]
        if not len(tipping):
            return tipping, tipping
        order = np.argsort(members[1], kind="stable")
        hit, group = members[0][order], members[1][order]
        first = np.searchsorted(group, tipping)
        before = self._gone[tipping] - (np.searchsorted(group, tipping, side="right") - first)
        return hit[first + np.maximum(spare[tipping] - before, 0)], tipping

    def _new(self, reached: Ints) -> Ints:
        """Return the services among those reached that were not hit yet, and mark them."""
        mark = np.zeros(len(self._touched), np.bool_)
        mark[reached] = True
        mark &= ~self._touched
        self._touched |= mark
        return np.flatnonzero(mark)

    def _count(self, layer: Ints, *, hard_only: bool) -> tuple[Ints, tuple[Ints, Ints]]:
        """Count the members that a layer (ascending) hits.

        Returns:
            The groups, ascending, each once; and (member, group) of all, by member.
        """
        numbers, at = self._arrays.member_of.of(layer)
        if hard_only:
            firm = self._arrays.group_hard[numbers]
            numbers, at = numbers[firm], at[firm]
        if not len(numbers):
            return numbers, (at, numbers)
        counts = np.bincount(numbers, minlength=len(self._gone))
        self._gone += counts
        # Members ascend, and of several values for one place the last one stays.
        self._last[numbers] = at
        return np.flatnonzero(counts), (at, numbers)

    def _tip(self, at: Ints, numbers: Ints, found: Ints, *, by_number: bool = False) -> Ints:
        """Add the services that groups take along; of two groups the first counts."""
        services = self._arrays.group_service[numbers]
        fresh = ~self._touched[services]
        if not fresh.any():
            return found
        at, numbers, services = at[fresh], numbers[fresh], services[fresh]
        if not by_number:
            order = np.lexsort((numbers, at))
            at, numbers, services = at[order], numbers[order], services[order]
        # Backwards: of several groups that tip one service the first is what stays.
        causes = zip(at[::-1].tolist(), numbers[::-1].tolist(), strict=True)
        self._tipped.update(zip(services[::-1].tolist(), causes, strict=True))
        self._touched[services] = True
        mark = np.zeros(len(self._touched), np.bool_)
        mark[found] = True
        mark[services] = True
        return np.flatnonzero(mark)
